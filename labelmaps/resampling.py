"""Bilinear resampling of boxes, on a CPU by torch's `embedding_bag`, on a GPU by a kernel of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from labelmaps.taps import BoxTaps, Sampling, Taps, taps_of_boxes
from labelmaps.views import Drawing


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
    if image.is_cuda:
        from labelmaps.resampling_gpu import resample  # needs a compiler of its own

        resample(image, taps, empty, views)
    else:
        resample_group_by_group(image, taps, empty, views.flatten(2))
    return views.permute(0, 3, 1, 2)


def resample_group_by_group(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Fill views (box, row, column·3) of an image (3, H, W), as taps say, with the colour `empty` (3,) beyond it."""
    _, height, width = image.shape
    canvas = image.permute(2, 0, 1)
    if taps.see_empty:  # an empty pixel ends each row and column
        canvas = empty[:, None].repeat(width + 1, 1, height + 1)
        canvas[:width, :, :height] = image.permute(2, 0, 1)
    for group in groups_of(taps):
        crop = canvas[group.crop]
        sums = group.across.of(crop.flatten(1)).view(-1, views.shape[2], crop.shape[2])
        # (interval·row, column·3), transposed here: of a single interval it would be anew for each view
        table = sums.mT.reshape(-1, views.shape[2]).contiguous()
        for view, down in group.down:  # one at a time, so that it stays in the cache
            views[view] = down.of(table)[0]


class Sums:
    """Sums of the rows of a table, as taps say."""

    def __init__(self, taps: Taps):
        self.shape = taps.pixel.shape[:2]
        self.indices, self.weights = (torch.from_numpy(array.ravel()) for array in (taps.pixel, taps.weight))
        self.first = torch.arange(0, len(self.indices), taps.pixel.shape[2], dtype=torch.int32)

    def of(self, table: Tensor) -> Tensor:
        """Of a table (row, entry): (interval, sample, entry)."""
        table = table.contiguous()  # else all goes by another way, an entry at a time
        sums = embedding_bag(self.indices, table, self.first, mode="sum", per_sample_weights=self.weights)
        return sums.view(*self.shape, -1)


@dataclass(frozen=True)
class Group:
    """Views that are made from one table: columns of the image, resampled to the views' width.

    crop: the part of the image (column, channel, row) that they need. across: their columns, sums of that crop's. down: of
    each view its number and its rows, sums of the table's (interval·row).
    """

    crop: tuple[slice, slice, slice]
    across: Sums
    down: list[tuple[int, Sums]]


@lru_cache(maxsize=64)
def groups_of(taps: BoxTaps) -> list[Group]:
    """Groups of views, each of those that see the same columns and have rows in common."""
    return [_group(taps, views) for views in together(taps.interval_of, taps.rows)]


def _group(taps: BoxTaps, views: np.ndarray) -> Group:
    interval_of = taps.interval_of[views]
    first, last = interval_of.min(), interval_of.max() + 1
    across, down = taps.columns.of(slice(first, last)), taps.rows.of(views)
    left, right, top, bottom = *across.span, *down.span
    first_row = (interval_of - first) * (bottom - top) - top  # of the table
    down = Taps(down.pixel + first_row.astype(np.int32)[:, None, None], down.weight)
    return Group(
        (slice(left, right), slice(None), slice(top, bottom)),
        Sums(Taps(across.pixel - left, across.weight)),
        [(view, Sums(down.of(slice(i, i + 1)))) for i, view in enumerate(views.tolist())],
    )


def together(interval_of: np.ndarray, rows: Taps) -> list[np.ndarray]:
    """Views (by number) that see the same columns and have rows in common; `interval_of` (view,) numbers the columns."""
    first, last = rows.pixel.min(axis=(1, 2)), rows.pixel.max(axis=(1, 2))
    order = np.lexsort([first, interval_of])
    begins = (np.diff(interval_of[order]) > 0) | (first[order][1:] > last[order][:-1])
    return np.split(order, np.flatnonzero(begins) + 1)


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
