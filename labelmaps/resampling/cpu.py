"""Bilinear resampling of boxes on a CPU: all views of an image in one call, during which other threads go on.

Numba compiles it when this module is imported, in two seconds, or takes what an earlier job on this machine left.
"""

import logging
from collections.abc import Callable

import numba
import numpy as np
import torch
from torch import Tensor

from labelmaps.jobs.local_disk import private_folder
from labelmaps.resampling.taps import BoxTaps

logger = logging.getLogger(__name__)
BITS = {torch.float32: torch.uint32, torch.bfloat16: torch.uint16}


def _compiled(*signatures: str) -> Callable[[Callable], Callable]:
    """Compile a function for the types of its arguments, or take what is kept of it on this machine's own disk.

    Other machines may have other processors.
    """

    def compile_one(function: Callable) -> Callable:
        try:
            numba.config.CACHE_DIR = numba.config.CACHE_DIR or str(private_folder("numba"))
            return numba.njit(list(signatures), nogil=True, cache=True)(function)
        except Exception as error:  # damaged, full, somebody else's: it costs a second or two, and no result
            logger.warning(
                "compiling anew: what is kept in %s cannot be used (%s). Delete it",
                numba.config.CACHE_DIR,
                error,
            )
            return numba.njit(list(signatures), nogil=True)(function)

    return compile_one


@_compiled("void(float32[:,::1], uint32[:,::1], float32[:,::1], float32[::1])")
def _resample_row(pixels, pixel, weight, resampled):
    """Samples (sample·3) of a row of pixels (column, 3), as taps (sample, tap) say."""
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


@_compiled(
    *(
        f"void(float32[:,:,::1], {TAPS}, {TAPS}, intp[::1], intp[::1], {bits}[:,:,::1])"
        for bits in ("uint32", "uint16")
    )
)
def _resample(pixels, row_pixel, row_weight, column_pixel, column_weight, interval_of, order, views):
    """Fill views: each row is a sum over rows of the image, each resampled once for all views of the same interval.

    order: of the views, those of an interval after one another. views: (box, row, column·3), the bits of float32, or, of
    finite values, its upper half rounded to the nearest and half to even: bfloat16.
    """
    entries = views.shape[2]
    dropped_bits = np.uint32(32 - 8 * views.itemsize)
    # Each row of the image, resampled to the views' width, and the interval for which it was.
    table = np.empty((len(pixels), entries), np.float32)
    made_for = np.full(len(pixels), -1)
    row_of_view = np.empty(entries, np.float32)
    bits = row_of_view.view(np.uint32)
    for view in order:
        interval = interval_of[view]
        for row in range(views.shape[1]):
            row_of_view[:] = 0
            for tap in range(row_pixel.shape[2]):
                y, weight = row_pixel[view, row, tap], row_weight[view, row, tap]
                if weight != 0:
                    if made_for[y] != interval:
                        made_for[y] = interval
                        _resample_row(pixels[y], column_pixel[interval], column_weight[interval], table[y])
                    for entry in range(entries):
                        row_of_view[entry] += weight * table[y, entry]
            for entry in range(entries):
                value = bits[entry]
                if dropped_bits:
                    value += np.uint32(0x7FFF) + ((value >> dropped_bits) & np.uint32(1))
                views[view, row, entry] = value >> dropped_bits


def resample(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Fill views (box, row, column, 3) of an image (3, H, W), as taps say, with the colour `empty` (3,) beyond it.

    Fastest where the image is in memory as the views are: row by row, its channels last.
    """
    if views.dtype not in BITS:
        wide = torch.empty_like(views, dtype=torch.float32)
        resample(image, taps, empty, wide)
        views.copy_(wide)
        return
    pixels = image.permute(1, 2, 0)
    if taps.see_empty:  # an empty pixel ends each row and column
        of_image, pixels = pixels, image.new_empty(taps.height + 1, taps.width + 1, 3)
        pixels[:-1, :-1], pixels[-1], pixels[:, -1] = of_image, empty, empty
    _resample(
        pixels.contiguous().numpy(),
        # Unsigned: else numba looks for negative numbers, which count from the end.
        taps.rows.pixel.view(np.uint32),
        taps.rows.weight,
        taps.columns.pixel.view(np.uint32),
        taps.columns.weight,
        taps.interval_of,
        np.argsort(taps.interval_of, kind="stable"),
        views.view(*views.shape[:2], -1).view(BITS[views.dtype]).numpy(),
    )
