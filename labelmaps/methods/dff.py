"""Deep feature factorisation: the last block's activations at x₀ as few parts, each a concept at some positions.

Source: Collins et al. (2018), arXiv 1806.10206, per image as in the grad-cam package. The activations (channel, position)
minus each channel's minimum over positions are approximated by W H, both non-negative. A concept is a column of W plus the
minima, and the network's head gives it a label, so that DFF localises and categorises at once.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from labelmaps.inference.glimpse import Glimpse

INPUT = "glimpse"
CUE = "uncued"
NAME = "DFF"
COLOUR = "#882255"


def saliency(
    glimpse: "Glimpse",
    label: None,
    *,
    components: Literal[1, 2, 3, 4, 5, 6, 7, 8] = 1,
    choose: Literal["softmax", "energy"] = "softmax",
) -> "tuple[Tensor, Tensor]":
    """Factorise the activations, and choose one component and its concept.

    glimpse: the activations of a block of images at x₀, and the network's head.
    label: None, as k* is not given.
    components: the number of components into which the activations of an image are factorised.
    choose: the component that is taken: the one whose concept the network's head labels with the highest "softmax" score, or
        the one of the largest "energy" ‖w‖‖h‖.

    Returns the component's spatial factor h, (image, row, column), scaled to peak 1, and its concept's label (image,).
    """
    from labelmaps.methods._factorisation import factorise

    activations = glimpse.activations
    n, channels, rows, columns = activations.shape
    lowest = activations.flatten(2).amin(dim=2, keepdim=True)
    w, h = factorise(activations.flatten(2) - lowest, components)
    energy = w.norm(dim=1) * h.norm(dim=2)
    peak = h.amax(dim=2, keepdim=True)
    h = h / peak.where(peak > 0, 1)  # a component that vanished stays 0 everywhere
    concepts = (w * peak.mT + lowest).mT.reshape(-1, channels, 1, 1)
    logits = glimpse.head(concepts.expand(-1, -1, rows, columns)).unflatten(0, (n, -1))
    score = logits.softmax(dim=2).amax(dim=2) if choose == "softmax" else energy
    chosen = score.argmax(dim=1)
    image = chosen.new_tensor(range(n))
    return h[image, chosen].reshape(n, rows, columns), logits[image, chosen].argmax(dim=1)
