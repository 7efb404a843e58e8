"""Decoded images of an index, in order, read ahead of the consumer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pandas as pd

from labelmaps.data.images import read_digest, read_image
from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order


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
