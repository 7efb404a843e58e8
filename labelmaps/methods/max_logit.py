"""Maximum logit: the largest logit of all labels at each fixation.

Source: the paper, equation 1.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """max_k z_k(u), (image, row, column)."""
    return maps.log_probability.max(axis=-1) + maps.log_sum_exp
