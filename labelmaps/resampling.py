"""Bilinear resampling of axis-aligned boxes.

The boxes need not fall on whole pixels. Bilinear sampling of such a box is separable: a view is Y · image · Xᵀ with two
small matrices, restricted to the pixels that the box touches, and matrix products are what processors do best.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


@lru_cache(maxsize=512)  # image sizes repeat, and so do the boxes along each axis; up to 1 MB each
def axis_weights(
    start: float, stop: float, n_pixels: int, size: int, antialias: bool
) -> tuple[slice, np.ndarray]:
    """Weights that sample the interval [start, stop] of a row of pixels at `size` evenly spaced points.

    Coordinates are edge coordinates: pixel j covers [j, j + 1]. Sample i lies at start + (stop − start)(i + ½)/size, and
    pixel j weighs max(0, 1 − |distance of its centre|/s): s = 1 pixel is bilinear interpolation; with `antialias` s is
    the step between samples where that is longer, as in Pillow and torchvision. The weights are cut at the image's edge
    and normalised, so that edges are replicated.

    Returns the slice of pixels touched, and weights (size, pixels touched), float32, rows summing to 1.
    """
    step = (stop - start) / size
    position = start + step * (np.arange(size) + 0.5) - 0.5  # of pixel centres, in pixel indices
    support = max(step, 1.0) if antialias else 1.0
    first = max(int(np.floor(position[0] - support)) + 1, 0)
    last = min(int(np.ceil(position[-1] + support)) - 1, n_pixels - 1)
    pixels = np.arange(first, last + 1)
    weights = np.maximum(0, 1 - abs(position[:, None] - pixels) / support)
    weights /= weights.sum(axis=1, keepdims=True)
    return slice(first, last + 1), weights.astype(np.float32)


def resize_boxes(image: Tensor, boxes: np.ndarray, size: int, antialias: bool) -> Tensor:
    """Resample boxes of an image to squares.

    image: (3, H, W) float32. boxes: (box, 4), x0, y0, x1, y1 in edge coordinates, inside the image.
    Returns (box, 3, size, size) on the image's device.
    """
    _, height, width = image.shape
    views = image.new_empty(len(boxes), 3, size, size)
    for view, (x0, y0, x1, y1) in zip(views, boxes.tolist(), strict=True):
        rows, y_weights = axis_weights(y0, y1, height, size, antialias)
        columns, x_weights = axis_weights(x0, x1, width, size, antialias)
        y_weights = torch.from_numpy(y_weights).to(image.device)
        x_weights = torch.from_numpy(x_weights).to(image.device)
        torch.matmul(y_weights @ image[:, rows, columns], x_weights.T, out=view)
    return views


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black[:, None, None])
