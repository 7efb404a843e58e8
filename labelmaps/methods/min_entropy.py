"""Minimum entropy: how certain the network is of the label at each fixation.

It is IGUB without what x₀ told: in IGUB's sum, p(k|x_u) stands in place of the joint posterior p(k|x₀, x_u).
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """Minus the entropy, Σ_k p(k|x_u) log p(k|x_u), in nats, (image, row, column); an impossible label adds 0."""
    view = maps.log_probability
    p = np.exp(view)
    return np.multiply(p, view, out=p, where=p > 0).sum(axis=-1)
