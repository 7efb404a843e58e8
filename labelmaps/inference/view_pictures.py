"""What a network receives, as pictures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from labelmaps.inference.inputs import make_views, normalised
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.resampling.boxes import draw_boxes
from labelmaps.resampling.taps import Drawing
from labelmaps.views import ViewFamily

CPU = torch.device("cpu")


def picture_views(
    image: np.ndarray, view: ViewFamily, preprocessing: Preprocessing, cells: Sequence[int]
) -> np.ndarray:
    """The views from some of the grid's cells, counted row by row, before they are normalised.

    image: (H, W, RGB) uint8. Returns (cell, size, size, RGB) uint8.
    """
    (views,) = make_views([image], view, preprocessing, CPU, cells)
    return _pictures(views, preprocessing)


def draw_views(
    picture: np.ndarray,
    boxes: np.ndarray,
    drawing: Drawing,
    scale: Sequence[float],
    preprocessing: Preprocessing,
) -> np.ndarray:
    """Views drawn from a picture of the image, at its size or another.

    picture: (H, W, RGB) uint8. boxes: (view, 4), their extents, and drawing, both in original pixels. scale: the picture's
    width and height, in units of the image's. Returns (view, size, size, RGB) uint8.
    """
    scales = np.tile(scale, 2)
    drawing = replace(drawing, visible_box=tuple(drawing.visible_box * scales))
    black = preprocessing.black(CPU)
    (pixels,) = normalised([picture], preprocessing, CPU)
    drawn = draw_boxes(pixels, boxes * scales, drawing, preprocessing.size, black)
    return _pictures(drawn, preprocessing)


def _pictures(views: Tensor, preprocessing: Preprocessing) -> np.ndarray:
    mean, std = (np.array(x)[:, None, None] for x in (preprocessing.mean, preprocessing.std))
    return np.moveaxis((255 * (views.numpy() * std + mean).clip(0, 1)).round().astype(np.uint8), 1, -1)
