"""Center: no saccade. It is the baseline with which every method is compared."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "baseline"
NAME = "centre"
UNIT = "1 at the centre"
COLOUR = "#666666"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """Return a map that is largest at x₀, so that the eye stays there.

    maps: the label maps of a block of images.
    label: None, as k* is not given.

    Returns (image, row, column): 1 at x₀, 0 elsewhere.
    """
    saliency = np.zeros_like(maps.log_sum_exp)
    saliency[:, *maps.initial] = 1
    return saliency
