"""Likelihood map: how probable the network finds the target label at each fixation ("visual search").

Source: the paper, "From Label map to Likelihood and Information Gain maps": L*(u) = p(k*|x_u), here its logarithm.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "cued"


def saliency(maps: "LabelMaps", label: np.ndarray) -> np.ndarray:
    """Log p(k*|x_u) in nats, (image, row, column); `label` (image,) is k*."""
    return np.take_along_axis(maps.log_probability, label[:, None, None, None], axis=-1)[..., 0]
