"""Bilinear resampling of axis-aligned boxes, which may reach beyond the picture.

The boxes need not fall on whole pixels. Bilinear sampling of such a box is separable: a view is Y · image · Xᵀ with two
small matrices, restricted to the pixels that the box touches, and matrix products are what processors do best.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How a box is sampled.

    antialias: average over the source pixels that a sample covers, where the box is shrunk.
    places: of a box's samples: "centres" of as many equal cells, or "edges", evenly from edge to edge; then pixels beyond
        the image count as empty, as `grid_sample` with zeros does (the authors' way), where else edges are replicated.
    beyond: what stands beyond the picture: it is "empty", or the picture goes on mirrored at its edge ("reflect") or
        repeated ("roll").
    """

    antialias: bool = False
    places: Literal["centres", "edges"] = "centres"
    beyond: Literal["empty", "reflect", "roll"] = "empty"


@dataclass(frozen=True)
class AxisWeights:
    """Weights that sample a row of pixels.

    pixels: the slice of pixels touched. weights: (sample, pixel touched) float32. filled: (sample,) float32, the sum of a
    sample's weights: 1, or less where it is (partly) empty.
    """

    pixels: slice
    weights: np.ndarray
    filled: np.ndarray


@lru_cache(maxsize=512)  # image sizes repeat, and so do the boxes along each axis; up to 1 MB each
def axis_weights(
    interval: tuple[float, float],
    picture: tuple[float, float],
    n_pixels: int,
    size: int,
    sampling: Sampling,
) -> AxisWeights:
    """Weights that sample an interval of a row of pixels at `size` evenly spaced points.

    Coordinates are edge coordinates: pixel j covers [j, j + 1]. No sample lies beyond the interval `picture`: what is
    there, `sampling.beyond` says; where the picture is larger than the image, the rest of it is empty. Pixel j weighs
    max(0, 1 − |distance of its centre|/s): s = 1 pixel is bilinear interpolation; with antialiasing s is the step between
    samples where that is longer, as in Pillow and torchvision.
    """
    start, stop = interval
    edges = sampling.places == "edges"
    share = np.linspace(0, 1, size) if edges else (np.arange(size) + 0.5) / size
    position = start + (stop - start) * share
    first, last = picture
    side = last - first
    if sampling.beyond == "roll":
        position = first + (position - first) % side
    elif sampling.beyond == "reflect":
        position = first + side - abs((position - first) % (2 * side) - side)
    # From edge to edge, the outermost samples lie on the edge itself; what they have of it, the weights say.
    inside = edges | ((position >= max(first, 0)) & (position <= min(last, n_pixels)))
    if not inside.any():
        return AxisWeights(slice(0, 0), np.zeros((size, 0), np.float32), np.zeros(size, np.float32))

    centre = position - 0.5  # in pixel indices
    support = max((stop - start) / size, 1.0) if sampling.antialias else 1.0
    lowest = max(int(np.floor(centre[inside].min() - support)) + 1, 0)
    highest = min(int(np.ceil(centre[inside].max() + support)) - 1, n_pixels - 1)
    pixels = np.arange(lowest, highest + 1)
    weights = np.maximum(0, 1 - abs(centre[:, None] - pixels) / support) * inside[:, None]
    if not edges:
        weights /= np.where(inside, weights.sum(axis=1), 1)[:, None]
    weights = weights.astype(np.float32)
    filled = weights.sum(axis=1) if edges else inside.astype(np.float32)
    return AxisWeights(slice(lowest, highest + 1), weights, filled)


def resize_boxes(
    image: Tensor, boxes: np.ndarray, picture: np.ndarray, size: int, sampling: Sampling, empty: Tensor
) -> Tensor:
    """Resample boxes of an image to squares.

    image: (3, H, W) float32. boxes: (box, 4), x0, y0, x1, y1 in edge coordinates. picture: (4,), the part of the image that
    is seen, in the same coordinates; it may be larger than the image. empty: (3,), the colour where there is nothing.
    Returns (box, 3, size, size) on the image's device.
    """
    _, height, width = image.shape
    views = image.new_empty(len(boxes), 3, size, size)
    left, top, right, bottom = picture.tolist()
    for view, (x0, y0, x1, y1) in zip(views, boxes.tolist(), strict=True):
        y = axis_weights((y0, y1), (top, bottom), height, size, sampling)
        x = axis_weights((x0, x1), (left, right), width, size, sampling)
        y_weights = torch.from_numpy(y.weights).to(image.device)
        x_weights = torch.from_numpy(x.weights).to(image.device)
        torch.matmul(y_weights @ image[:, y.pixels, x.pixels], x_weights.T, out=view)
        filled = np.outer(y.filled, x.filled)
        if (filled < 1).any():
            view += torch.from_numpy(1 - filled).to(image.device) * empty[:, None, None]
    return views


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black[:, None, None])
