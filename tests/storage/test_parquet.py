"""Tables are read as they were written, also by other readers; a damaged table is refused with the reason."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.damage import empty, flip_in_the_middle, remove, truncate
from labelmaps.errors import InputError
from labelmaps.storage.parquet import read_arrow, read_parquet, write_arrow, write_parquet


@pytest.fixture
def table():
    table = pd.DataFrame(
        {
            "image": ["a", "Ünï", ""],
            "row": np.array([1, 2, 3], np.int16),
            "x": [0.1, np.nan, np.inf],
            "tie": [True, False, True],
            "own_label": pd.Series([1, None, 2], dtype="Int16"),
        }
    )
    table.attrs = {"weights_source": "checkpoint", "label_maps": "0" * 64}
    return table


def test_a_table_comes_back_with_its_types_and_attributes(tmp_path, table):
    write_parquet(tmp_path / "a.parquet", table)
    back = read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(back, table)
    assert back.attrs == table.attrs


def test_row_labels_are_left_out(tmp_path, table):
    write_parquet(tmp_path / "a.parquet", table.iloc[::-1])
    back = read_parquet(tmp_path / "a.parquet")
    assert back.index.tolist() == [0, 1, 2]
    assert back["row"].tolist() == [3, 2, 1]


def test_a_table_without_rows_comes_back(tmp_path, table):
    write_parquet(tmp_path / "a.parquet", table.iloc[:0])
    assert list(read_parquet(tmp_path / "a.parquet")) == list(table)


def test_an_arrow_table_comes_back(tmp_path):
    table = pa.table({"boxes": pa.array([[[1.0, 2.0]], []], pa.list_(pa.list_(pa.float32(), 2)))})
    write_arrow(tmp_path / "a.parquet", table)
    assert read_arrow(tmp_path / "a.parquet").equals(table)


def test_other_readers_find_the_same_table_and_its_page_checksums(tmp_path, table):
    write_parquet(tmp_path / "a.parquet", table)
    theirs = pd.read_parquet(tmp_path / "a.parquet", page_checksum_verification=True)
    pd.testing.assert_frame_equal(theirs, table)
    assert pq.read_table(tmp_path / "a.parquet", columns=["x"], memory_map=True).num_rows == 3
    spoilt = (tmp_path / "a.parquet").read_bytes().replace("Ünï".encode(), "Uenï".encode())
    (tmp_path / "b.parquet").write_bytes(spoilt)
    with pytest.raises(OSError, match="CRC"):
        pd.read_parquet(tmp_path / "b.parquet", page_checksum_verification=True)


def test_same_tables_give_the_same_bytes(tmp_path, table):
    for name in "ab":
        write_parquet(tmp_path / f"{name}.parquet", table)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def write_without_a_digest(path):
    pd.read_parquet(path).to_parquet(path)


def rename_a_column(path):
    """Rename a column in the footer, which Parquet's own checksums do not cover."""
    path.write_bytes(path.read_bytes().replace(b"own_label", b"own_lapel"))


def append_a_byte(path):
    path.write_bytes(path.read_bytes() + b"1")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove, "no such file"),
        (empty, "truncated"),
        (truncate, "truncated"),
        (append_a_byte, "truncated"),
        (write_without_a_digest, "not a table of this version"),
        (flip_in_the_middle, "damaged"),
        (rename_a_column, "damaged"),
    ],
)
def test_a_damaged_table_is_refused_by_name_with_the_reason(tmp_path, table, damage, reason):
    path = tmp_path / "a.parquet"
    write_parquet(path, table)
    damage(path)
    for read in (read_parquet, read_arrow):
        with pytest.raises(InputError, match=rf"a\.parquet: .*{reason}.*un again"):
            read(path)


@pytest.mark.parametrize("size", range(0, 120, 7))
def test_a_cut_of_any_length_is_refused(tmp_path, table, size):
    write_parquet(tmp_path / "a.parquet", table)
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:size])
    with pytest.raises(InputError, match="truncated"):
        read_parquet(tmp_path / "a.parquet")


def test_a_folder_or_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read .*Make the file readable"):
        read_parquet(tmp_path)


def test_a_table_that_cannot_be_written_leaves_none(tmp_path):
    with pytest.raises(pa.ArrowException):
        write_parquet(tmp_path / "a.parquet", pd.DataFrame({"a": [1, "b"]}))
    assert list(tmp_path.iterdir()) == []
