"""Several batches of images at a time: one in each thread of a CPU, one after the other on a GPU."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from labelmaps.data.batches import IMAGES_MIB, read_batches
from labelmaps.jobs.ahead import in_order

T = TypeVar("T")


def concurrent_batches(device: torch.device, threads: int) -> int:
    """Return how many batches run concurrently: one on a GPU, one per thread on a CPU."""
    return 1 if device.type == "cuda" else threads


def one_thread_each(n: int) -> ThreadPoolExecutor:
    """Make a pool of `n` threads in each of which torch computes in that thread alone.

    A new thread ignores an earlier `torch.set_num_threads` if its first operation is a convolution, so each thread calls it
    when it starts.
    """
    return ThreadPoolExecutor(n, initializer=torch.set_num_threads, initargs=(1,))


def compute_in_batches(
    compute: Callable[[pd.DataFrame, list[np.ndarray]], T],
    index: pd.DataFrame,
    n_images: int,
    device: torch.device,
    threads: int,
    images_mib: float = IMAGES_MIB,
) -> Iterator[tuple[pd.DataFrame, T]]:
    """Call `compute(rows, images)` for every `n_images` images of the index, and yield the rows with the result, in order.

    rows: of the index; images: (H, W, 3) uint8, read ahead. On a CPU as many batches run at a time as there are `threads`,
    and none waits for another; a GPU does the next batch while the last one's result is used. An exception says at which
    images it was raised.
    images_mib: MiB of decoded images that wait for a batch, at most, and as many in the batches that are computed or wait
    for it; one image, and one batch, are always taken.
    """

    def with_rows(rows: pd.DataFrame, images: list[np.ndarray]) -> tuple[pd.DataFrame, T]:
        with name_images(rows):
            return rows, compute(rows, images)

    at_once = concurrent_batches(device, threads)
    with one_thread_each(at_once) as pool:
        batches = read_batches(index, n_images, threads, images_mib)
        yield from in_order(pool, with_rows, batches, 2 * at_once, mib_of_batch, images_mib)


def mib_of_batch(rows: pd.DataFrame, images: list[np.ndarray]) -> float:
    """Return how many MiB the decoded images of a batch take."""
    return sum(image.nbytes for image in images) / 2**20


@contextmanager
def name_images(rows: pd.DataFrame) -> Generator[None]:
    """Add to an exception at which images, the first and the last of these rows of the index, it was raised."""
    try:
        yield
    except Exception as error:
        first, last = rows["image"].iloc[[0, -1]]
        error.add_note(f"at the images {first} to {last}")
        raise
