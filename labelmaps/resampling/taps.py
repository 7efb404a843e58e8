"""Taps: the pixels of an image, and their weights, of which the samples of a box are made.

Boxes are axis-aligned, need not begin or end at whole pixels, and may extend beyond the image. Bilinear or bicubic sampling
of such a box is separable: a view is Y · image · Xᵀ, where Y and X are sparse matrices with a few pixels (taps) per sample.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

Interpolation = Literal["bilinear", "bicubic"]
REACH = {"bilinear": 1, "bicubic": 2}  # the distance at which a pixel's weight has become 0, in pixels
BICUBIC = -0.5  # Keys's parameter a, as in Pillow


@dataclass(frozen=True)
class Sampling:
    """A way of sampling a box.

    antialias: whether a sample averages over the source pixels that it covers where the box is shrunk.
    places: where the samples lie. "centres": at the centres of as many equal cells; the image's edges are replicated.
        "edges": evenly from edge to edge; pixels beyond the image are empty, as in `grid_sample` with zeros, which the
        authors use.
    beyond: the content beyond the visible box: it is "empty", or the content of the visible box mirrored at its edge
        ("reflect") or repeated ("roll").
    interpolation: how the weight of a pixel falls with its distance, "bilinear" or "bicubic". Bicubic samples can lie beyond
        the range of the pixels' values; Pillow cuts them off at 0 and 255, which is not done here.
    """

    antialias: bool = False
    places: Literal["centres", "edges"] = "centres"
    beyond: Literal["empty", "reflect", "roll"] = "empty"
    interpolation: Interpolation = "bilinear"


def weigh(distance: np.ndarray, interpolation: Interpolation) -> np.ndarray:
    """Return the weights, before they are made to sum to 1, of pixels at these distances from a sample, in units of s.

    Bilinear: max(0, 1 − d). Bicubic: Keys's cubic convolution with a = −0.5 (Keys 1981).
    """
    if interpolation == "bilinear":
        return np.maximum(0, 1 - distance)
    near = ((BICUBIC + 2) * distance - (BICUBIC + 3)) * distance**2 + 1
    far = BICUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance < 1, near, np.where(distance < REACH["bicubic"], far, 0))


@dataclass(frozen=True)
class Taps:
    """The pixels along one axis of an image that make each sample of some intervals, and their weights, which sum to 1.

    pixel: (interval, sample, tap) int32, 0 to n_pixels; pixel `n_pixels`, one beyond the last, is the empty one.
    weight: (interval, sample, tap) float32.
    """

    pixel: np.ndarray
    weight: np.ndarray


def sample_intervals(
    intervals: np.ndarray, visible: tuple[float, float], n_pixels: int, size: int, sampling: Sampling
) -> Taps:
    """Compute the pixels and weights with which to sample each interval of a row of pixels at evenly spaced points.

    intervals: (interval, 2), in edge coordinates: pixel j covers [j, j + 1].
    visible: the side of the visible box along this axis, in the same coordinates. It may be longer than the row; the rest
        of it is empty. Beyond it, the content is as `sampling.beyond` states.
    n_pixels: the number of pixels in the row. size: the number of samples in each interval.

    Pixel j has the weight `weigh`(d/s), where d is the distance of its centre from the sample. s = 1 pixel is plain
    interpolation; with antialiasing s is the step between samples if that is longer, as in Pillow and torchvision.
    """
    start, length = intervals[:, :1], intervals[:, 1:] - intervals[:, :1]
    edges = sampling.places == "edges"
    share = np.linspace(0, 1, size) if edges else (np.arange(size) + 0.5) / size
    position = start + length * share
    first, last = visible
    side = last - first
    if sampling.beyond == "roll":
        position = first + (position - first) % side
    elif sampling.beyond == "reflect":
        position = first + side - abs((position - first) % (2 * side) - side)
    centre = position - 0.5  # in pixel indices
    scale = np.maximum(length / size, 1.0) if sampling.antialias else np.ones_like(length)
    support = REACH[sampling.interpolation] * scale
    lowest = np.floor(centre - support).astype(np.int32) + 1
    taps = int((np.ceil(centre + support) - lowest).max())
    pixel = lowest[:, :, None] + np.arange(taps, dtype=np.int32)
    weight = weigh(abs(pixel - centre[:, :, None]) / scale[:, :, None], sampling.interpolation)
    is_pixel = (pixel >= 0) & (pixel < n_pixels)
    if edges:
        is_empty = ~is_pixel
    else:  # replicate the image's edge, but not for samples beyond the visible box or the image
        weight *= is_pixel
        is_empty = ((position < max(first, 0)) | (position > min(last, n_pixels)))[:, :, None]
        weight = np.where(is_empty, 1, weight)
    weight /= weight.sum(axis=2, keepdims=True)
    pixel = np.where(is_empty, n_pixels, pixel.clip(0, n_pixels - 1))
    return Taps(pixel.astype(np.int32), weight.astype(np.float32))


@dataclass(frozen=True, eq=False)
class BoxTaps:
    """The taps of boxes of an image.

    columns: of each distinct interval of columns. rows: of each box.
    interval_of: (box,), the index of the interval of each box's columns.
    size: the number of samples along each side of a box. width, height: of the image, in pixels.
    """

    columns: Taps
    rows: Taps
    interval_of: np.ndarray
    size: int
    width: int
    height: int

    @cached_property
    def see_empty(self) -> bool:
        """Whether any sample contains an empty pixel."""
        return bool(self.columns.pixel.max() == self.width or self.rows.pixel.max() == self.height)


@lru_cache(maxsize=64)  # most images have one of few sizes
def taps_of_boxes(
    boxes: bytes,
    visible_box: tuple[float, float, float, float],
    width: int,
    height: int,
    size: int,
    sampling: Sampling,
) -> BoxTaps:
    """Compute the taps of boxes of an image, or return those in the cache.

    boxes: the bytes of a float64 array (box, 4) of x0, y0, x1, y1, which can be a key of the cache.
    visible_box: x0, y0, x1, y1, in edge coordinates like the boxes.
    width, height: of the image, in pixels. size: the number of samples along each side of a box.

    Two threads that request the same boxes at the same moment may each compute them.
    """
    corners = np.frombuffer(boxes).reshape(-1, 4)
    left, top, right, bottom = visible_box
    intervals, interval_of = np.unique(corners[:, [0, 2]], axis=0, return_inverse=True)
    columns = sample_intervals(intervals, (left, right), width, size, sampling)
    rows = sample_intervals(corners[:, [1, 3]], (top, bottom), height, size, sampling)
    return BoxTaps(columns, rows, interval_of, size, width, height)


@dataclass(frozen=True)
class Drawing:
    """A way of drawing the views of an image by sampling of their extents, with each axis scaled separately.

    visible_box: x0, y0, x1, y1 in original pixels, the part of the image that views can show; it may be larger than the
    image.
    sampling: how each extent is sampled.
    empty: the colour of empty pixels: "black" is RGB 0, "gray" the mean colour.
    disc: whether views are black outside the disc inscribed in them.
    """

    visible_box: tuple[float, float, float, float]
    sampling: Sampling = Sampling()
    empty: Literal["black", "gray"] = "black"
    disc: bool = False
