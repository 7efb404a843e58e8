"""XGradCAM: Grad-CAM with gradients weighted by each cell's share of its channel's activation.

Source: Fu et al. (2020), arXiv 2008.02312; by the grad-cam package. Where average pooling and one
linear layer follow the last block, it is Grad-CAM itself.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """XGradCAM of k*, raw, (image, row, column); `label` (image,) is k*."""
    from pytorch_grad_cam import XGradCAM

    return glimpse.cam(XGradCAM, label)
