"""Grad-CAM++: Grad-CAM with weights in which every position that raises the label's logit counts.

Source: Chattopadhay et al. (2018), arXiv 1710.11063; computed by the grad-cam package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"
NAME = "Grad-CAM++"
COLOUR = "#DDCC77"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """Compute Grad-CAM++ of k*.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: (image,), k*.

    Returns (image, row, column) with a value ≥ 0 for each cell of the last map, not scaled to [0, 1].
    """
    from pytorch_grad_cam import GradCAMPlusPlus

    return glimpse.cam(GradCAMPlusPlus, label)
