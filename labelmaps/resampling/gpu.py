"""Bilinear resampling of boxes on a GPU: all views of an image in one kernel, each pixel of a view written once.

Triton comes with torch where that is built for GPUs; nothing else imports this module.
"""

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from labelmaps.jobs.transfer import send
from labelmaps.resampling.taps import BoxTaps


def resample(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Fill views (box, row, column, 3) of an image (3, H, W), as taps say, with the colour `empty` (3,) beyond it.

    Fastest where the image is in memory as the views are: row by row, its channels last.
    """
    n, size = views.shape[:2]
    _resample_row[(size, n)](
        *(image, *image.stride(), taps.height, taps.width, empty, *on_gpu(taps, image.device), views, size),
        taps.rows.pixel.shape[2],
        taps.columns.pixel.shape[2],
        triton.next_power_of_2(size * 3),
    )


@lru_cache(maxsize=64)
def on_gpu(taps: BoxTaps, device: torch.device) -> list[Tensor]:
    """Pixels and weights of the rows, pixels and weights of the columns, and the columns' interval of each box."""
    rows, columns = taps.rows, taps.columns
    arrays = rows.pixel, rows.weight, columns.pixel, columns.weight, taps.interval_of
    return [send(array, device) for array in arrays]


# One compilation for all sizes, and for images that lie anywhere in memory.
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
    """One row of one view: Σ over rows of the image, of Σ over its columns, as on a CPU."""
    row, view = tl.program_id(0), tl.program_id(1)
    place = tl.arange(0, block)
    is_place = place < 3 * size
    sample, channel = place // 3, place % 3
    first_column_tap = (tl.load(interval_of + view) * size + sample) * column_taps
    first_row_tap = (view * size + row) * row_taps
    colour = tl.load(empty + channel)
    total = tl.zeros([block], tl.float32)
    for i in range(row_taps):
        y = tl.load(row_pixel + first_row_tap + i) + tl.zeros_like(place)
        of_row = tl.zeros([block], tl.float32)
        for j in range(column_taps):
            x = tl.load(column_pixel + first_column_tap + j, is_place, 0)
            is_pixel = (x < width) & (y < height)
            at = y.to(tl.int64) * row_stride + x * column_stride + channel * channel_stride
            pixel = tl.load(image + at, is_place & is_pixel, 0.0)
            of_row += tl.load(column_weight + first_column_tap + j, is_place, 0.0) * tl.where(
                is_pixel, pixel, colour
            )
        total += tl.load(row_weight + first_row_tap + i) * of_row
    start = (view.to(tl.int64) * size + row) * size * 3
    tl.store(views + start + place, total.to(views.dtype.element_ty), is_place)
