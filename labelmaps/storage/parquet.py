"""Tables in Parquet: the one writer and the one reader.

Parquet's own checksums (CRC-32, written here for others to compare) cover the pages' data, but neither the pages' headers
nor the footer, which holds the columns' names and types and the table's attributes. So a file also holds the SHA-256 of all
its other bytes, between its last page and its footer, where no reader of Parquet looks. Ours compares it first of all.
"""

import hashlib
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place

MARK = b"SHA-256:"
TAIL = 8  # bytes: the footer's length (4, little-endian) and the format's name


def write_parquet(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table, without its row labels and with its `attrs`."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False, write_page_checksum=True)
    _seal(path, buffer.getvalue())


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read what `write_parquet` wrote; raises `InputError` where the file is missing, damaged or another."""
    return pd.read_parquet(_open(path))


def write_arrow(path: str | Path, table: pa.Table) -> None:
    """Write an Arrow table."""
    buffer = BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True)
    _seal(path, buffer.getvalue())


def read_arrow(path: str | Path) -> pa.Table:
    """Read what `write_arrow` wrote; raises as `read_parquet`."""
    return pq.read_table(_open(path))


def _seal(path: str | Path, content: bytes) -> None:
    pages, footer = _split(content)
    with moved_into_place(path) as temporary:
        temporary.write_bytes(pages + _digest(pages, footer) + footer)


def _open(path: str | Path) -> BytesIO:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file. Run again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}). Mend that and run again") from error
    before, footer = _split(content)
    n = len(_digest(b"", b""))
    pages, digest = before[:-n], before[-n:]
    if not digest.startswith(MARK):
        raise InputError(
            f"{path}: truncated, or not a table of this version of the workflow. Delete it and run again"
        )
    if digest != _digest(pages, footer):
        raise InputError(f"{path}: damaged, its content differs from its SHA-256. Delete it and run again")
    return BytesIO(content)


def _split(content: bytes) -> tuple[bytes, bytes]:
    """The pages of a Parquet file, and its footer with the format's tail."""
    footer = TAIL + int.from_bytes(content[-TAIL : -TAIL // 2], "little")
    return content[:-footer], content[-footer:]


def _digest(pages: bytes, footer: bytes) -> bytes:
    return MARK + hashlib.sha256(pages + footer).digest()
