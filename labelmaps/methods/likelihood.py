"""Likelihood map: the network's probability of the target label at each fixation ("visual search").

Source: the paper, "From Label map to Likelihood and Information Gain maps": L*(u) = p(k*|x_u), here its logarithm.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from labelmaps.storage.label_map_file import LabelMaps

INPUT = "label maps"
CUE = "cued"
NAME = "likelihood map"
UNIT = "log p of the given label, nats"
COLOUR = "#E69F00"


def saliency(maps: "LabelMaps", label: np.ndarray) -> np.ndarray:
    """Return log p(k*|x_u) from the label maps.

    maps: the label maps of a block of images.
    label: (image,), k*.

    Returns (image, row, column), in nats.
    """
    return np.take_along_axis(maps.log_probability, label[:, None, None, None], axis=-1)[..., 0]
