"""LayerCAM: Σ_c ReLU(∂z_{k*}/∂A_c) ⊙ A_c, in which only activations that raise the label's logit count.

Source: Jiang et al. (2021), doi 10.1109/TIP.2021.3089943; computed by the grad-cam package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"
NAME = "LayerCAM"
COLOUR = "#332288"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """Compute LayerCAM of k*.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: (image,), k*.

    Returns (image, row, column) with a value ≥ 0 for each cell of the last map, not scaled to [0, 1].
    """
    from pytorch_grad_cam import LayerCAM

    return glimpse.cam(LayerCAM, label)
