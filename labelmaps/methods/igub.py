"""IGUB: upper bound of the information gained by a saccade from x₀ to u.

Source: the paper, equation 2: IGUB(u) = Σ_k p(k|x₀, x_u) log p(k|x_u). The joint posterior is the normalised product
p(k|x₀, x_u) ∝ p(k|x₀) p(k|x_u), as in Daucé & Perrinet (2020).
"""

import numpy as np

from labelmaps.label_map_file import LabelMaps

CUE = "uncued"


def saliency(maps: LabelMaps, label: None) -> np.ndarray:
    """IGUB(u) in nats, (image, row, column)."""
    view = maps.log_probability
    initial = view[:, *maps.initial][:, None, None, :]
    joint = initial + view
    joint = np.exp(joint - joint.max(axis=-1, keepdims=True))
    return (joint * view).sum(axis=-1) / joint.sum(axis=-1)
