"""The table of results on a terminal is the README's: its rows, its numbers, and no wider than the terminal."""

import csv
import re

import pytest

from pipeline.results_table import table_of
from pipeline.sources import ROOT

DEFAULT = ROOT / "docs/default_summary.csv"


@pytest.fixture
def write(tmp_path):
    """Write the default's summary anew, with the rows of each network and view changed by a function of row and number."""

    def write(*changes):
        with DEFAULT.open(newline="") as file:
            rows = list(csv.DictReader(file))
        rows = [row | change for change in changes for row in rows]
        path = tmp_path / "summary.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def test_the_table_has_the_rows_and_the_numbers_of_the_readmes():
    title, head, *rows, end = table_of(DEFAULT, 80)
    assert title == "Accuracy in %, before and after the saccade: scenes, zoom, 200 images"
    assert (head.split("  ")[0], head.split()[-1], end) == ("[95 % interval]", "small_resnet", "")
    ours = dict(re.split(r" {2,}", row) for row in rows)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    table = page[page.index("| | ResNet-101, paper") :].split("\n\n")[0]
    readme = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert len(readme) == 7
    assert {cells[0]: ours[cells[0]] for cells in readme} == {cells[0]: cells[-1] for cells in readme}
    assert list(ours)[:3] == ["standard crop", "before: centre", "likelihood map, told the label"]
    assert list(ours)[-2:] == ["DFF", "best without looking"]
    assert "IGUB, prior=mean" in ours


@pytest.mark.parametrize("columns", [45, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(write, columns):
    path = write(*({"model": f"network_{i}"} for i in range(7)))
    _, *lines, _ = table_of(path, columns)
    assert all(len(line) <= columns for line in lines)
    assert {name for line in lines for name in line.split() if name.startswith("network_")} == {
        f"network_{i}" for i in range(7)
    }
    assert ("[95 % interval]" in lines[0]) == (columns == 200)
    assert len(re.findall(r"75\.5", "\n".join(lines))) == 7


def test_images_are_counted_without_the_centre_too_and_where_networks_saw_as_many(write):
    assert table_of(write({"method": "igub", "variant": "igub", "cue": "uncued"}), 80)[0].endswith(
        ", zoom, 200 images"
    )
    assert table_of(write({}, {"model": "other", "n_images": "9"}), 80)[0].endswith(": scenes, zoom")
    assert table_of(write({"n_cases": "7"}), 80)[0].endswith(", zoom, 7 cases")


def test_many_views_are_not_all_shown(write):
    path = write(*({"view": f"view_{i}"} for i in range(5)))
    lines = table_of(path, 80)
    assert len(lines) <= 40 + 2
    assert lines[-2:] == [f"… 3 more views: {path}", ""]


def test_what_another_network_lacks_is_a_dash(write):
    path = write({}, {"model": "other", "variant": "unknown option=1", "method": "unknown", "cue": "uncued"})
    rows = [re.split(r" {2,}", line) for line in table_of(path, 80)]
    assert ["IGUB", "91.5 [86.8, 94.6]", "–"] in rows
    assert any(row[:2] == ["unknown, option=1", "–"] for row in rows)


def test_an_accuracy_that_there_is_not_is_a_dash(write):
    ends = ("", "_low", "_high")
    rows = table_of(write({f"accuracy_after{end}": "" for end in ends}), 80)
    assert re.split(r" {2,}", rows[2]) == ["standard crop", "–"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe", b"view,model\nzoom,x\n", None])
def test_a_file_that_is_no_summary_shows_no_table(tmp_path, content):
    path = tmp_path / "summary.csv"
    if content is not None:
        path.write_bytes(content)
    assert table_of(path, 80) == []
