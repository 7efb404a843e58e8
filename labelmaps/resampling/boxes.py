"""Resampling of boxes of an image to square views, with each axis scaled separately, on a CPU or a GPU."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from labelmaps.resampling.taps import Drawing, Sampling, taps_of_boxes


def resize_boxes(
    image: Tensor,
    boxes: np.ndarray,
    visible_box: Sequence[float],
    size: int,
    sampling: Sampling,
    empty: Tensor,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Resample boxes of an image to squares.

    image: (3, row, column) float32.
    boxes: (box, 4), x0, y0, x1, y1 in edge coordinates of the image's pixels; they may extend beyond the image.
    visible_box: x0, y0, x1, y1 in the same coordinates, the part of the image that is shown, as in `Drawing`.
    size: the side of a square, in pixels.
    sampling: where samples lie, how they are computed, and whether what is beyond the visible box is empty, mirrored or
        repeated.
    empty: (3,), the colour of empty pixels, in the units of the image.
    dtype: the result's type; that of the image by default.

    Returns (box, 3, size, size) on the device of the image, with the channels last in memory.
    """
    _, height, width = image.shape
    left, top, right, bottom = visible_box
    taps = taps_of_boxes(
        boxes.astype(np.float64).tobytes(), (left, top, right, bottom), width, height, size, sampling
    )
    views = image.new_empty((len(boxes), size, size, 3), dtype=dtype)
    # Imported only if needed: the first needs Triton, and compiling the second takes seconds.
    if image.is_cuda:
        from labelmaps.resampling.gpu import resample
    else:
        from labelmaps.resampling.cpu import resample
    resample(image, taps, empty, views)
    return views.permute(0, 3, 1, 2)


def draw_boxes(
    image: Tensor,
    boxes: np.ndarray,
    drawing: Drawing,
    size: int,
    black: Tensor,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Draw the views of a normalised image with the given extents.

    image: (3, row, column) float32.
    boxes: (box, 4), the extents x0, y0, x1, y1, in pixels of the image.
    drawing: how to draw the views.
    size: the side of a view, in pixels.
    black: (3,), RGB 0 after normalisation; the mean colour is 0 after normalisation.
    dtype: the views' type; that of the image by default.

    Returns (box, 3, size, size) on the device of the image.
    """
    empty = black * (drawing.empty == "black")
    views = resize_boxes(image, boxes, drawing.visible_box, size, drawing.sampling, empty, dtype)
    return blacken_outside_disc(views, black) if drawing.disc else views


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Return a copy of views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc of each."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black.to(views.dtype)[:, None, None])
