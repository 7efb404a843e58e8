"""The reader of single images in parquet files, in place; a cell is named by the file, its row and the column's number.

A parquet file can only be decoded from the start of a row group on. So the cells that were decoded last are kept, and a row
group is decoded once if its rows are read in their order, by any number of threads; other orders decode its beginning again
each time. Memory is bounded: for each of the `MOST_OPEN` files that were used last, `KEPT_BYTES` (or two blocks of
`LEAST_ROWS` rows, if images are that large), and a page.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from labelmaps.storage.files import refuse_irregular

MOST_OPEN = 8  # files
# Bytes per file, which hold some hundreds of photographs: threads that read ahead can be that many rows apart.
KEPT_BYTES = 2**25
BLOCK_BYTES = 2**22  # the size of a block, which is decoded at once
LEAST_ROWS, MOST_ROWS = 16, 4096  # in a block
BUFFER_BYTES = 2**20  # read from the disk at a time; by default pyarrow would read the whole row group


def read_cell(path: str | Path, row: int, column: int) -> bytes:
    """Read the bytes of an image in a parquet file: those of a binary cell, or of the field `bytes` of a struct.

    row: from 0, over all row groups. column: the number of the column in the file's schema, from 0.

    Raises `OSError` if the file cannot be read, and `ValueError` if it is damaged, or if the cell is empty or missing.
    """
    try:
        content = _open(path).read(row, column)
    except pa.ArrowException as error:
        raise ValueError(f"damaged parquet: {error}") from error
    if content is None:
        raise ValueError("a row without an image: its bytes are null")
    return content


def open_parquet(path: str | Path) -> pq.ParquetFile:
    """Open a parquet file so that it can be read in bounded memory, and its pages' checksums are checked.

    Raises `OSError` if it cannot be read or is no regular file, and `ArrowException` (or `OSError`) if it is damaged.
    """
    refuse_irregular(path)
    return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True)


class _OpenFile:
    """An open parquet file, and the blocks of it that were decoded last."""

    def __init__(self, path: str | Path):
        self._lock = threading.Lock()
        self._parquet = open_parquet(path)
        metadata = self._parquet.metadata
        groups = (metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        self._starts = [0, *accumulate(groups)]  # first row of each row group, and the number of rows
        self._forget()
        # group, column → the first row that could not be decoded, and the error
        self._failures: dict[tuple[int, int], tuple[int, Exception]] = {}

    def read(self, row: int, column: int) -> bytes | None:
        """Read a cell, as `read_cell` does; return None if it is null; raise `ValueError` if there is no such cell."""
        if not 0 <= row < self._starts[-1] or not 0 <= column < len(self._parquet.schema_arrow):
            raise ValueError(f"no such row; the file has {self._starts[-1]} rows: was it changed since?")
        with self._lock:
            first, cells = self._find(row, column)
            cell = cells[row - first].as_py()
        return cell["bytes"] if isinstance(cell, dict) else cell

    def _find(self, row: int, column: int) -> tuple[int, pa.Array]:
        """Return the block that holds a row, with its first row before it: one that is kept, or one that is decoded now."""
        if column != self._column:
            self._forget()
        for first, cells in self._blocks:
            if first <= row < first + len(cells):
                return first, cells
        group = bisect_right(self._starts, row) - 1
        failure = self._failures.get((group, column))
        if failure is not None and row >= failure[0]:
            raise failure[1].with_traceback(None)  # its traceback would grow with each reader
        if group != self._group or row < self._next:
            self._group, self._column, self._next = group, column, self._starts[group]
            # A function, since a method would refer to this object and keep it alive until garbage is collected.
            self._batches = _decode(self._parquet, group, column)
        while True:
            try:
                cells = next(self._batches).column(0)
            except Exception as error:
                # Remembered, so that another of these rows fails at once, without decoding the group again.
                self._failures[group, column] = (self._next, error)
                self._forget()
                raise
            first, self._next = self._next, self._next + len(cells)
            self._blocks.append((first, cells))
            while len(self._blocks) > 2 and sum(kept.nbytes for _, kept in self._blocks) > KEPT_BYTES:
                self._blocks.popleft()
            if row < self._next:
                return first, cells

    def _forget(self) -> None:
        """Drop all decoded blocks."""
        self._group, self._column, self._next = -1, -1, 0
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._blocks: deque[tuple[int, pa.Array]] = deque()


def _decode(parquet: pq.ParquetFile, group: int, column: int) -> Iterator[pa.RecordBatch]:
    """Yield the cells of a column in a row group, block by block; raise `ValueError` if there are fewer than announced."""
    field = parquet.schema_arrow.field(column)
    name = f"{field.name}.bytes" if pa.types.is_struct(field.type) else field.name
    content = parquet.metadata.row_group(group)
    bytes_per_row = content.total_byte_size / max(content.num_rows, 1)
    rows = int(min(max(BLOCK_BYTES / max(bytes_per_row, 1), LEAST_ROWS), MOST_ROWS))
    yield from parquet.iter_batches(rows, row_groups=[group], columns=[name], use_threads=False)
    raise ValueError("damaged parquet: fewer rows than its footer says")


_files: OrderedDict[tuple, _OpenFile] = OrderedDict()
_files_lock = threading.Lock()


def _open(path: str | Path) -> _OpenFile:
    """Return the open file of a path; it is opened anew if it has changed or was not used lately."""
    found = Path(path).stat()
    key = (str(path), found.st_size, found.st_ino, found.st_mtime_ns)
    with _files_lock:
        if key not in _files:
            _files[key] = _OpenFile(path)
            while len(_files) > MOST_OPEN:  # a file is closed when the last thread that reads it is done
                _files.popitem(last=False)
        _files.move_to_end(key)
        return _files[key]
