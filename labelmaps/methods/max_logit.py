"""Maximum logit: the largest logit of all labels at each fixation.

Source: the paper, equation 1.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"
NAME = "maximum logit"
UNIT = "largest logit"
COLOUR = "#56B4E9"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """Compute max_k z_k(u), the largest logit in each view.

    maps: the label maps of a block of images.
    label: None, as k* is not given.

    Returns (image, row, column), as logits.
    """
    return maps.log_probability.max(axis=-1) + maps.log_sum_exp
