"""The explorer's list as a file: what it holds is what the page says, and no spreadsheet computes it."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from helpers.browser import needs_browser, opened
from helpers.explorer import page_data
from labelmaps.explorer.page import render_explorer

pytestmark = [needs_browser, pytest.mark.slow]

FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\0=1",
    "\u200b@x",
    " =1",
    "\r\n=1",
    "＝1",
    "－1",
    '=HYPERLINK("http://x","y")',
]
HARMLESS = [
    "plain",
    'a "quoted" name',
    "comma, inside",
    "two\nlines",
    "ü ✓",
    "a=b",
    "'quoted",
    "n01440764",
    "007",
]
ROWS = """(rows) => modules["table.js"].writeTable(rows)"""


@pytest.fixture(scope="module")
def browsed(tmp_path_factory):
    data = page_data()
    data["images"][1]["image"], data["images"][2]["image"] = FORMULAS[0], HARMLESS[2]
    data["dataset"] = "../made up/ü"
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(render_explorer(data), encoding="utf-8")
    with opened(path) as page:
        page.data = data
        yield page


@pytest.fixture
def page(browsed):
    browsed.click("#clear", force=True)
    return browsed


def saved(page):
    """The file that the button leaves: its name and its text."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save list (CSV)").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes().decode()


def test_the_file_holds_the_listed_images_and_what_the_page_says_of_them(page):
    page.select_option("#model", "1")
    page.locator("#cards input").nth(2).check(force=True)
    name, text = saved(page)
    assert name == "made_up_ü_zoom_second_dff.csv"
    table = pd.read_csv(io.StringIO(text))
    assert table["image"].tolist() == ["image 0", "'=1+1", "comma, inside", "image 3"]
    for row, image in zip(table.itertuples(), page.data["images"], strict=True):
        answers = image["networks"][0][1]
        found = answers["methods"][2]
        assert (row.view, row.model, row.method) == ("zoom", "second", "dff")
        assert (row.label, row.n_boxes, row.width) == (image["label"], len(image["boxes"]), image["width"])
        assert (row.correct_before, row.correct_after) == (found["before"], found["after"])
        assert (row.pointing, row.x, row.y) == (found["pointing"], found["x"], found["y"])
        assert row.p_after == answers["p"][found["view"]][0]
        assert row.p_label_before == answers["given"][4]
        assert row.predicted_after == page.data["classes"][answers["labels"][found["view"]][0]]
    assert table["object_share"].isna().tolist() == [not image["boxes"] for image in page.data["images"]]


def test_filters_are_followed_and_named(page):
    page.select_option("#kind", "small object")
    page.select_option("#pointing", "no box")
    name, text = saved(page)
    assert name.endswith("_no_box.csv")
    assert "small_object" in name
    assert pd.read_csv(io.StringIO(text))["image"].tolist() == ["comma, inside"]
    page.select_option("#kind", "largest gain")
    assert page.locator("#gallery [role=option]:visible").count() == 0
    assert page.locator("#export").is_disabled()  # there is nothing to save
    page.click("#clear")
    assert page.locator("#export").is_enabled()


def test_the_button_is_reached_and_used_by_the_keyboard(page):
    page.focus("#clear" if page.locator("#clear").is_enabled() else "#kind")
    page.keyboard.press("Tab")
    with page.expect_download():
        page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text().startswith("Saved made_up_ü")


def written(page, texts):
    """The fields of a file of these texts and a negative number, as a program reads them."""
    text = page.evaluate(ROWS, [{"name": text, "x": -0.5, "none": None, "yes": True} for text in texts])
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["name", "x", "none", "yes"]
    assert all(row[1:] == ["-0.5", "", "True"] for row in rows[1:])
    return [row[0] for row in rows[1:]]


def test_texts_come_back_as_they_are_but_for_an_apostrophe_before_what_would_be_computed(page):
    assert written(page, HARMLESS) == HARMLESS
    assert written(page, FORMULAS) == [f"'{text}" for text in FORMULAS]


def test_names_of_files_are_short_and_of_characters_that_file_systems_take(page):
    names = [("a" * 400, "aa"), ('..\\/:*?"<>|\0\n', "zoom"), ("-rf", "rf_zoom")]
    for dataset, start in names:
        name = page.evaluate(
            """(name) => {
                const { data } = modules["data.js"];
                const dataset = data.dataset;
                data.dataset = name;
                const file = modules["table.js"].nameFile();
                data.dataset = dataset;
                return file;
            }""",
            dataset,
        )
        assert name.startswith(start)
        assert name.endswith(".csv")
        assert len(name) <= 154
        assert not set(name) & set('\\/:*?"<>|\0\n')
