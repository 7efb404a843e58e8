"""Results come back as they were written, whatever names look like."""

import pandas as pd
import pytest

from labelmaps.results_table import read_results, write_results


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
