"""Maximum softmax: the network's probability of its top label at each fixation.

Source: Hendrycks and Gimpel (2017), arXiv 1610.02136, where max_k p(k|x) is the confidence of a classifier; here its
logarithm, which has the same order and a better resolution near 1.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "uncued"
NAME = "maximum softmax"
UNIT = "largest log p, nats"
COLOUR = "#88CCEE"


def saliency(maps: "LabelMaps", label: None) -> np.ndarray:
    """Compute max_k log p(k|x_u), the log-probability of the top label in each view.

    maps: the label maps of a block of images.
    label: None, as k* is not given.

    Returns (image, row, column), in nats.
    """
    return maps.log_probability.max(axis=-1)
