"""Results come back as they were written, whatever names look like."""

import pandas as pd
import pytest

from labelmaps.storage.csv_tables import read_results, write_results


@pytest.mark.parametrize("name", ["18", "1e3", "nan", "null", "True", "7.0", ""])
def test_names_stay_text_and_numbers_numbers(tmp_path, name):
    table = pd.DataFrame({"model": [name, "a"], "n_images": [400, 7], "pointing": [0.25, float("nan")]})
    write_results(tmp_path / "a.csv", table)
    read = read_results(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    assert read["model"].tolist() == [name, "a"]


def test_comments_are_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("# what it is\nmethod,paper\nigub,0.5\n")
    assert read_results(tmp_path / "a.csv").to_dict("list") == {"method": ["igub"], "paper": [0.5]}


@pytest.mark.parametrize(
    "column", ["variant", "cue", "first", "second", "rule", "subset", "reading", "term", "verdict"]
)
def test_columns_of_names_stay_text_where_all_look_like_numbers(tmp_path, column):
    write_results(tmp_path / "a.csv", pd.DataFrame({column: ["18", "34"], "value": [18, 34]}))
    read = read_results(tmp_path / "a.csv")
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
def test_numbers_are_written_to_six_significant_digits(tmp_path, value, written):
    write_results(tmp_path / "a.csv", pd.DataFrame({"p": [value]}))
    assert (tmp_path / "a.csv").read_text() == f"p\n{written}\n"
    assert read_results(tmp_path / "a.csv")["p"][0] == pytest.approx(value, rel=5e-6)


def test_counts_stay_whole_beside_what_is_missing(tmp_path):
    table = pd.DataFrame({"n": [50_000, None, 3], "n_images": [1_234_567, 2, 3]})
    assert table["n"].dtype == float
    write_results(tmp_path / "a.csv", table)
    assert (tmp_path / "a.csv").read_text() == "n,n_images\n50000,1234567\n,2\n3,3\n"
