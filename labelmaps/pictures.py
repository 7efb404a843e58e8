"""What a network receives, as pictures."""

from collections.abc import Sequence

import numpy as np
import torch

from labelmaps.inference import make_views
from labelmaps.networks import Preprocessing
from labelmaps.views import ViewFamily


def picture_views(
    image: np.ndarray, view: ViewFamily, preprocessing: Preprocessing, cells: Sequence[int]
) -> np.ndarray:
    """The views from some of the grid's cells, counted row by row, before they are normalised.

    image: (H, W, RGB) uint8. Returns (cell, size, size, RGB) uint8.
    """
    received = make_views(image, view, preprocessing, torch.device("cpu"), cells).numpy()
    mean, std = (np.array(x)[:, None, None] for x in (preprocessing.mean, preprocessing.std))
    return np.moveaxis((255 * (received * std + mean).clip(0, 1)).round().astype(np.uint8), 1, -1)
