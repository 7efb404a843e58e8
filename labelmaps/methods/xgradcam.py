"""XGradCAM: Grad-CAM with gradients weighted by each cell's share of its channel's activation.

Source: Fu et al. (2020), arXiv 2008.02312; computed by the grad-cam package. If average pooling and one
linear layer follow the last block, it equals Grad-CAM.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"
NAME = "XGradCAM"
COLOUR = "#CC6677"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """Compute XGradCAM of k*.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: (image,), k*.

    Returns (image, row, column) with a value ≥ 0 for each cell of the last map, not scaled to [0, 1].
    """
    from pytorch_grad_cam import XGradCAM

    return glimpse.cam(XGradCAM, label)
