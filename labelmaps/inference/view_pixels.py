"""Views as pixels that people can look at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from labelmaps.inference.inputs import make_views, normalised
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.resampling.boxes import draw_boxes
from labelmaps.resampling.taps import Drawing
from labelmaps.views import View

CPU = torch.device("cpu")


def view_pixels(
    image: np.ndarray, view: View, preprocessing: Preprocessing, cells: Sequence[int]
) -> np.ndarray:
    """Make the views of an image from some cells of the fixation grid, as pixels before normalisation.

    image: (H, W, RGB) uint8. cells: counted row by row. Returns (cell, size, size, RGB) uint8.
    """
    (views,) = make_views([image], view, preprocessing, CPU, cells)
    return _denormalised(views, preprocessing)


def draw_views(
    picture: np.ndarray,
    boxes: np.ndarray,
    drawing: Drawing,
    scale: Sequence[float],
    preprocessing: Preprocessing,
) -> np.ndarray:
    """Draw views from a picture of the image, which may have another size than the image.

    picture: (H, W, RGB) uint8. boxes: (view, 4), their extents, and drawing, both in original pixels. scale: the picture's
    width and height, in units of the image's. Returns (view, size, size, RGB) uint8.
    """
    scales = np.tile(scale, 2)
    drawing = replace(drawing, visible_box=tuple(drawing.visible_box * scales))
    black = preprocessing.black(CPU)
    (pixels,) = normalised([picture], preprocessing, CPU)
    drawn = draw_boxes(pixels, boxes * scales, drawing, preprocessing.size, black)
    return _denormalised(drawn, preprocessing)


def _denormalised(views: Tensor, preprocessing: Preprocessing) -> np.ndarray:
    """Convert normalised views (view, 3, size, size) to pixels (view, size, size, RGB) uint8."""
    mean, std = (np.array(x)[:, None, None] for x in (preprocessing.mean, preprocessing.std))
    return np.moveaxis((255 * (views.numpy() * std + mean).clip(0, 1)).round().astype(np.uint8), 1, -1)
