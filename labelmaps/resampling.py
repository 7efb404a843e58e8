"""Bilinear resampling of axis-aligned boxes, which may reach beyond the picture.

The boxes need not fall on whole pixels. Bilinear sampling of such a box is separable: a view is Y · image · Xᵀ with sparse
matrices, a few pixels for each sample (`Taps`). Their products are sums of few rows, which torch's `embedding_bag` makes in
one pass on any device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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

    def of(self, intervals: np.ndarray | slice) -> "Taps":
        """The taps of some intervals."""
        return Taps(self.pixel[intervals], self.weight[intervals])

    @property
    def span(self) -> tuple[int, int]:
        """The first pixel that is needed, and the one after the last."""
        return int(self.pixel.min()), int(self.pixel.max()) + 1


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
    if edges:
        is_empty = ~is_pixel
    else:  # pixels at the image's edge stand for those beyond, and nothing for samples beyond the picture
        weight *= is_pixel
        is_empty = ((position < max(first, 0)) | (position > min(last, n_pixels)))[:, :, None]
        weight = np.where(is_empty, 1, weight)
    weight /= weight.sum(axis=2, keepdims=True)
    pixel = np.where(is_empty, n_pixels, pixel.clip(0, n_pixels - 1))
    return Taps(pixel.astype(np.int32), weight.astype(np.float32))


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
    intervals, interval_of = np.unique(boxes[:, [0, 2]], axis=0, return_inverse=True)
    columns = sample_intervals(intervals, (left, right), width, size, sampling)
    rows = sample_intervals(boxes[:, [1, 3]], (top, bottom), height, size, sampling)
    canvas = image.permute(2, 0, 1)
    if columns.span[1] > width or rows.span[1] > height:  # an empty pixel ends each row and column
        canvas = empty[:, None].repeat(width + 1, 1, height + 1)
        canvas[:width, :, :height] = image.permute(2, 0, 1)

    def narrow(group: np.ndarray) -> tuple[Tensor, Taps]:
        """Rows of the views of a group, at their width (interval·row, column·3), and which of them make each sample."""
        first, last = interval_of[group].min(), interval_of[group].max() + 1
        across, down = columns.of(slice(first, last)), rows.of(group)
        left, right, top, bottom = *across.span, *down.span
        crop = canvas[left:right, :, top:bottom].reshape(right - left, -1)
        sums = sum_taps(crop, Taps(across.pixel - left, across.weight))
        table = sums.view(-1, size * 3, bottom - top).mT.reshape(-1, size * 3)
        first_row = (interval_of[group] - first) * (bottom - top) - top
        return table, Taps(down.pixel + first_row.astype(np.int32)[:, None, None], down.weight)

    groups = together(interval_of, rows, image.device)
    if len(groups) == 1:
        views = sum_taps(*narrow(*groups)).to(dtype or image.dtype)
    else:
        views = image.new_empty((len(boxes), size, size * 3), dtype=dtype)
        for group in groups:
            table, taps = narrow(group)
            for i, view in enumerate(group.tolist()):  # one at a time, so that it stays in the cache
                views[view] = sum_taps(table, taps.of(slice(i, i + 1)))[0]
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


def together(interval_of: np.ndarray, rows: Taps, device: torch.device) -> list[np.ndarray]:
    """Views that are made together, by number; `interval_of` (view,) says which columns each sees.

    A GPU makes all at once, a CPU those that see the same columns and have rows in common.
    """
    if device.type == "cuda":
        return [np.arange(len(interval_of))]
    first, last = rows.pixel.min(axis=(1, 2)), rows.pixel.max(axis=(1, 2))
    order = np.lexsort([first, interval_of])
    begins = (np.diff(interval_of[order]) > 0) | (first[order][1:] > last[order][:-1])
    return np.split(order, np.flatnonzero(begins) + 1)


def sum_taps(table: Tensor, taps: Taps) -> Tensor:
    """Sums of rows of a table (row, entry): (interval, sample, entry)."""
    indices, weights = (send(array.ravel(), table.device) for array in (taps.pixel, taps.weight))
    table = table.contiguous()  # else all goes by another way, an entry at a time
    first = first_taps(len(indices), taps.pixel.shape[2], table.device)
    sums = embedding_bag(indices, table, first, mode="sum", per_sample_weights=weights)
    return sums.view(*taps.pixel.shape[:2], -1)


@lru_cache
def first_taps(n: int, taps: int, device: torch.device) -> Tensor:
    """The place of each sample's first tap among `n` taps, as many for each sample."""
    return torch.arange(0, n, taps, dtype=torch.int32, device=device)


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black.to(views.dtype)[:, None, None])
