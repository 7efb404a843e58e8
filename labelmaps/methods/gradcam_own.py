"""Grad-CAM, own label: Grad-CAM of the top label that the network itself gives x₀.

`labelmaps.methods.gradcam` is given the label of the data set; this method is not, and needs x₀ alone. Its saccade is
predicted before any other view is processed.
"""

from typing import TYPE_CHECKING

from labelmaps.methods import gradcam

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "uncued"
NAME = "Grad-CAM, own label"
COLOUR = "#661100"


def saliency(glimpse: "Glimpse", label: None) -> "tuple[Tensor, Tensor]":
    """Compute Grad-CAM of the network's top label at x₀.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: None, as k* is not given.

    Returns the maps (image, row, column) as `labelmaps.methods.gradcam` does, not scaled to [0, 1], and the labels (image,).
    """
    own_label = glimpse.head(glimpse.activations).argmax(dim=1)
    return gradcam.saliency(glimpse, own_label), own_label
