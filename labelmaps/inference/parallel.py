"""Computation in batches of images: on a CPU one batch in each thread, on a GPU one batch after another."""

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
    """Return how many batches are computed concurrently: one on a GPU, one per thread on a CPU."""
    return 1 if device.type == "cuda" else threads


def one_thread_each(n: int) -> ThreadPoolExecutor:
    """Create a pool of `n` threads in which torch's operations use one thread each.

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
    """Divide an index into batches, compute each from its images, and yield its rows with the result, in order.

    compute: called with the rows of a batch and its images, (H, W, 3) uint8, which are read ahead.
    index: one row per image.
    n_images: the number of images in a batch; the last may have fewer.
    threads: the number of batches that a CPU computes concurrently, and of images that are decoded concurrently. A GPU
        computes one batch while the caller uses the result of the one before.
    images_mib: the largest number of MiB of decoded images that wait for a batch, and the same for the batches that are
        computed or wait. One image and one batch are always taken.

    An exception that `compute` raises gets a note that names the first and the last image of its batch.
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
    """Add to an exception that the block raises a note with the first and the last image of these rows of the index."""
    try:
        yield
    except Exception as error:
        first, last = rows["image"].iloc[[0, -1]]
        error.add_note(f"at the images {first} to {last}")
        raise
