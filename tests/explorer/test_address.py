"""The address of the explorer's page: a link shows what its sender saw, back and forward work, and a bad one is told."""

from html import escape
from urllib.parse import parse_qs, quote

import pytest

from helpers.browser import needs_browser, opened
from helpers.explorer import page_data
from labelmaps.explorer.page import render_explorer

pytestmark = [needs_browser, pytest.mark.slow]

ODD = "</script> ü&=#?%+ \"'\n1"  # an image's id
SEEN = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const texts = "#label, #facts, #summary, #map-title, #remark, #where, #verdict, #top, #place, #count, #evidence";
    return {
        texts: all(texts).map((element) => element.textContent),
        choices: all("select, input").map((element) => [element.value, element.checked, element.disabled]),
        cell: all("#map [aria-selected=true]").map((cell) => cell.ariaLabel),
        heat: all("#heat rect").length,
        listed: all("#gallery [role=option]").map((thumbnail) => thumbnail.hidden),
        drawn: document.getElementById("view").toDataURL(),
    };
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    data = page_data()
    data["images"][3]["id"] = ODD
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(render_explorer(data), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browsed(path):
    with opened(path) as page:
        yield page


@pytest.fixture
def page(browsed, path):
    """The page, just opened, with a history of its own."""
    page = browsed.context.new_page()
    page.goto(path.as_uri())
    yield page
    page.close()


def seen(page):
    """What a person sees, as far as it can change."""
    page.locator("#view[aria-busy=false]").wait_for()
    return page.evaluate(SEEN)


def names(page):
    """What the address names."""
    return {key: value for key, (value,) in parse_qs(page.url.partition("#")[2]).items()}


ACTIONS = {
    "image": lambda page: page.locator("#gallery [role=option]").nth(3).click(),
    "next": lambda page: page.click("#previous"),
    "network": lambda page: page.select_option("#model", "1"),
    "view": lambda page: page.select_option("#through", "1"),
    "method": lambda page: page.locator("#cards input").nth(0).check(force=True),
    "cell": lambda page: page.get_by_role("gridcell").nth(7).click(),
    "keys": lambda page: page.keyboard.press("ArrowLeft"),
    "x₀": lambda page: page.click("#before"),
    "another method": lambda page: page.locator("#cards input").nth(2).check(force=True),
    "x₀, which has no cell": lambda page: page.click("#before"),
    "point": lambda page: page.locator("#picture").click(position={"x": 5, "y": 5}),
    "scanpath": lambda page: page.select_option("#scanpath", "1"),
    "overlay": lambda page: page.locator("#overlay").check(),
    "filter": lambda page: page.select_option("#size", "no box"),
    "another filter": lambda page: page.select_option("#kind", "small object"),
    "clear": lambda page: page.click("#clear"),
}


def test_a_link_to_any_state_shows_it_and_back_and_forward_lead_through_all(page, browsed, path):
    addresses, states = [page.url], [seen(page)]
    for name, act in ACTIONS.items():
        act(page)
        page.mouse.move(0, 0)
        assert page.url != addresses[-1], name
        addresses.append(page.url)
        states.append(seen(page))
    for address, state in zip(addresses, states, strict=True):
        other = browsed.context.new_page()
        other.goto(address)
        assert seen(other) == state
        assert other.url == address
        assert other.locator("#notice").is_hidden()
        other.close()
    for address, state in reversed(list(zip(addresses, states, strict=True))[:-1]):
        page.go_back()
        assert (page.url, seen(page)) == (address, state)
    for address, state in list(zip(addresses, states, strict=True))[1:]:
        page.go_forward()
        assert (page.url, seen(page)) == (address, state)


def test_the_address_names_image_network_view_method_and_cell_as_the_configuration_does(page):
    assert names(page).keys() == {"image", "network", "view", "method", "cell"}
    assert names(page)["method"] == "likelihood"  # the first that looks anywhere
    ACTIONS["image"](page)
    assert names(page)["image"] == ODD
    ACTIONS["network"](page)
    ACTIONS["view"](page)
    page.get_by_role("gridcell").nth(5).click()
    assert {**names(page), "image": 0} == {
        **{"image": 0, "network": "second", "view": "wide", "method": "likelihood", "cell": "2,3"},
    }
    page.select_option("#pointing", "no box")
    page.select_option("#outcome", "right before and after")
    assert names(page)["pointing"] == "no box"
    assert names(page)["outcome"] == "right before and after"


def test_a_page_loaded_again_shows_the_same(page):
    for name in ("image", "network", "method", "cell", "filter"):
        ACTIONS[name](page)
    page.mouse.move(0, 0)
    before = seen(page)
    page.reload()
    assert seen(page) == before


BAD = {
    "image=image+9": "This page has no image “image 9”.",
    "image=": "This page has no image “”.",
    "network=resnet50": "This page has no network “resnet50”.",
    "view=shift": "This page has no view “shift”.",
    "method=gradcam": "This page has no method “gradcam”.",
    "scanpath=blind": "This page has no scanpath “blind”.",
    "method=likelihood&cell=4,1": "The map of 3 × 3 has no cell “4,1”.",
    "cell=0,1": "has no cell “0,1”",
    "cell=-1,1": "has no cell “-1,1”",
    "cell=1.5,1": "has no cell “1.5,1”",
    "cell=1": "has no cell “1”",
    "cell=": "has no cell “”",
    "cell=NaN,NaN": "has no cell “NaN,NaN”",
    "cell=99999999999999999999,1": "has no cell",
    "outcome=lost": "This page has no outcome “lost”.",
    "class=": "This page has no class “”.",
    "map=beside": "“map”, “beside”, is nothing that this page shows.",
    "colour=red": "“colour”, “red”, is nothing that this page shows.",
    "figures": "“figures” is nothing that this page shows.",
    "__proto__=x&constructor=y&toString": "is nothing that this page shows.",
    "%E0%A4%A": "is nothing that this page shows.",
    f"image={quote('<img src=x onerror=alert(1)>')}": "no image “<img src=x onerror=alert(1)>”.",
    f"image={'x' * 5000}": f"no image “{'x' * 80}…”.",
    "image=image+0&image=image+1&image=nowhere": "It names “image” several times",
}


FOLLOW = """async (addresses) => {
    const [notice, found] = [document.getElementById("notice"), []];
    for (const address of addresses) {
        const followed = new Promise((follow) => addEventListener("hashchange", follow, { once: true }));
        location.hash = address;
        await followed;
        found.push([!notice.hidden, notice.innerText, document.getElementById("model").value, location.hash]);
    }
    return found;
}"""


def test_an_address_that_names_what_is_not_here_is_told_and_the_rest_is_shown(page):
    addresses = [address if "network" in address else f"network=second&{address}" for address in BAD]
    found = page.evaluate(FOLLOW, addresses)
    for (address, message), (is_shown, text, network, followed) in zip(BAD.items(), found, strict=True):
        assert is_shown, address
        assert message in text
        assert "of another run" in text
        assert network == ("0" if "network" in address else "1")
        assert parse_qs(followed[1:]).keys() == {"image", "network", "view", "method", "cell"}


@pytest.mark.parametrize(
    "address", ["image=image+9", "cell=4,1&method=gradcam", "__proto__=x&toString", "%E0%A4%A"]
)
def test_a_page_opened_at_a_bad_address_can_be_used(page, path, address):
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}#{address}")
    notice = page.locator("#notice")
    assert notice.is_visible()
    assert notice.get_attribute("role") == "alert"
    assert names(page).keys() == {"image", "network", "view", "method", "cell"}
    page.click("#next")
    assert page.inner_text("#place") == "2 of 4"
    page.click("#dismiss")
    assert notice.is_hidden()


