"""HiResCAM: Σ_c ∂z_{k*}/∂A_c ⊙ A_c, in which each cell has its own gradient as its weight.

Source: Draelos and Carin (2020), arXiv 2011.08891; computed by the grad-cam package. If average pooling and one
linear layer follow the last block, it equals Grad-CAM.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"
NAME = "HiResCAM"
COLOUR = "#AA4499"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """Compute HiResCAM of k*.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: (image,), k*.

    Returns (image, row, column) with a value ≥ 0 for each cell of the last map, not scaled to [0, 1].
    """
    from pytorch_grad_cam import HiResCAM

    return glimpse.cam(HiResCAM, label)
