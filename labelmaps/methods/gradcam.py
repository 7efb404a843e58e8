"""Grad-CAM: the positions whose activations at x₀ raise the logit of the target label.

Source: Selvaraju et al. (2020), arXiv 1610.02391: ReLU(Σ_c w_c A_c), where w_c is the spatial mean of ∂z_{k*}/∂A_c.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"
NAME = "Grad-CAM"
COLOUR = "#CC79A7"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """Compute Grad-CAM of k*.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: (image,), k*.

    Returns (image, row, column) with a value ≥ 0 for each cell of the last map, not scaled to [0, 1].
    """
    linear, activations = glimpse.classifier.linear, glimpse.activations
    if linear is None:
        from pytorch_grad_cam import GradCAM

        return glimpse.cam(GradCAM, label)
    # After average pooling and one linear layer, w_c is W[k*, c] over the number of cells: no backward pass.
    weighted = (linear.weight[label][:, None] @ activations.flatten(2)).reshape(-1, *activations.shape[2:])
    return weighted.clamp(min=0) / activations[0, 0].numel()
