"""Views as pictures for figures and pages: RGB pixels before normalisation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from labelmaps.inference.inputs import make_views, normalise_images
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.resampling.boxes import draw_boxes
from labelmaps.resampling.taps import Drawing
from labelmaps.views import View

CPU = torch.device("cpu")


def view_pixels(
    image: np.ndarray, view: View, preprocessing: Preprocessing, cells: Sequence[int]
) -> np.ndarray:
    """Make the views of an image from some fixations, as RGB pixels.

    image: (H, W, RGB) uint8. cells: the cells of the fixation grid, counted row by row from 0.
    Returns (cell, size, size, RGB) uint8: what the network receives, before normalisation.
    """
    (views,) = make_views([image], view, preprocessing, CPU, cells)
    return _denormalised(views, preprocessing)


def grid_pixels(image: np.ndarray, view: View, preprocessing: Preprocessing) -> np.ndarray:
    """Make all views of an image, as pixels before normalisation, (row, column, size, size, RGB) uint8.

    image: (H, W, RGB) uint8.
    """
    views = view_pixels(image, view, preprocessing, range(view.grid**2))
    return views.reshape(view.grid, view.grid, *views.shape[1:])


def draw_views(
    picture: np.ndarray,
    boxes: np.ndarray,
    drawing: Drawing,
    scale: Sequence[float],
    preprocessing: Preprocessing,
) -> np.ndarray:
    """Draw views of an image from a resized picture of it.

    picture: (H, W, RGB) uint8.
    boxes: (view, 4), the extents x0, y0, x1, y1 of the views, in original pixels.
    drawing: how to draw them; its visible box is in original pixels, too.
    scale: the picture's width and height, as multiples of the image's.

    Returns (view, size, size, RGB) uint8.
    """
    scales = np.tile(scale, 2)
    drawing = replace(drawing, visible_box=tuple(drawing.visible_box * scales))
    black = preprocessing.black(CPU)
    (pixels,) = normalise_images([picture], preprocessing, CPU)
    drawn = draw_boxes(pixels, boxes * scales, drawing, preprocessing.size, black)
    return _denormalised(drawn, preprocessing)


def _denormalised(views: Tensor, preprocessing: Preprocessing) -> np.ndarray:
    """Convert normalised views (view, 3, size, size) back to pixels (view, size, size, RGB) uint8."""
    mean, std = (np.array(x)[:, None, None] for x in (preprocessing.mean, preprocessing.std))
    return np.moveaxis((255 * (views.numpy() * std + mean).clip(0, 1)).round().astype(np.uint8), 1, -1)
