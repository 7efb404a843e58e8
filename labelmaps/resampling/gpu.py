"""Resampling of boxes on a GPU: all views of an image in one kernel, which writes each pixel of a view once.

Import this module only where there is a GPU: it needs Triton, which is installed with the builds of torch for GPUs.
"""

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from labelmaps.jobs.transfer import send
from labelmaps.resampling.taps import BoxTaps


def resample(image: Tensor, taps: BoxTaps, empty: Tensor, views: Tensor) -> None:
    """Resample boxes of an image on a GPU, and write the squares to `views`.

    image: (3, row, column) float32; the fastest layout has the channels last in memory.
    taps: the taps of the boxes; they are copied to the GPU.
    empty: (3,), the colour of empty pixels.
    views: (box, row, column, 3), contiguous.
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
    """Copy taps to a GPU, or return the cached tensors if they are there.

    Returns pixels and weights of the rows, pixels and weights of the columns, and `interval_of`, as in `BoxTaps`.
    """
    rows, columns = taps.rows, taps.columns
    arrays = rows.pixel, rows.weight, columns.pixel, columns.weight, taps.interval_of
    return [send(array, device) for array in arrays]


# Without these two options, Triton would compile again for other sizes of images and other addresses in memory.
# The calls marked `ty: ignore` are correct: ty misreads Triton's annotations of `self`.
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
    """Compute one row of one view: the sum, weighted by the row's taps, of rows of the image resampled by the columns' taps.

    One program runs for each row and view: the grid of programs is (row, view). The arguments are those of `resample`, with
    the strides of the image; block: a power of 2, at least 3 · size, the entries of a view's row.
    """
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
