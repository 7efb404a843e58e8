"""Decoded images of an index, in its order; threads decode them ahead of the consumer."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pandas as pd

from labelmaps.data.images import name_place, read_content, read_digest, read_image
from labelmaps.data.index import images_of
from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order

IMAGES_MIB = 192  # of decoded images that wait: 340 of ImageNet's, or two photographs of 24 megapixels


def part_of(index: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """Return the images of the index that belong to a part, one row each; parts are contiguous and nearly of the same size.

    part: the number of the part, from 1. parts: the number of parts.

    Raises `InputError` unless 1 ≤ part ≤ parts.
    """
    if not 1 <= part <= parts:
        raise InputError(
            f"part {part} of {parts}: there is no such part. Give a target from 1of{parts}.h5 to {parts}of{parts}.h5"
        )
    images = images_of(index)
    bounds = np.linspace(0, len(images), parts + 1).round().astype(int)
    return images.iloc[bounds[part - 1] : bounds[part]]


def read_unchanged(
    image: str, path: str, offset: int, length: int, digest: str, width: int, height: int
) -> tuple[np.ndarray, str]:
    """Decode an image to (row, column, RGB) uint8, and check that it has not changed since it was indexed.

    The arguments are columns of the index. If `digest` is empty, only the size is compared.

    Returns the pixels, and the SHA-256 of the bytes from which they were decoded. Raises `InputError` if the image cannot be
    read, or if its bytes or its size have changed.
    """
    content = read_content(path, offset, length)
    found = hashlib.sha256(content).hexdigest()
    if digest and found != digest:
        place = name_place(path, offset, length)
        raise InputError(f"{place}: the image changed since it was indexed. Delete the index and run again")
    try:
        pixels = read_image(path, offset, length, content)
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
    return pixels, found


def read_ahead(
    index: pd.DataFrame, workers: int = 1, depth: int = 8, images_mib: float = IMAGES_MIB
) -> Iterator[tuple[np.ndarray, str]]:
    """Decode the images of an index, and yield the pixels and the SHA-256 of each, in its order, as from `read_unchanged`.

    workers: the number of threads; Pillow and hashlib let other threads run while they work.
    depth: the largest number of images per thread that are decoded ahead of the consumer.
    images_mib: the largest size of their pixels together, in MiB; one image is always taken.

    Raises `InputError` as `read_unchanged` does.
    """
    columns = ["image", "path", "offset", "length", "digest", "width", "height"]
    rows = index[columns].itertuples(index=False)
    with ThreadPoolExecutor(workers) as pool:
        yield from in_order(
            pool, read_unchanged, rows, workers * depth, lambda *row: mib_of(*row[-2:]), images_mib
        )


def mib_of(width: int, height: int) -> float:
    """Return how many MiB a decoded image takes."""
    return 3 * int(width) * int(height) / 2**20


def read_batches(
    index: pd.DataFrame, batch: int, workers: int = 1, images_mib: float = IMAGES_MIB
) -> Iterator[tuple[pd.DataFrame, list[np.ndarray]]]:
    """Yield the rows of the index, `batch` at a time, with their decoded images, each (row, column, RGB) uint8.

    workers: the number of threads that decode. images_mib: the bound on decoded images that wait, as for `read_ahead`.

    The digest of a row is that of the bytes that were read now, even if the index has none.
    Raises `InputError` as `read_unchanged` does.
    """
    images = read_ahead(index, workers, images_mib=images_mib)
    for start in range(0, len(index), batch):
        rows = index.iloc[start : start + batch]
        pixels, digests = zip(*islice(images, len(rows)), strict=True)
        yield rows.assign(digest=digests), list(pixels)


def first_images(index: pd.DataFrame, n: int) -> list[np.ndarray]:
    """Decode the first `n` images of an index, or all if there are fewer, each to (row, column, RGB) uint8."""
    return next(read_batches(images_of(index).iloc[:n], n))[1]


def find_digests(index: pd.DataFrame, workers: int = 4) -> list[str]:
    """Return the SHA-256 of the bytes of every image of an index, from the index, or from the file if the index has none.

    workers: the number of threads that read. Raises `InputError` if an image without a digest in the index cannot be read.
    """
    unread = index.loc[index["digest"] == "", ["path", "offset", "length"]].itertuples(index=False)
    with ThreadPoolExecutor(workers) as pool:
        found = in_order(pool, read_digest, unread, 2 * workers)
        return [digest or next(found) for digest in index["digest"]]
