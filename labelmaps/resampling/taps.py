"""Taps: which pixels, and how much of each, make the samples of boxes of a picture.

The boxes are axis-aligned, need not fall on whole pixels, and may reach beyond the picture. Bilinear sampling of such a box
is separable: a view is Y · image · Xᵀ with sparse matrices, a few pixels for each sample.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np


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
    if edges:
        is_empty = ~is_pixel
    else:  # pixels at the image's edge stand for those beyond, and nothing for samples beyond the picture
        weight *= is_pixel
        is_empty = ((position < max(first, 0)) | (position > min(last, n_pixels)))[:, :, None]
        weight = np.where(is_empty, 1, weight)
    weight /= weight.sum(axis=2, keepdims=True)
    pixel = np.where(is_empty, n_pixels, pixel.clip(0, n_pixels - 1))
    return Taps(pixel.astype(np.int32), weight.astype(np.float32))


@dataclass(frozen=True, eq=False)
class BoxTaps:
    """The taps of boxes of an image: columns of each interval, rows of each box, and the interval of each box's columns.

    size: samples along each side of a box. width, height: of the image, in pixels.
    """

    columns: Taps
    rows: Taps
    interval_of: np.ndarray
    size: int
    width: int
    height: int

    @cached_property
    def see_empty(self) -> bool:
        """Whether there is nothing where some sample lies."""
        return bool(self.columns.pixel.max() == self.width or self.rows.pixel.max() == self.height)


@lru_cache(maxsize=64)  # most images have one of few sizes
def taps_of_boxes(
    boxes: bytes,
    picture: tuple[float, float, float, float],
    width: int,
    height: int,
    size: int,
    sampling: Sampling,
) -> BoxTaps:
    """Taps of boxes x0, y0, x1, y1, given as the bytes of a float64 array (box, 4), of an image of some size.

    Coordinates and `picture` as in `sample_intervals`. The same boxes give the same object as long as it is kept, unless two
    threads ask at once.
    """
    boxes = np.frombuffer(boxes).reshape(-1, 4)
    left, top, right, bottom = picture
    intervals, interval_of = np.unique(boxes[:, [0, 2]], axis=0, return_inverse=True)
    columns = sample_intervals(intervals, (left, right), width, size, sampling)
    rows = sample_intervals(boxes[:, [1, 3]], (top, bottom), height, size, sampling)
    return BoxTaps(columns, rows, interval_of, size, width, height)


@dataclass(frozen=True)
class Drawing:
    """How the views of an image are drawn, where each is its extent, sampled bilinearly, each axis on its own.

    picture: x0, y0, x1, y1 in original pixels, the part of the image that is seen; it may be larger than the image.
    antialias, places, beyond: as in `labelmaps.resampling.taps.Sampling`. empty: the colour where there is nothing, RGB 0 or
    the mean colour. disc: whether all is black outside the disc inscribed in the view.
    """

    picture: tuple[float, float, float, float]
    antialias: bool = False
    places: Literal["centres", "edges"] = "centres"
    beyond: Literal["empty", "reflect", "roll"] = "empty"
    empty: Literal["black", "gray"] = "black"
    disc: bool = False
