"""Taps: the source pixels of each sample of a box, and their weights.

Boxes are axis-aligned, need not begin or end at whole pixels, and may extend beyond the image. Bilinear or bicubic sampling
of such a box is separable: a view is Y · image · Xᵀ, where Y and X are sparse matrices with a few non-zero entries (taps)
per sample.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

Interpolation = Literal["bilinear", "bicubic"]
REACH = {"bilinear": 1, "bicubic": 2}  # pixels at this distance or farther have the weight 0, in pixels
BICUBIC = -0.5  # Keys's parameter a, as in Pillow


@dataclass(frozen=True)
class Sampling:
    """A way of sampling a box.

    antialias: whether a sample averages over the source pixels that it covers if the box is shrunk.
    places: where the n samples of an interval lie. "centres": at the centres of n equal cells; beyond the image, its edge
        pixels are replicated. "edges": evenly spaced from the first edge to the last; pixels beyond the image are empty, as
        in torch's `grid_sample` with padding by zeros, which the paper's authors use.
    beyond: the content beyond the visible box: nothing ("empty"), or the content of the visible box, mirrored at its edge
        ("reflect") or repeated ("roll").
    interpolation: how the weight of a pixel falls with its distance, "bilinear" or "bicubic". Bicubic samples can exceed the
        range of the pixels' values; Pillow clips them to 0…255, and this module does not.
    """

    antialias: bool = False
    places: Literal["centres", "edges"] = "centres"
    beyond: Literal["empty", "reflect", "roll"] = "empty"
    interpolation: Interpolation = "bilinear"


def weigh(distance: np.ndarray, interpolation: Interpolation) -> np.ndarray:
    """Compute the weights of pixels from their distances d ≥ 0 from a sample, before the weights are normalised to sum to 1.

    distance: an array of any shape, in units of s (see `sample_intervals`).

    Bilinear: max(0, 1 − d). Bicubic: cubic convolution with a = −0.5 (Keys 1981).
    """
    if interpolation == "bilinear":
        return np.maximum(0, 1 - distance)
    near = ((BICUBIC + 2) * distance - (BICUBIC + 3)) * distance**2 + 1
    far = BICUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance < 1, near, np.where(distance < REACH["bicubic"], far, 0))


@dataclass(frozen=True)
class Taps:
    """The source pixels, along one axis of an image, of each sample of some intervals, and their weights.

    pixel: (interval, sample, tap) int32, the indices of the source pixels; the index `n_pixels`, one beyond the last pixel,
        stands for an empty pixel.
    weight: (interval, sample, tap) float32; the weights of a sample sum to 1.
    """

    pixel: np.ndarray
    weight: np.ndarray


def sample_intervals(
    intervals: np.ndarray, visible: tuple[float, float], n_pixels: int, size: int, sampling: Sampling
) -> Taps:
    """Compute the pixel indices and weights with which to sample each interval of a row of pixels at evenly spaced points.

    intervals: (interval, 2), first and last edge, in edge coordinates: pixel j covers [j, j + 1].
    visible: the first and last edge of the visible box along this axis, in the same coordinates. The box may be longer than
        the row; the rest of it is empty. Beyond the box, the content is as `sampling.beyond` describes.
    n_pixels: the number of pixels in the row.
    size: the number of samples in each interval.

    Pixel j has a weight proportional to `weigh`(d/s), where d is the distance of its centre from the sample. s is 1 pixel;
    with antialiasing it is the step between samples if that is longer, as in Pillow and torchvision.
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
    else:  # samples inside the image replicate its edge pixels; those outside it, or the visible box, are empty
        weight *= is_pixel
        is_empty = ((position < max(first, 0)) | (position > min(last, n_pixels)))[:, :, None]
        weight = np.where(is_empty, 1, weight)
    weight /= weight.sum(axis=2, keepdims=True)
    pixel = np.where(is_empty, n_pixels, pixel.clip(0, n_pixels - 1))
    return Taps(pixel.astype(np.int32), weight.astype(np.float32))


@dataclass(frozen=True, eq=False)
class BoxTaps:
    """The taps of boxes of an image.

    columns: the taps along x of each distinct interval of columns; boxes may share an interval.
    rows: the taps along y of each box.
    interval_of: (box,), the index in `columns` of each box's interval.
    size: the number of samples along each side of a box.
    width, height: the image's size, in pixels.
    """

    columns: Taps
    rows: Taps
    interval_of: np.ndarray
    size: int
    width: int
    height: int

    @cached_property
    def has_empty(self) -> bool:
        """Whether any sample has an empty pixel among its taps."""
        return bool(self.columns.pixel.max() == self.width or self.rows.pixel.max() == self.height)


@lru_cache(maxsize=64)  # most images of a data set have one of a few sizes
def taps_of_boxes(
    boxes: bytes,
    visible_box: tuple[float, float, float, float],
    width: int,
    height: int,
    size: int,
    sampling: Sampling,
) -> BoxTaps:
    """Compute the taps of boxes of an image, or return them from a cache.

    boxes: the bytes of a float64 array (box, 4) of x0, y0, x1, y1, in edge coordinates; bytes can be a key of the cache.
    visible_box: x0, y0, x1, y1, in the same coordinates.
    width, height: the image's size, in pixels.
    size: the number of samples along each side of a box.

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
    """A way of drawing the views of an image: each extent is sampled, with each axis scaled separately.

    visible_box: x0, y0, x1, y1 in original pixels, the part of the image that views can show; it may be larger than the
        image.
    sampling: how each extent is sampled.
    empty: the colour of empty pixels: "black" is RGB 0, "gray" the mean colour of the network's preprocessing.
    disc: whether views are black outside their inscribed disc.
    """

    visible_box: tuple[float, float, float, float]
    sampling: Sampling = Sampling()
    empty: Literal["black", "gray"] = "black"
    disc: bool = False
