"""Results are read as they were written, whatever names look like; the files for people are never read."""

import pandas as pd
import pytest

from helpers.damage import empty, remove
from helpers.study import both
from labelmaps.errors import InputError
from labelmaps.storage.csv_tables import read_paper, read_paper_orders, read_results, write_results
from pipeline.sources import ROOT

PAPER = ROOT / "resources/paper.csv"


@pytest.mark.parametrize("name", ["18", "1e3", "nan", "null", "True", "7.0", "", "a#b", 'a "b", c', " a"])
def test_names_stay_text_and_numbers_numbers(tmp_path, name):
    table = pd.DataFrame({"model": [name, "a"], "n_images": [400, 7], "pointing": [0.25, float("nan")]})
    write_results(both(tmp_path / "a"), table, {})
    read = read_results(tmp_path / "a.parquet", {})
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    assert read["model"].tolist() == [name, "a"]


@pytest.mark.parametrize(
    "column", ["variant", "cue", "first", "second", "rule", "subset", "reading", "term", "verdict"]
)
def test_columns_of_names_stay_text_where_all_look_like_numbers(tmp_path, column):
    write_results(both(tmp_path / "a"), pd.DataFrame({column: ["18", "34"], "value": [18, 34]}), {})
    read = read_results(tmp_path / "a.parquet", {})
    assert read.to_dict("list") == {column: ["18", "34"], "value": [18, 34]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.23456789e-34, "1.23457e-34"),
        (5e-324, "4.94066e-324"),
        (2 / 3, "0.666667"),
        (-1 / 3, "-0.333333"),
        (0.000123456789, "0.000123457"),
        (123.456789, "123.457"),
        (0.25, "0.25"),
        (0.0, "0"),
        (1.0, "1"),
    ],
)
def test_numbers_are_written_to_six_significant_digits_for_people_and_for_stages(tmp_path, value, written):
    write_results(both(tmp_path / "a"), pd.DataFrame({"p": [value]}), {})
    assert (tmp_path / "a.csv").read_text() == f"p\n{written}\n"
    assert read_results(tmp_path / "a.parquet", {})["p"].tolist() == [pytest.approx(float(written), rel=1e-9)]


def test_counts_stay_whole_beside_what_is_missing(tmp_path):
    table = pd.DataFrame({"n": [50_000, None, 3], "n_images": [1_234_567, 2, 3]})
    assert table["n"].dtype == float
    write_results(both(tmp_path / "a"), table, {})
    assert (tmp_path / "a.csv").read_text() == "n,n_images\n50000,1234567\n,2\n3,3\n"


def test_the_file_for_people_is_not_mistaken_for_the_sealed_one(tmp_path):
    write_results(both(tmp_path / "a"), pd.DataFrame({"n": [1]}), {})
    with pytest.raises(InputError, match=r"a\.csv: truncated, or not a table of this version"):
        read_results(tmp_path / "a.csv", {})


def edited(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


PAPER_HEADER = "architecture,weights,standard_crop,method,accuracy_before,accuracy_after,pointing\n"
SPOILT = {
    "gone": (remove, "cannot be read"),
    "empty": (empty, "its columns must be"),
    "header alone": (
        lambda path: path.write_text(PAPER_HEADER),
        "has no row",
    ),
    "a column renamed": (lambda path: edited(path, b"pointing", b"point"), "its columns must be"),
    "cut within a row": (
        lambda path: path.write_bytes(path.read_bytes()[:-12]),
        r"line 13 has 5 fields instead of 7",
    ),
    "a field too many": (lambda path: edited(path, b"0.8775", b"0.8775,1"), r"line 8 has 8 fields"),
    "no number": (lambda path: edited(path, b"0.8775", b"87.75 %"), r"87\.75 %"),
    "an open quote": (lambda path: edited(path, b"gradcam", b'"gradcam'), r"line 8 has 4 fields"),
    "no UTF-8": (lambda path: edited(path, b"gradcam", b"gradc\xe4m"), "cannot be read"),
    "semicolons": (lambda path: path.write_bytes(path.read_bytes().replace(b",", b";")), "its columns"),
}


@pytest.mark.parametrize("damage", SPOILT)
def test_a_table_of_the_paper_that_was_spoilt_is_refused_with_its_place(tmp_path, damage):
    path = tmp_path / "paper.csv"
    path.write_bytes(PAPER.read_bytes())
    spoil, reason = SPOILT[damage]
    spoil(path)
    with pytest.raises(InputError, match=f"^{path}: .*{reason}.*Correct it, .*and run again$"):
        read_paper(path)


def test_the_tables_of_the_paper_are_read_with_or_without_a_byte_order_mark(tmp_path):
    marked = tmp_path / "paper.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + PAPER.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(read_paper(marked), pd.read_csv(PAPER, comment="#"), check_dtype=False)
    assert len(read_paper_orders(ROOT / "resources/paper_orders.csv")) == 8
