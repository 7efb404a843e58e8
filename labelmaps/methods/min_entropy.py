"""Minimum entropy: the certainty of the network about the label at each fixation.

It is IGUB without the knowledge from x₀: in IGUB's sum, p(k|x_u) takes the place of the joint posterior p(k|x₀, x_u).
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"
NAME = "minimum entropy"
UNIT = "negative entropy, nats"
COLOUR = "#44AA99"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """Compute Σ_k p(k|x_u) log p(k|x_u), the negative entropy of each view; a label of probability 0 adds 0.

    maps: the label maps of a block of images.
    label: None, as k* is not given.

    Returns (image, row, column), in nats.
    """
    view = maps.log_probability
    p = np.exp(view)
    return np.multiply(p, view, out=p, where=p > 0).sum(axis=-1)
