"""Bilinear resampling of boxes: the views of an image, each axis on its own, on a CPU or a GPU."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from labelmaps.resampling.taps import Drawing, Sampling, taps_of_boxes


def resize_boxes(
    image: Tensor,
    boxes: np.ndarray,
    picture: Sequence[float],
    size: int,
    sampling: Sampling,
    empty: Tensor,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Resample boxes of an image to squares.

    image: (3, H, W) float32. boxes: (box, 4), x0, y0, x1, y1 in edge coordinates. picture: x0, y0, x1, y1, the part of the
    image that is seen, in the same coordinates; it may be larger than the image. empty: (3,), the colour where there is
    nothing. Returns (box, 3, size, size), of type `dtype` or the image's, on the image's device, channels last in memory.
    """
    _, height, width = image.shape
    taps = taps_of_boxes(boxes.astype(np.float64).tobytes(), tuple(picture), width, height, size, sampling)
    views = image.new_empty((len(boxes), size, size, 3), dtype=dtype)
    # One needs Triton, the other numba.
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
    """Views (box, 3, size, size) that fill boxes (box, 4) of a normalised image (3, H, W), as `drawing` says.

    black: (3,), RGB 0, normalised; the mean colour is 0 then.
    """
    sampling = Sampling(drawing.antialias, drawing.places, drawing.beyond)
    empty = black * (drawing.empty == "black")
    views = resize_boxes(image, boxes, drawing.picture, size, sampling, empty, dtype)
    return blacken_outside_disc(views, black) if drawing.disc else views


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black.to(views.dtype)[:, None, None])
