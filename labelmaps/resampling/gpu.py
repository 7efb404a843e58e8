"""Resampling of boxes on a GPU: all views of an image in one kernel, which writes each pixel of a view once.

The kernel needs Triton, which comes with torch if torch is built for GPUs. Import this module only then.
"""

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from labelmaps.jobs.transfer import send
from labelmaps.resampling.taps import BoxTaps


def resample(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Fill views (box, row, column, 3) from an image (3, row, column); `empty` (3,) is the colour of empty pixels.

    This is fastest if the channels of the image are last in memory, as those of the views are.
    """
    n, size = views.shape[:2]
    _resample_row[(size, n)](
        *(
            image,
            *image.stride(),
            taps.height,
            taps.width,
            empty,
            *send_taps(taps, image.device),
            views,
            size,
        ),
        taps.rows.pixel.shape[2],
        taps.columns.pixel.shape[2],
        triton.next_power_of_2(size * 3),  # ty: ignore[invalid-argument-type]
    )


@lru_cache(maxsize=64)
def send_taps(taps: BoxTaps, device: torch.device) -> list[Tensor]:
    """Return taps on a GPU: pixels and weights of the rows, then of the columns, then the interval of each box's columns.

    The tensors of the taps sent last are kept there, and returned again.
    """
    rows, columns = taps.rows, taps.columns
    arrays = rows.pixel, rows.weight, columns.pixel, columns.weight, taps.interval_of
    return [send(array, device) for array in arrays]


# One compilation serves all sizes, and images at any address in memory.
# Triton's annotations make ty refuse the `self` of some of its functions when they are called; hence the ignores here.
@triton.jit(
    do_not_specialize=["row_stride", "height", "width", "row_taps", "column_taps"],
    do_not_specialize_on_alignment=["image"],
)
def _resample_row(
    image,
    channel_stride,
    row_stride,
    column_stride,
    height,
    width,
    empty,
    row_pixel,
    row_weight,
    column_pixel,
    column_weight,
    interval_of,
    views,
    size,
    row_taps,
    column_taps,
    block: tl.constexpr,
):
    """Compute one row of one view: a weighted sum over rows of the image of weighted sums over its columns."""
    row, view = tl.program_id(0), tl.program_id(1)
    place = tl.arange(0, block)
    is_place = place < 3 * size
    sample, channel = place // 3, place % 3
    first_column_tap = (tl.load(interval_of + view) * size + sample) * column_taps
    first_row_tap = (view * size + row) * row_taps
    colour = tl.load(empty + channel)
    total = tl.zeros([block], tl.float32)  # ty: ignore[invalid-argument-type]
    for i in range(row_taps):
        y = tl.load(row_pixel + first_row_tap + i) + tl.zeros_like(place)  # ty: ignore[invalid-argument-type]
        row_total = tl.zeros([block], tl.float32)  # ty: ignore[invalid-argument-type]
        for j in range(column_taps):
            x = tl.load(column_pixel + first_column_tap + j, is_place, 0)
            is_pixel = (x < width) & (y < height)
            at = y.to(tl.int64) * row_stride + x * column_stride + channel * channel_stride
            pixel = tl.load(image + at, is_place & is_pixel, 0.0)
            row_total += tl.load(column_weight + first_column_tap + j, is_place, 0.0) * tl.where(
                is_pixel, pixel, colour
            )
        total += tl.load(row_weight + first_row_tap + i) * row_total
    start = (view.to(tl.int64) * size + row) * size * 3
    tl.store(views + start + place, total.to(views.dtype.element_ty), is_place)
