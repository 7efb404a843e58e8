"""From images to label maps: decode once, make the views, ask the network, store what it says."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from labelmaps.ahead import in_order
from labelmaps.errors import InputError
from labelmaps.images import read_digest, read_image
from labelmaps.label_map_file import LabelMapWriter
from labelmaps.networks import Preprocessing
from labelmaps.transfer import OnItsWay, send
from labelmaps.views import ViewFamily

if TYPE_CHECKING:
    from labelmaps.engines import Engine

T = TypeVar("T")
VALUES_TOGETHER = 2**25  # of images that cross to a GPU: 60 of ImageNet's, 134 MB there


def part_of(index: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """The rows of the index that belong to part 1…`parts`: contiguous, and as equal in number as can be."""
    bounds = np.linspace(0, len(index), parts + 1).round().astype(int)
    return index.iloc[bounds[part - 1] : bounds[part]]


def read_unchanged(
    image: str, path: str, offset: int, length: int, digest: str, width: int, height: int
) -> np.ndarray:
    """Decode an image (H, W, 3) uint8; raise `InputError` where its bytes or its size are not those that were indexed."""
    if digest and read_digest(path, offset, length) != digest:
        raise InputError(f"{path}: the image changed since it was indexed. Delete the index and run again")
    try:
        pixels = read_image(path, offset, length)
    except InputError as error:
        if digest:
            raise
        raise InputError(
            f"{error}; or set `verify: full` for the data set, which leaves such images out"
        ) from error
    if pixels.shape[:2] != (height, width):
        raise InputError(
            f"{path}: {image} has {pixels.shape[1]} x {pixels.shape[0]} pixels, {width} x {height} in the index; it was "
            "changed since. Delete the index and run again"
        )
    return pixels


def read_ahead(index: pd.DataFrame, workers: int = 1, depth: int = 8) -> Iterator[np.ndarray]:
    """Decode the images of an index in order, in `workers` threads, each up to `depth` ahead of the consumer.

    Threads do: Pillow decodes, and Python hashes, beside one another.
    """
    columns = ["image", "path", "offset", "length", "digest", "width", "height"]
    rows = index[columns].itertuples(index=False)
    with ThreadPoolExecutor(workers) as pool:
        yield from in_order(pool, read_unchanged, rows, workers * depth)


def read_batches(
    index: pd.DataFrame, batch: int, workers: int = 1
) -> Iterator[tuple[pd.DataFrame, list[np.ndarray]]]:
    """Rows of the index, `batch` at a time, with their decoded images (H, W, 3) uint8."""
    images = read_ahead(index, workers)
    for start in range(0, len(index), batch):
        rows = index.iloc[start : start + batch]
        yield rows, list(islice(images, len(rows)))


def streams(device: torch.device, threads: int) -> int:
    """How many batches a device is asked of at a time: a GPU does one after the other, a CPU one in each thread."""
    return 1 if device.type == "cuda" else threads


def one_thread_each(n: int) -> ThreadPoolExecutor:
    """Threads in each of which torch does everything in that thread alone.

    A new thread that begins with a convolution has not heard of `torch.set_num_threads`, unless it calls it itself.
    """
    return ThreadPoolExecutor(n, initializer=torch.set_num_threads, initargs=(1,))


def ask_of_batches(
    ask: Callable[[pd.DataFrame, list[np.ndarray]], T],
    index: pd.DataFrame,
    batch: int,
    device: torch.device,
    threads: int,
) -> Iterator[tuple[pd.DataFrame, T]]:
    """Rows of the index, `batch` images at a time, and `ask(rows, images)` of them, in order.

    The images are read ahead. A CPU is asked of as many batches at a time as there are `threads`, which then never wait for
    one another; a GPU, which does one thing after the other, of the next batch while the last one's answers are used.
    """

    def with_rows(rows: pd.DataFrame, images: list[np.ndarray]) -> tuple[pd.DataFrame, T]:
        with naming(rows):
            return rows, ask(rows, images)

    at_once = streams(device, threads)
    with one_thread_each(at_once) as pool:
        yield from in_order(pool, with_rows, read_batches(index, batch, threads), 2 * at_once)


def normalised(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> Iterator[Tensor]:
    """Images (H, W, 3) uint8 in the network's units, each (3, H, W) float32 on `device`; a GPU gets many together."""
    if device.type == "cuda":
        for group in grouped(images, VALUES_TOGETHER):
            yield from normalised_together(group, preprocessing, device)
    else:
        for image in images:
            yield preprocessing.normalise(torch.from_numpy(image).permute(2, 0, 1))


