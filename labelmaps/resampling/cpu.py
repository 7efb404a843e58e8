"""Resampling of boxes on a CPU: all views of an image in one call, during which other threads can run.

When this module is imported, Numba compiles its functions, which takes two seconds, or loads them if an earlier job on this
machine compiled them.
"""

import logging
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from labelmaps.jobs.local_disk import private_folder
from labelmaps.resampling.taps import BoxTaps

logger = logging.getLogger(__name__)
BITS = {torch.float32: torch.uint32, torch.bfloat16: torch.uint16}
CONFIG: Any = numba.config  # numba defines its attributes at run time


def _compile_for(*signatures: str) -> Callable[[Callable], Callable]:
    """Return a decorator that compiles a function with Numba for the given types of its arguments.

    signatures: Numba's, one for each combination of types.

    The machine code is cached on this machine's own disk, because other machines may have other processors.
    """

    def compile_one(function: Callable) -> Callable:
        try:
            CONFIG.CACHE_DIR = CONFIG.CACHE_DIR or str(private_folder("numba"))
            return numba.njit(list(signatures), nogil=True, cache=True)(function)
        except Exception as error:
            # Without a usable cache, compiling costs a second or two, but the results are the same.
            logger.warning(
                "compiling again: the cache in %s cannot be used (%s). Delete that folder",
                CONFIG.CACHE_DIR,
                error,
            )
            return numba.njit(list(signatures), nogil=True)(function)

    return compile_one


@_compile_for("void(float32[:,::1], uint32[:,::1], float32[:,::1], float32[::1])")
def _resample_row(pixels, pixel, weight, resampled):
    """Resample a row of pixels, and write the samples to `resampled`.

    pixels: (column, 3). pixel, weight: (sample, tap), as in `Taps`. resampled: (sample · 3,), R, G and B of each sample.
    """
    for sample in range(len(pixel)):
        red = green = blue = np.float32(0)
        for tap in range(pixel.shape[1]):
            x, share = pixel[sample, tap], weight[sample, tap]
            red += share * pixels[x, 0]
            green += share * pixels[x, 1]
            blue += share * pixels[x, 2]
        resampled[3 * sample] = red
        resampled[3 * sample + 1] = green
        resampled[3 * sample + 2] = blue


TAPS = "uint32[:,:,::1], float32[:,:,::1]"


@_compile_for(
    *(
        f"void(float32[:,:,::1], {TAPS}, {TAPS}, intp[::1], intp[::1], {bits}[:,:,::1])"
        for bits in ("uint32", "uint16")
    )
)
def _resample(pixels, row_pixel, row_weight, column_pixel, column_weight, interval_of, order, views):
    """Resample an image to views, and write them to `views`.

    Each row of a view is a weighted sum of rows of the image that have been resampled to the view's columns. A row of the
    image is resampled once for all views with the same interval of columns.

    pixels: (row, column, 3), the image.
    row_pixel, row_weight: (view, row, tap), the taps along y.
    column_pixel, column_weight: (interval, column, tap), the taps along x.
    interval_of: (view,), the index of the interval of each view's columns.
    order: (view,), the indices of the views, sorted by interval.
    views: (view, row, column · 3), the bits of float32 or bfloat16 numbers. A bfloat16 number is the upper half of a float32
        number, rounded to nearest, half to even; this is correct for finite values only.
    """
    entries = views.shape[2]
    dropped_bits = np.uint32(32 - 8 * views.itemsize)
    # The rows of the image that have been resampled to the views' width, and the interval of each.
    table = np.empty((len(pixels), entries), np.float32)
    interval_of_row = np.full(len(pixels), -1)
    row_of_view = np.empty(entries, np.float32)
    bits = row_of_view.view(np.uint32)
    for view in order:
        interval = interval_of[view]
        for row in range(views.shape[1]):
            row_of_view[:] = 0
            for tap in range(row_pixel.shape[2]):
                y, weight = row_pixel[view, row, tap], row_weight[view, row, tap]
                if weight != 0:
                    if interval_of_row[y] != interval:
                        interval_of_row[y] = interval
                        _resample_row(pixels[y], column_pixel[interval], column_weight[interval], table[y])
                    for entry in range(entries):
                        row_of_view[entry] += weight * table[y, entry]
            for entry in range(entries):
                value = bits[entry]
                if dropped_bits:
                    value += np.uint32(0x7FFF) + ((value >> dropped_bits) & np.uint32(1))
                views[view, row, entry] = value >> dropped_bits


def resample(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Resample boxes of an image on a CPU, and write the squares to `views`.

    image: (3, row, column) float32; the fastest layout has the channels last in memory.
    taps: the taps of the boxes.
    empty: (3,) float32, the colour of empty pixels, in the image's units.
    views: (box, row, column, 3), contiguous, of any floating type; computed in float32 and rounded to it.
    """
    if views.dtype not in BITS:
        wide = torch.empty_like(views, dtype=torch.float32)
        resample(image, taps, empty, wide)
        views.copy_(wide)
        return
    pixels = image.permute(1, 2, 0)
    if taps.has_empty:  # append a row and a column of empty pixels, whose index is one beyond the last
        image_pixels, pixels = pixels, image.new_empty(taps.height + 1, taps.width + 1, 3)
        pixels[:-1, :-1], pixels[-1], pixels[:, -1] = image_pixels, empty, empty
    _resample(
        pixels.contiguous().numpy(),
        # Unsigned, because Numba tests whether a signed index is negative and so counts from the end.
        taps.rows.pixel.view(np.uint32),
        taps.rows.weight,
        taps.columns.pixel.view(np.uint32),
        taps.columns.weight,
        taps.interval_of,
        np.argsort(taps.interval_of, kind="stable"),
        views.view(*views.shape[:2], -1).view(BITS[views.dtype]).numpy(),
    )
