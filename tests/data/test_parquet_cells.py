"""Images in parquet files are read in place, in any order and by any number of threads, and in bounded memory."""

import gc
import hashlib
import random
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.pictures import png
from labelmaps.data import parquet_cells
from labelmaps.data.batches import find_digests, read_ahead
from labelmaps.data.images import read_content, read_digest, read_image, read_size
from labelmaps.data.parquet_cells import read_cell
from labelmaps.errors import InputError

N_ROWS = 200


@pytest.fixture(autouse=True)
def no_open_files():
    parquet_cells._files.clear()
    yield
    parquet_cells._files.clear()


def contents(n=N_ROWS):
    return [bytes([i % 256]) * (i % 7 + 1) + str(i).encode() for i in range(n)]


def write(path, cells, **options):
    images = [None if cell is None else {"bytes": cell, "path": "a.png"} for cell in cells]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "label": pa.array(range(len(cells))),
            "image": pa.array(images, kind),
            "plain": pa.array(cells, pa.binary()),
        }
    )
    pq.write_table(table, path, write_page_checksum=True, **options)
    return path


def count_decoded(monkeypatch):
    """Count the row groups that are gone through."""
    decoded = []
    decode = parquet_cells._decode

    def counting(parquet, group, column):
        decoded.append(group)
        yield from decode(parquet, group, column)

    monkeypatch.setattr(parquet_cells, "_decode", counting)
    return decoded


@pytest.mark.parametrize("column", [1, 2], ids=["struct", "binary"])
@pytest.mark.parametrize("size", [1, 13, 100, N_ROWS])
def test_every_cell_is_read_in_any_order(tmp_path, size, column):
    path = write(tmp_path / "a.parquet", contents(), row_group_size=size)
    for rows in (range(N_ROWS), reversed(range(N_ROWS)), random.Random(0).choices(range(N_ROWS), k=100)):
        for row in rows:
            assert read_cell(path, row, column) == contents()[row]


@pytest.mark.parametrize("size", [20, N_ROWS])
def test_threads_that_read_ahead_in_order_go_through_each_row_group_once(tmp_path, monkeypatch, size):
    decoded = count_decoded(monkeypatch)
    monkeypatch.setattr(parquet_cells, "BLOCK_BYTES", 1)  # blocks of `LEAST_ROWS`
    path = write(tmp_path / "a.parquet", [png(i) for i in range(N_ROWS)], row_group_size=size)
    index = pd.DataFrame(
        [(f"{i:04}", str(path), i, 1, "", 20, 12) for i in range(N_ROWS)],
        columns=["image", "path", "offset", "length", "digest", "width", "height"],
    )
    for i, (pixels, digest) in enumerate(read_ahead(index, workers=4)):
        assert digest == hashlib.sha256(png(i)).hexdigest()
        assert pixels.shape == (12, 20, 3)
    assert sorted(decoded) == list(range(N_ROWS // size))
    assert find_digests(index)[:3] == [hashlib.sha256(png(i)).hexdigest() for i in range(3)]


def test_no_more_is_kept_than_some_blocks_of_some_files(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_cells, "BLOCK_BYTES", 1)
    monkeypatch.setattr(parquet_cells, "KEPT_BYTES", 300)
    paths = [write(tmp_path / f"{i}.parquet", contents(), row_group_size=N_ROWS) for i in range(20)]
    gc.disable()
    files = []
    for path in paths:
        for row in range(N_ROWS):
            read_cell(path, row, 1)
        files.append(weakref.ref(parquet_cells._open(path)))
    gc.enable()
    assert len(parquet_cells._files) == parquet_cells.MOST_OPEN
    assert all(
        file() is None for file in files[: -parquet_cells.MOST_OPEN]
    )  # also without the collector of garbage
    for file in parquet_cells._files.values():
        assert sum(len(cells) for _, cells in file._blocks) <= 2 * parquet_cells.LEAST_ROWS


def test_a_cell_is_read_as_a_file_is(tmp_path):
    path = write(tmp_path / "a.parquet", [png(0), png(1)])
    (tmp_path / "b.png").write_bytes(png(1))
    np.testing.assert_array_equal(read_image(path, 1, 1), read_image(tmp_path / "b.png"))
    assert read_size(path, 1, 1) == read_size(tmp_path / "b.png")
    assert read_digest(path, 1, 1) == read_digest(tmp_path / "b.png")


def test_a_file_that_was_changed_is_opened_anew(tmp_path):
    path = write(tmp_path / "a.parquet", [b"one"])
    assert read_cell(path, 0, 1) == b"one"
    write(path, [b"another"])
    assert read_cell(path, 0, 1) == b"another"


def test_threads_on_many_files_and_rows_each_get_their_own(tmp_path):
    paths = [
        write(tmp_path / f"{i}.parquet", [f"{i} {j}".encode() for j in range(50)], row_group_size=7)
        for i in range(12)
    ]
    places = [(i, j) for i in range(12) for j in range(50)]
    random.Random(1).shuffle(places)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: read_cell(paths[place[0]], place[1], 1), places))
    assert found == [f"{i} {j}".encode() for i, j in places]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (1, 1, "row 1: a row without an image: its bytes are null"),
        (1, 2, "row 1: a row without an image: its bytes are null"),
        (9, 1, "row 9: no such row; the file has 3 rows"),
        (0, 7, "row 0: no such"),
    ],
)
def test_what_is_not_there_is_told_with_file_and_row(tmp_path, row, column, reason):
    path = write(tmp_path / "a.parquet", [b"x", None, b"y"])
    with pytest.raises(InputError, match=f"unreadable image: .*a.parquet, {reason}"):
        read_content(path, row, column)


def test_a_flipped_byte_costs_its_row_group_alone_and_is_told_once_found(tmp_path, monkeypatch):
    path = write(
        tmp_path / "a.parquet", contents(), row_group_size=50, compression="none", use_dictionary=False
    )
    spoilt = bytearray(path.read_bytes())
    place = spoilt.index(contents()[60] + len(contents()[61]).to_bytes(4, "little"))
    spoilt[place] ^= 255
    path.write_bytes(spoilt)
    decoded = count_decoded(monkeypatch)
    for row in range(N_ROWS):
        if 50 <= row < 100:
            with pytest.raises(InputError, match=rf"a\.parquet, row {row}: .*(CRC|checksum)"):
                read_content(path, row, 1)
        else:
            assert read_content(path, row, 1) == contents()[row]
    assert decoded == [0, 1, 2, 3]


def test_what_is_no_parquet_is_told(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"a\.parquet, row 0"):
        read_content(tmp_path / "a.parquet", 0, 0)
    (tmp_path / "b.parquet").mkdir()
    with pytest.raises(InputError, match="a folder, not a regular file"):
        read_content(tmp_path / "b.parquet", 0, 0)
