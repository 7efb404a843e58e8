"""EigenCAM: the first principal component over positions of the last block's activations at x₀.

Source: Muhammad and Yeasin (2020), arXiv 2008.00299, with the centring of the grad-cam package. There a component's sign is
arbitrary; here the side that reaches further from 0 is the positive one (Chung and Ying 2025, doi 10.3390/app15137562,
equation 13). The component is found without the full singular value decomposition of that package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "uncued"
NAME = "EigenCAM"
COLOUR = "#117733"


def saliency(glimpse: "Glimpse", label: None) -> "Tensor":
    """Project the activations on their first principal component over positions.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: None, as k* is not given.

    Returns (image, row, column), in the activations' units; negative projections are 0.
    """
    from labelmaps.methods._factorisation import leading_vector

    positions = glimpse.activations.flatten(2)
    centred = positions - positions.mean(dim=2, keepdim=True)
    direction = leading_vector(centred)
    projection = direction * (centred @ direction[:, :, None]).norm(dim=1)  # the norm is the singular value
    return projection.clamp(min=0).reshape(-1, *glimpse.activations.shape[2:])
