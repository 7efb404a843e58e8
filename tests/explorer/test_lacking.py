"""The explorer shows nothing of what a study does without, and fills its window at any width."""

from itertools import pairwise

import pytest

from helpers.browser import needs_browser, opened
from helpers.explorer import page_data
from labelmaps.explorer.page import render_explorer

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def browsed(tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(render_explorer(page_data()), encoding="utf-8")
    with opened(path) as page:
        yield page


@pytest.fixture
def show(browsed, tmp_path):
    """Open a page of some data, with all of its text to be seen."""

    def show(data, address=""):
        path = tmp_path / "explorer.html"
        path.write_text(render_explorer(data), encoding="utf-8")
        browsed.goto("about:blank")
        browsed.goto(path.as_uri() + address)
        browsed.locator("#view[aria-busy=false]").wait_for()
        browsed.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        return browsed

    browsed.set_viewport_size({"width": 1400, "height": 900})
    return show


def words(page):
    """All that can be read, or is read out."""
    said = page.evaluate(
        "[...document.querySelectorAll('[aria-label]')].filter((e) => e.checkVisibility()).map((e) => e.ariaLabel)"
    )
    return "\n".join([page.inner_text("body"), page.get_by_role("status").inner_text(), *said])


def test_a_page_that_has_all_says_all(show):
    page = show(page_data())
    text = words(page)
    for word in (
        "Pointing Game",
        "Object size",
        "hits in",
        "scanpath",
        "box",
        "chosen to be telling",
        "4 of 9 images",
    ):
        assert word in text
    assert page.locator("#filters select:visible").count() == 5
    assert page.locator(".choices select").count() == 2


def test_without_boxes_nothing_is_said_of_them(show):
    page = show(page_data(has_boxes=False))
    text = words(page)
    for word in ("box", "Pointing", "hit", "miss", "Object size", "small objects", "–"):
        assert word not in text.replace("small object\n", "").replace("small object (", ""), word
    assert page.locator("#pointing, #size").filter(visible=True).count() == 0
    page.locator("#gallery [role=option]").nth(2).click()
    assert "box" not in words(page)


def test_an_image_without_a_box_among_others_has_no_legend_of_it(show):
    page = show(page_data(), "#image=image+1")
    assert page.locator("#box-legend").is_visible()
    page.click("#next")
    assert page.locator("#box-legend").is_hidden()
    assert page.inner_text("#facts").endswith("no box")


def test_where_each_image_has_a_box_none_can_be_chosen_for_lacking_one(show):
    page = show(page_data(2))
    assert "no box" not in words(page)


@pytest.mark.parametrize("scanpaths", [(), ("igub",)], ids=["none", "of x₀ alone"])
def test_without_scanpaths_nothing_is_said_of_them(show, scanpaths):
    data = page_data(scanpaths=scanpaths)
    for image in data["images"]:
        for answers in (answers for of_view in image["networks"] for answers in of_view):
            answers["scanpaths"] = [{"views": [4], "labels": [0]} for _ in scanpaths]
    page = show(data)
    assert "scanpath" not in words(page).lower()
    page = show(data, "#scanpath=igub")
    assert "This page has no scanpath “igub”." in page.inner_text("#notice")


def test_of_one_class_one_kind_one_network_and_one_view_none_can_be_chosen(show):
    data = page_data(2, n_classes=1, models=["mine"], views=["zoom"], of=2)
    page = show(data)
    assert page.locator("select").filter(visible=True).evaluate_all("all => all.map(({ id }) => id)") == [
        *("outcome", "pointing", "scanpath"),
    ]
    assert "Network mine (random)" in page.inner_text(".choices")
    assert "View zoom" in page.inner_text(".choices")
    assert "as the network saw them" in page.inner_text("#about")
    assert "telling" not in words(page)  # all are shown
    assert page.locator("#top li").count() == 1


def test_one_image_needs_no_list(show):
    page = show(page_data(1, of=1))
    assert page.locator("#images, #turn").filter(visible=True).count() == 0
    assert page.inner_text("#about") == "made up: 1 image, as the networks saw it"
    assert page.evaluate("document.querySelector('main').getBoundingClientRect().left") == 0


@pytest.mark.parametrize("methods", [["center"], ["likelihood"]])
def test_one_method_is_shown_also_if_it_is_a_baseline(show, methods):
    page = show(page_data(methods=methods))
    assert page.inner_text("#map-title") == f"Map: {methods[0]}"
    assert "where the method looks" in page.inner_text(".picture")
    card, cards = (page.locator(name).bounding_box() for name in (".card", "#cards"))
    assert card["width"] == pytest.approx(cards["width"], abs=1)


def test_a_map_without_a_peak_or_a_view_without_the_label_has_no_legend_of_it(show):
    data = page_data(1)
    answers = data["images"][0]["networks"][0][0]
    answers["labels"] = [[2, 1, 0]] * 9
    answers["methods"][1] |= {"saliency": [0.0] * 9, "dead": True, "view": 4}
    page = show(data)
    assert "says nothing" in page.inner_text("#remark")
    assert page.locator("#peak-legend, #right-legend").filter(visible=True).count() == 0


def test_cases_are_called_so(show):
    data = page_data()
    data["unit"] = "case"
    page = show(data)
    assert page.get_attribute("#next", "aria-label") == "Next case"
    assert "4 of 9 cases" in page.inner_text("#about")


BLANK = """() => [...document.querySelectorAll(".panels > section")].map((section) => {
    const { bottom, height } = section.getBoundingClientRect();
    const shown = [...section.children].filter((child) => child.checkVisibility() && child.innerHTML !== "");
    return (bottom - Math.max(...shown.map((child) => child.getBoundingClientRect().bottom))) / height;
})"""


@pytest.mark.parametrize("size", [(60, 30), (30, 60), (45, 45)])
def test_no_column_is_left_empty(show, size):
    data = page_data(14)
    data["images"][0] |= dict(zip(("width", "height"), size, strict=True))
    page = show(data)
    for width in (360, 390, 820, 1024, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert max(page.evaluate(BLANK)) < 0.3, width  # of a column, below what stands there


def test_the_names_of_kinds_do_not_cover_each_other(show):
    data = page_data(3)
    for image, kind in zip(data["images"], ["chosen by hand", "largest gain", "disagreement"], strict=True):
        image["kind"] = kind
    page = show(data)
    edges = page.evaluate(
        """[...document.querySelectorAll(".kind")].map((kind) => {
            const { left, right } = kind.parentElement.getBoundingClientRect();
            return [left, right, left + kind.scrollWidth];
        })"""
    )
    assert all(text <= right + 1 for _, right, text in edges)
    assert all(right <= left for (_, right, _), (left, _, _) in pairwise(edges))


@pytest.mark.parametrize(("n", "is_beside"), [(3, False), (14, True)])
def test_a_few_images_stand_in_a_row_and_not_in_a_column_of_their_own(show, n, is_beside):
    page = show(page_data(n))
    left = page.evaluate("document.querySelector('main').getBoundingClientRect().left")
    assert (left > 0) == is_beside
