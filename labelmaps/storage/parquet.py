"""The only writer and reader of tables in Parquet.

Parquet's own checksums (CRC-32, written here for other readers) cover the data of the pages, but neither the headers of the
pages nor the footer, which contains the names and types of the columns and the attributes of the table. A file therefore
also contains the SHA-256 of all its other bytes, between the last page and the footer, a place that other readers of Parquet
ignore. The reader here compares it before it decodes the table.
"""

import hashlib
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place, open_regular

DIGEST_MARK = b"SHA-256:"  # stands before the digest in the file
TAIL = 8  # bytes at the end of a file: the length of the footer (4, little-endian) and the format's name


def write_parquet(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table and its `attrs` to a Parquet file, without its row labels; raise `InputError` as `moved_into_place`."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False, write_page_checksum=True)
    _seal(path, buffer.getvalue())


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a table that `write_parquet` wrote.

    Raises `InputError` if the file is missing, damaged, or was not written by `write_parquet` or `write_arrow`.
    """
    return pd.read_parquet(_open(path))


def write_arrow(path: str | Path, table: pa.Table) -> None:
    """Write an Arrow table to a Parquet file; raise `InputError` as `moved_into_place` does."""
    buffer = BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True)
    _seal(path, buffer.getvalue())


def read_arrow(path: str | Path) -> pa.Table:
    """Read an Arrow table that `write_arrow` wrote; raise `InputError` as `read_parquet` does."""
    return pq.read_table(_open(path))


def _seal(path: str | Path, content: bytes) -> None:
    """Write the bytes of a Parquet file to `path`, with their digest inserted before the footer."""
    pages, footer = _split(content)
    with moved_into_place(path) as temporary:
        temporary.write_bytes(pages + _digest(pages, footer) + footer)


def _open(path: str | Path) -> BytesIO:
    """Read the bytes of a sealed Parquet file; raise `InputError` if the file is missing or differs from its digest."""
    try:
        with open_regular(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file. Run again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}). Make the file readable and run again") from error
    before, footer = _split(content)
    n = len(_digest(b"", b""))
    pages, digest = before[:-n], before[-n:]
    if not digest.startswith(DIGEST_MARK):
        raise InputError(
            f"{path}: truncated, or not a table of this version of the workflow. Delete it and run again"
        )
    if digest != _digest(pages, footer):
        raise InputError(f"{path}: damaged, its content differs from its SHA-256. Delete it and run again")
    return BytesIO(content)


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Split the bytes of a Parquet file into its pages and its footer, which includes the tail."""
    footer = TAIL + int.from_bytes(content[-TAIL : -TAIL // 2], "little")
    return content[:-footer], content[-footer:]


def _digest(pages: bytes, footer: bytes) -> bytes:
    """Compute the SHA-256 of pages and footer, and return it as it is stored in the file, with the mark before it."""
    return DIGEST_MARK + hashlib.sha256(pages + footer).digest()
