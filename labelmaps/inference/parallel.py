"""Several batches at a time: one in each thread of a CPU, one after the other on a GPU."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from labelmaps.data.batches import read_batches
from labelmaps.jobs.ahead import in_order

T = TypeVar("T")


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


@contextmanager
def naming(rows: pd.DataFrame) -> Iterator[None]:
    """Let an exception say at which images it was raised."""
    try:
        yield
    except Exception as error:
        first, last = rows["image"].iloc[[0, -1]]
        error.add_note(f"at the images {first} to {last}")
        raise
