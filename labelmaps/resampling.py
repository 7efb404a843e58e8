"""Bilinear resampling of axis-aligned boxes, which may reach beyond the picture.

The boxes need not fall on whole pixels. Bilinear sampling of such a box is separable: a view is Y · image · Xᵀ with sparse
matrices, a few pixels for each sample (`Taps`). Their products are sums of few rows, which torch's `embedding_bag` makes in
one pass on any device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from labelmaps.transfer import send
from labelmaps.views import Drawing


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
class Taps:
    """The pixels of a row that make each sample, and their weights, which sum to 1.

    pixel: (interval, sample, tap) int32, 0 to n_pixels; pixel `n_pixels`, one beyond the last, is empty.
    weight: (interval, sample, tap) float32.
    """

    pixel: np.ndarray
    weight: np.ndarray


def sample_intervals(
    intervals: np.ndarray, picture: tuple[float, float], n_pixels: int, size: int, sampling: Sampling
) -> Taps:
    """What samples intervals (interval, 2) of a row of pixels at `size` evenly spaced points each.

    Coordinates are edge coordinates: pixel j covers [j, j + 1]. No sample lies beyond the interval `picture`: what is
    there, `sampling.beyond` says; where the picture is larger than the image, the rest of it is empty. Pixel j weighs
    max(0, 1 − |distance of its centre|/s): s = 1 pixel is bilinear interpolation; with antialiasing s is the step between
    samples where that is longer, as in Pillow and torchvision.
    """
    start, length = intervals[:, :1], intervals[:, 1:] - intervals[:, :1]
    edges = sampling.places == "edges"
    share = np.linspace(0, 1, size) if edges else (np.arange(size) + 0.5) / size
    position = start + length * share
    first, last = picture
    side = last - first
    if sampling.beyond == "roll":
        position = first + (position - first) % side
    elif sampling.beyond == "reflect":
        position = first + side - abs((position - first) % (2 * side) - side)
    centre = position - 0.5  # in pixel indices
    support = np.maximum(length / size, 1.0) if sampling.antialias else np.ones_like(length)
    lowest = np.floor(centre - support).astype(np.int32) + 1
    taps = int((np.ceil(centre + support) - lowest).max())
    pixel = lowest[:, :, None] + np.arange(taps, dtype=np.int32)
    weight = np.maximum(0, 1 - abs(pixel - centre[:, :, None]) / support[:, :, None])
    is_pixel = (pixel >= 0) & (pixel < n_pixels)
    if (
        not edges
    ):  # pixels at the image's edge stand for those beyond, and nothing for samples beyond the picture
        weight *= is_pixel
        beyond = (position < max(first, 0)) | (position > min(last, n_pixels))
        weight[beyond] = 1
        is_pixel[beyond] = False
    weight /= weight.sum(axis=2, keepdims=True)
    return Taps(np.where(is_pixel, pixel, n_pixels), weight.astype(np.float32))


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
    left, top, right, bottom = picture
    canvas = empty.expand(width + 1, height + 1, 3).clone()  # an empty pixel ends each row and column
    canvas[:width, :height] = image.permute(2, 1, 0)
    intervals, interval_of = np.unique(boxes[:, [0, 2]], axis=0, return_inverse=True)
    columns = sample_intervals(intervals, (left, right), width, size, sampling)
    rows = sample_intervals(boxes[:, [1, 3]], (top, bottom), height, size, sampling)

    def resize(group: np.ndarray) -> Tensor:
        used, place = np.unique(interval_of[group], return_inverse=True)
        narrow = sum_taps(canvas.flatten(1), columns.pixel[used], columns.weight[used])
        narrow = narrow.unflatten(2, (height + 1, 3)).transpose(1, 2).reshape(-1, size * 3)
        first_row = (place * (height + 1)).astype(np.int32)[:, None, None]
        return sum_taps(narrow, rows.pixel[group] + first_row, rows.weight[group])

    together = groups(interval_of, image.device)
    if len(together) == 1:
        views = resize(*together).to(dtype or image.dtype)
    else:
        views = image.new_empty((len(boxes), size, size * 3), dtype=dtype)
        for group in together:
            for box, view in zip(group, resize(group), strict=True):
                views[box] = view
    return views.unflatten(2, (size, 3)).permute(0, 3, 1, 2)


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


def groups(interval_of: np.ndarray, device: torch.device) -> list[np.ndarray]:
    """Views that are made together, by number; `interval_of` (view,) says which columns each sees.

    A GPU makes all at once, a CPU those that share their columns, which then stay in its cache.
    """
    if device.type == "cuda":
        return [np.arange(len(interval_of))]
    return [np.flatnonzero(interval_of == interval) for interval in range(interval_of.max() + 1)]


def sum_taps(table: Tensor, pixel: np.ndarray, weight: np.ndarray) -> Tensor:
    """Sums of rows of a table (row, entry), as `Taps` say: (interval, sample, entry)."""
    indices, weights = (send(array, table.device).flatten(0, 1) for array in (pixel, weight))
    sums = embedding_bag(indices, table, mode="sum", per_sample_weights=weights)
    return sums.unflatten(0, pixel.shape[:2])


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black.to(views.dtype)[:, None, None])
