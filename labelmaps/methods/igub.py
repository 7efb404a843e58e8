"""IGUB: upper bound of the information gained by a saccade from x₀ to u.

Source: the paper, equation 2: IGUB(u) = Σ_k p(k|x₀, x_u) log p(k|x_u). The joint posterior is the normalised product
p(k|x₀, x_u) ∝ p(k|x₀) p(k|x_u), as in Daucé & Perrinet (2020).
"""

from typing import TYPE_CHECKING, Literal

import numpy as np

from labelmaps.methods import log_sum_exp

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"
NAME = "IGUB"
UNIT = "expected log p, nats"
COLOUR = "#009E73"


def saliency(
    maps: "LabelMaps", label: None, *, prior: Literal["initial", "mean", "inner"] = "initial"
) -> np.ndarray:
    """Compute IGUB(u), the expectation of log p(k|x_u) under the joint posterior of x₀ and x_u.

    maps: the label maps of a block of images.
    label: None, as k* is not given.
    prior: the probability of a label before the saccade: p(k|x₀) ("initial", as in the paper), or the mean of p(k|x_u) over
        all views ("mean") or over the central 3 × 3 ("inner"; over all views where the grid is smaller).

    Returns (image, row, column), in nats.
    """
    view = maps.log_probability
    row, column = maps.initial
    known = {
        "initial": view[:, row : row + 1, column : column + 1],
        "mean": view,
        "inner": view[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2],
    }[prior]
    # The sum over views stands for their mean: the joint posterior is normalised.
    before = log_sum_exp(known, axis=(1, 2))
    return expected_log_probability(before[:, None, None, :], view)


def expected_log_probability(before: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Compute Σ_k p(k|before, x_u) log p(k|x_u), where p(k|before, x_u) ∝ p(k|before) p(k|x_u), (…,), in nats.

    before: (…, label), log p(k|before) up to a constant. view: (…, label), log p(k|x_u). Their other axes are broadcast.
    """
    joint = before + view
    joint -= joint.max(axis=-1, keepdims=True)
    np.exp(joint, out=joint)
    return np.vecdot(joint, view) / joint.sum(axis=-1)
