"""Center: no saccade. The baseline that every method is compared with."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "baseline"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """1 at x₀, 0 elsewhere; (image, row, column)."""
    saliency = np.zeros_like(maps.log_sum_exp)
    saliency[:, *maps.initial] = 1
    return saliency