def grouped(arrays: Sequence[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """Arrays in order, in groups that hold no more than so many values, or a single array."""
    group: list[np.ndarray] = []
    for array in arrays:
        if group and sum(one.size for one in group) + array.size > most:
            yield group
            group = []
        group.append(array)
    if group:
        yield group


def normalised_together(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> list[Tensor]:
    """As `normalised`, of whatever sizes: they cross to the device, and are worked on there, as one row of pixels."""
    row = np.concatenate([image.reshape(-1, 1, 3) for image in images])
    pixels = preprocessing.normalise(send(row, device).permute(2, 0, 1)).permute(1, 2, 0)
    of_images = pixels.split([image.size // 3 for image in images])
    return [part.reshape(image.shape).permute(2, 0, 1) for part, image in zip(of_images, images, strict=True)]


def make_views(
    images: Sequence[np.ndarray],
    view: ViewFamily,
    preprocessing: Preprocessing,
    device: torch.device,
    cells: Sequence[int],
    dtype: torch.dtype | None = None,
) -> list[Tensor]:
    """What the network receives of each image from the fixations of some of the grid's cells, counted row by row.

    images: (H, W, 3) uint8. Returns for each (cell, 3, size, size), normalised, of type `dtype` (float32 unless given), on
    `device`.
    """
    size, black = preprocessing.size, preprocessing.black(device)
    # Sampling weights sum to 1, so that normalising the pixels and normalising the views come to the same.
    return [
        view.sample(pixels, size, black, cells, dtype) for pixels in normalised(images, preprocessing, device)
    ]


@contextmanager
def naming(rows: pd.DataFrame) -> Iterator[None]:
    """Let an exception say at which images it was raised."""
    try:
        yield
    except Exception as error:
        first, last = rows["image"].iloc[[0, -1]]
        error.add_note(f"at the images {first} to {last}")
        raise


def label_maps_of(logits: Tensor) -> OnItsWay:
    """What a label map file holds of logits (image, row, column, label), and which of the images are `finite`."""
    log_probability = logits.log_softmax(-1).half()  # nearer to 0 than logits − log_sum_exp, which rounds
    return OnItsWay(
        log_probability=log_probability,
        log_sum_exp=logits.logsumexp(-1),
        top_label=logits.argmax(-1).short(),
        finite=log_probability.isfinite().flatten(1).all(1),
    )


def compute_label_maps(
    index: pd.DataFrame, engine: "Engine", batch: int, writer: LabelMapWriter, threads: int = 1
) -> Iterator[int]:
    """Compute and write the label maps of every image in the index.

    batch: views that go through the network together, as the engine can have them. threads: as in `ask_of_batches`; no
    result depends on them. Yields the number of images done after each batch. Raises `InputError` naming the image whose
    logits are not finite.
    """

    def ask(_: pd.DataFrame, images: list[np.ndarray]) -> tuple[OnItsWay, list[tuple[int, int]]]:
        # The images' own sizes, which the index says, too: a table of few rows takes longer to ask.
        return label_maps_of(engine.logits(images, batch)), [image.shape[1::-1] for image in images]

    for rows, (label_maps, sizes) in ask_of_batches(
        ask, index, engine.images_at_once(batch), engine.device, threads
    ):
        with naming(rows):  # a GPU may tell only now what went wrong
            arrays = label_maps.arrays()
        finite = arrays.pop("finite")
        if not finite.all():
            raise InputError(
                f"{rows['image'].iloc[finite.argmin()]}: the network's logits are not finite, or too far apart. Check "
                "the weights, or choose a wider precision (compute.precision)"
            )
        geometry = [engine.view.geometry(*size) for size in sizes]
        centre, extent = (np.stack([getattr(g, name) for g in geometry]) for name in ("centre", "extent"))
        writer.append(**arrays, centre=centre, extent=extent)
        yield len(rows)
