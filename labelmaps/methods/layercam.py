"""LayerCAM: Σ_c ReLU(∂z_{k*}/∂A_c) ⊙ A_c: only what speaks for the label counts.

Source: Jiang et al. (2021), doi 10.1109/TIP.2021.3089943; by the grad-cam package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "cued"


def saliency(glimpse: "Glimpse", label: "Tensor") -> "Tensor":
    """LayerCAM of k*, raw, (image, row, column); `label` (image,) is k*."""
    from pytorch_grad_cam import LayerCAM

    return glimpse.cam(LayerCAM, label)