def test_filters_alone_lead_to_the_first_image_that_they_leave(page, path):
    page.goto("about:blank")
    page.goto(f"{path.as_uri()}#kind=small+object&pointing=no+box")
    assert names(page)["image"] == "image 2"
    assert page.inner_text("#place") == "1 of 1"
    assert page.locator("#notice").is_hidden()


def test_an_address_typed_into_an_open_page_is_followed(page):
    page.evaluate("location.hash = '#image=image+2&cell=3,3'")
    page.locator("#facts", has_text="image 2").wait_for()
    assert names(page)["cell"] == "3,3"
    page.evaluate("location.hash = '#image=nowhere'")
    page.locator("#notice").wait_for()
    assert names(page)["image"] == "image 0"
    page.go_back()
    page.locator("#facts", has_text="image 2").wait_for()
    assert page.locator("#notice").is_hidden()


def test_a_method_that_the_network_does_without_gives_way_and_it_is_told(browsed, path, tmp_path):
    data = page_data()
    for image in data["images"]:
        for of_view in image["networks"]:
            of_view[1]["methods"][1] = of_view[1]["methods"][2] = None
    lacking = tmp_path / "explorer.html"
    lacking.write_text(render_explorer(data), encoding="utf-8")
    page = browsed.context.new_page()
    page.goto(f"{lacking.as_uri()}#network=second&method=dff&cell=2,2")
    assert "The network does without the method “dff”." in page.inner_text("#notice")
    assert (names(page)["method"], names(page)["network"]) == (
        "center",
        "second",
    )  # the only one that is left
    page.select_option("#model", "0")
    assert page.locator("#cards input:enabled").count() == 3
    page.close()


def test_a_page_inside_another_that_gives_it_no_address_works(browsed, path, tmp_path):
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe srcdoc="{escape(path.read_text(encoding="utf-8"))}"></iframe>', encoding="utf-8"
    )
    page = browsed.context.new_page()
    page.goto(outer.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#next").evaluate("button => button.click()")
    assert frame.locator("#place").inner_text() == "2 of 4"
    page.close()


def test_a_key_held_down_leaves_two_addresses_and_not_hundreds(page):
    page.locator("#gallery [aria-selected=true]").focus()
    length = page.evaluate("history.length")
    for _ in range(30):
        page.keyboard.down("ArrowRight")
        page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    page.keyboard.up("ArrowLeft")
    page.wait_for_timeout(400)
    assert page.evaluate("history.length") <= length + 3
    assert names(page)["image"] == page.inner_text("#facts").split(" · ")[0]
    page.get_by_role("gridcell").first.click()
    length = page.evaluate("history.length")
    for _ in range(30):
        page.keyboard.down("ArrowRight")
    page.wait_for_timeout(400)
    assert page.evaluate("history.length") <= length + 2
    assert names(page)["cell"] == "1,3"
