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


class Sums:
    """Sums of the rows of a table, as taps say, on a device."""

    def __init__(self, taps: Taps, device: torch.device):
        self.shape = taps.pixel.shape[:2]
        self.indices, self.weights = (send(array.ravel(), device) for array in (taps.pixel, taps.weight))
        n, each = len(self.indices), taps.pixel.shape[2]
        self.first = send(np.arange(0, n, each, dtype=np.int32), device)  # of each sample's taps

    def of(self, table: Tensor) -> Tensor:
        """Of a table (row, entry): (interval, sample, entry)."""
        table = table.contiguous()  # else all goes by another way, an entry at a time
        sums = embedding_bag(self.indices, table, self.first, mode="sum", per_sample_weights=self.weights)
        return sums.view(*self.shape, -1)


@dataclass(frozen=True)
class Group:
    """Views that are made from one table: columns of the image, resampled to the views' width.

    crop: the part of the image (column, channel, row) that they need. across: the views' columns, of that crop's. down: the
    numbers of some views, and their rows, of the table's (interval·row).
    """

    crop: tuple[slice, slice, slice]
    across: Sums
    down: tuple[tuple[slice, Sums], ...]


@dataclass(frozen=True)
class Plan:
    """How boxes of an image of some size are resampled; `sees_empty`: whether there is nothing where some sample lies."""

    groups: tuple[Group, ...]
    sees_empty: bool


@lru_cache(maxsize=64)  # most images have one of few sizes
def plan_boxes(
    boxes: bytes,
    picture: tuple[float, float, float, float],
    width: int,
    height: int,
    size: int,
    sampling: Sampling,
    device: torch.device,
) -> Plan:
    """How boxes are resampled, given as the bytes of a float64 array (box, 4); the rest as in `resize_boxes`."""
    boxes = np.frombuffer(boxes).reshape(-1, 4)
    left, top, right, bottom = picture
    intervals, interval_of = np.unique(boxes[:, [0, 2]], axis=0, return_inverse=True)
    columns = sample_intervals(intervals, (left, right), width, size, sampling)
    rows = sample_intervals(boxes[:, [1, 3]], (top, bottom), height, size, sampling)

    def group(views: np.ndarray) -> Group:
        first, last = interval_of[views].min(), interval_of[views].max() + 1
        across, down = columns.of(slice(first, last)), rows.of(views)
        left, right, top, bottom = *across.span, *down.span
        first_row = (interval_of[views] - first) * (bottom - top) - top
        down = Taps(down.pixel + first_row.astype(np.int32)[:, None, None], down.weight)
        if device.type == "cuda":
            parts = ((slice(None), Sums(down, device)),)
        else:  # one at a time, so that it stays in the cache
            parts = tuple(
                (slice(view, view + 1), Sums(down.of(slice(i, i + 1)), device))
                for i, view in enumerate(views.tolist())
            )
        crop = (slice(left, right), slice(None), slice(top, bottom))
        return Group(crop, Sums(Taps(across.pixel - left, across.weight), device), parts)

    groups = tuple(group(views) for views in together(interval_of, rows, device))
    return Plan(groups, columns.span[1] > width or rows.span[1] > height)


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
    plan = plan_boxes(
        boxes.astype(np.float64).tobytes(), tuple(picture), width, height, size, sampling, image.device
    )
    canvas = image.permute(2, 0, 1)
    if plan.sees_empty:  # an empty pixel ends each row and column
        canvas = empty[:, None].repeat(width + 1, 1, height + 1)
        canvas[:width, :, :height] = image.permute(2, 0, 1)

    views = image.new_empty((len(boxes), size, size * 3), dtype=dtype)
    for group in plan.groups:
        crop = canvas[group.crop]
        sums = group.across.of(crop.flatten(1)).view(-1, size * 3, crop.shape[2])
        table = sums.mT.reshape(-1, size * 3)  # rows of the views, at their width (interval·row, column·3)
        for number, down in group.down:
            views[number] = down.of(table)
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


def blacken_outside_disc(views: Tensor, black: Tensor) -> Tensor:
    """Views (view, 3, size, size) with the colour `black` (3,) outside the inscribed disc."""
    size = views.shape[-1]
    position = (torch.arange(size, device=views.device) + 0.5) / size * 2 - 1
    inside = position[:, None] ** 2 + position**2 <= 1
    return torch.where(inside, views, black.to(views.dtype)[:, None, None])
