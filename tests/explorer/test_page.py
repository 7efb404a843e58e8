"""The explorer, in a real browser: what it shows is what the tables and the views say, and it can be used."""

import base64
import io
import json
import re
from dataclasses import asdict
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.colors import to_hex
from PIL import Image

from helpers.browser import needs_browser, opened
from helpers.study import (
    MADE_BY,
    both,
    look,
    of_glimpse,
    origin_of,
    random_label_maps,
    write_data_set,
    write_joined,
)
from labelmaps import views
from labelmaps.data.index import read_index, write_index
from labelmaps.errors import InputError
from labelmaps.explorer.data import (
    LARGEST_IMAGE_BYTES,
    MEASURES,
    TOP,
    describe_geometry,
    describe_image,
    describe_map,
    describe_path,
    describe_view,
    describe_views,
    drawing_of,
    embed_image,
)
from labelmaps.explorer.page import PAGE, render_explorer
from labelmaps.figures import style
from labelmaps.figures.views import telling_cells
from labelmaps.inference.view_pixels import draw_views, view_pixels
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.resampling.taps import Drawing, Sampling
from labelmaps.scoring.fixations import find_fixations
from labelmaps.scoring.pointing import SIZE_BINS
from labelmaps.scoring.summary import summarise
from labelmaps.storage.csv_tables import read_results, write_results
from labelmaps.storage.label_map_file import LabelMaps, open_label_maps
from labelmaps.storage.parquet import read_parquet, write_parquet
from labelmaps.storage.saliency_file import SaliencyMaps, read_saliency, write_saliency
from pipeline.sources import ROOT
from workflow.scripts.build_explorer import build_explorer
from workflow.scripts.choose_examples import choose_examples
from workflow.scripts.score_scanpaths import score_scanpaths

SIZES = [(90, 60), (61, 120), (200, 150), (64, 64), (80, 50), (120, 90)]
HOSTILE = "</script><img src=https://example.org/x onerror=window.hacked=1>&amp;\"'<!--"
CLASSES = ["tench", "hammer", HOSTILE, "crane", "sea lion", "maillot"]
VIEWS = {
    "zoom": {"family": "zoom", "grid": 3},
    "shift": {
        **{"family": "shift", "grid": 5, "base": "crop", "beyond": "gray"},
        **{"share": "network", "interpolation": "network"},
    },
}
# What the view shift has from each network.
OWN = {
    "first": {"share": 0.8, "interpolation": "bilinear"},
    "second": {"share": 1.1, "interpolation": "bicubic"},
}
MODELS = {
    "first": {
        "architecture": "small_resnet",
        "weights_source": "random",
        "preprocessing": asdict(Preprocessing(32)),
    },
    "second": {
        "architecture": "resnet18",
        "weights_source": "checkpoint",
        "preprocessing": asdict(Preprocessing(48)),
    },
}
METHODS = {
    "center": {"variant": "center", "cue": "baseline"},
    "likelihood": {"variant": "likelihood", "cue": "cued"},
    "dff": {"variant": "dff components=2", "cue": "uncued"},
}
SETTINGS = {method: {"method": method, "options": {}, "arrival": "nearest"} for method in METHODS}


def seen_through(view, model):
    """The view through which a network looks, and what of it is the network's own."""
    own = OWN[model] if view == "shift" else {}
    return views.create_view(**VIEWS[view] | own), own


def settings_of(view):
    """The settings of the label maps of a view."""
    return {"view": VIEWS[view]} | {key: MADE_BY[key] for key in ("network", "engine", "precision")}


def shown(view):
    """The settings of how telling images are through a view."""
    return {"look": settings_of(view), "methods": SETTINGS, "tolerance": 0.0}


def scanned(view):
    """The settings of the scanpaths through a view."""
    plan = {"fixations": 4, "among": "all", "draws": 2, "seed": 0, "thresholds": []}
    return {"look": settings_of(view), "methods": {"dff": SETTINGS["dff"]}, "scanpaths": plan}


SCORED = {
    "networks": [settings_of(view) for view in VIEWS for _ in MODELS],
    "methods": SETTINGS,
    "tolerance": 0.0,
}
LABEL = [0, 1, 2, 2, 4, 1]
LEVEL = 1  # of 255: what rounding may make of the same sum


def browsing(test):
    """Mark a test that opens the page in a browser, which starts slowly."""
    return needs_browser(pytest.mark.slow(test))


def smooth(width, height, seed):
    """A picture (H, W, RGB) of a few soft colours, with a sharp square."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    picture = np.array(small.resize((width, height), Image.Resampling.BICUBIC))
    picture[height // 4 : height // 2, width // 3 : width // 2] = random.integers(0, 256, 3)
    return picture


def write_study(folder):
    """Write a data set of six images, two networks and two views on it, three methods; all as the workflow leaves it."""
    random = np.random.default_rng(0)
    ids = [f"image {i}" for i in range(len(SIZES) - 1)] + [f"image {HOSTILE.replace('/', '-')}"]
    boxes = [
        [[10, 10, 40, 40]],
        [[0, 0, 20, 10]],
        [[5, 5, 190, 140], [50, 50, 60, 60]],
        [],
        [[70, 40, 80, 50]],
        [[0, 0, 60, 90]],
    ]
    columns = {"image": ids, "label": LABEL, "boxes": [np.reshape(corners, (-1, 4)) for corners in boxes]}
    data = write_data_set(folder, [smooth(*size, i) for i, size in enumerate(SIZES)], CLASSES, **columns)
    index = folder / "index.parquet"
    files = {key: [] for key in ("measures", "label_maps", "saliency", "fixations", "scores", "scanpaths")}
    summary = []
    for view, model in product(VIEWS, MODELS):
        base = folder / view / model
        label_maps = base / "label_maps.h5"
        family, own = seen_through(view, model)
        maps = random_label_maps(ids, SIZES, family, len(CLASSES), random)
        made_by = MADE_BY | MODELS[model] | {"view": VIEWS[view], "view_from_network": own}
        write_joined(label_maps, maps, made_by, digests=data["digest"].tolist())
        saliency = [base / f"saliency/{method}.h5" for method in METHODS]
        for method, path in zip(METHODS, saliency, strict=True):
            made_by = SETTINGS[method] | origin_of(label_maps)
            write_saliency(path, make_saliency(method, maps, random), made_by)
        fixations, scores = zip(*(look(path, label_maps, index) for path in saliency), strict=True)
        for (method, described), path in zip(METHODS.items(), scores, strict=True):
            row = {"dataset": "six", "view": view, "model": model, "method": method}
            summary.append(row | {"variant": described["variant"]} | summarise(read_parquet(path)))
        measures = base / "measures.parquet"
        choose_examples(
            label_maps=label_maps,
            index=index,
            classes=folder / "classes.txt",
            scores=scores,
            fixations=fixations,
            examples=both(base / "examples"),
            measures=measures,
            chosen={},
            made_by=shown(view),
        )
        scanpaths = base / "scanpaths.parquet"
        score_scanpaths(
            index=index,
            label_maps=label_maps,
            saliency=saliency[2:],
            paths=scanpaths,
            curves=base / "scanpath_curves.parquet",
            variants={"dff": "dff components=2"},
            made_by=scanned(view),
        )
        found = ([measures], [label_maps], saliency, fixations, scores, [scanpaths])
        for key, paths in zip(files, found, strict=True):
            files[key] += paths
    write_results(both(folder / "summary"), pd.DataFrame(summary), SCORED)
    return files


def make_saliency(method, maps, random):
    """Make x₀ alone; the label's log-probability; or a map of 4 × 6 cells of x₀, with its own labels, dead on the first."""
    n, rows, columns = maps.log_sum_exp.shape
    if method == "center":
        saliency = np.zeros((n, rows, columns))
        saliency[:, rows // 2, columns // 2] = 1
        return SaliencyMaps(maps.image, saliency, maps.centre)
    if method == "likelihood":
        return SaliencyMaps(maps.image, maps.log_probability[np.arange(n), :, :, LABEL], maps.centre)
    saliency = random.random((n, 4, 6))
    saliency[0] = 0.5
    saliency[1, :2] = 2  # ties
    return of_glimpse(maps, saliency, np.arange(n) % len(CLASSES))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The files of the data set, and the page."""
    folder = tmp_path_factory.mktemp("explorer")
    arguments = {
        "index": folder / "index.parquet",
        "classes": folder / "classes.txt",
        "summary": folder / "summary.parquet",
        **write_study(folder),
        "explorer": folder / "explorer.html",
        "dataset": "six",
        "networks": list(product(VIEWS, MODELS)),
        "methods": METHODS,
        "done": [list(METHODS) for _ in product(VIEWS, MODELS)],
        "chosen": {},
        "n_images": 48,
        "made_by": SCORED,
        "shown": [shown(view) for view, _ in product(VIEWS, MODELS)],
        "scanned": {"networks": [scanned(view) for view, _ in product(VIEWS, MODELS)]},
    }
    build_explorer(**arguments)
    return SimpleNamespace(folder=folder, arguments=arguments, path=folder / "explorer.html")


@pytest.fixture(scope="module")
def browsed(study):
    """The page, open."""
    with opened(study.path) as page:
        yield page


def wait_for_picture(page):
    """Until the image's pixels are there; the page's policy does not let playwright wait by an expression."""
    for _ in range(400):
        if page.evaluate("Boolean(pixels)"):
            return
        page.wait_for_timeout(25)
    raise AssertionError("the picture was not decoded")


@pytest.fixture
def page(browsed):
    """The page as it is when just opened, and drawn."""
    browsed.set_viewport_size({"width": 1400, "height": 900})
    browsed.emulate_media(color_scheme="light")
    browsed.mouse.move(0, 0)
    browsed.reload()
    wait_for_picture(browsed)
    return browsed


def embedded(study):
    """The data that the page holds."""
    text = study.path.read_text(encoding="utf-8")
    return json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def choose(page, image, view, model, method):
    """Show an image, by its id, through a view, a network and a method, by their names."""
    ids = page.evaluate("data.images.map((image) => image.id)")
    page.select_option("#through", str(list(VIEWS).index(view)))
    page.select_option("#model", str(list(MODELS).index(model)))
    page.locator("#cards input").nth(list(METHODS).index(method)).check(force=True)
    thumbnails(page).nth(ids.index(image)).click()
    wait_for_picture(page)


def listed(page):
    """The places, in the data, of the images in the gallery."""
    return [i for i, thumbnail in enumerate(thumbnails(page).all()) if thumbnail.is_visible()]


def thumbnails(page):
    return page.locator("#gallery [role=option]")


def cells(page):
    return page.get_by_role("gridcell")


def pixels_of(page):
    """What the canvas shows, (size, size, RGB) uint8."""
    rgba = page.evaluate(
        """() => {
            const { width, height } = $("view");
            return [...$("view").getContext("2d").getImageData(0, 0, width, height).data];
        }"""
    )
    side = round((len(rgba) / 4) ** 0.5)
    return np.array(rgba, np.uint8).reshape(side, side, 4)[..., :3]


COMBINATIONS = list(product(VIEWS, MODELS, METHODS))


@browsing
@pytest.mark.parametrize(("view", "model", "method"), COMBINATIONS)
@pytest.mark.sample(6)
def test_what_the_page_says_is_what_the_files_say(study, page, view, model, method):
    base = study.folder / view / model
    index = read_index(study.arguments["index"])
    fixations, scores = (
        pd.read_parquet(base / name / f"{method}.parquet") for name in ("fixations", "scores")
    )
    place = COMBINATIONS.index((view, model, method)) % len(index)
    row, fixation, score = index.iloc[place], fixations.iloc[place], scores.iloc[place]
    with open_label_maps(base / "label_maps.h5") as file:
        maps = file.read(place, place + 1)
    choose(page, row["image"], view, model, method)

    assert page.inner_text("#label") == CLASSES[row["label"]]
    assert row["image"] in page.inner_text("#facts")
    card = page.locator(".card").nth(list(METHODS).index(method)).inner_text()
    right = {True: "✓", False: "✗"}
    pointing = {"skipped": "no box"}.get(score["pointing"], score["pointing"])
    signs = f"{right[score['correct_before']]}right{right[score['correct_after']]}".split("right")
    assert "".join(c for c in card if c in "✓✗") == "".join(signs)
    assert card.endswith(f"· {pointing}")

    # The view after the saccade: its place, its labels, and their probabilities.
    cell = int(fixation["row"]), int(fixation["column"])
    said = np.exp(maps.log_probability[0][cell].astype(float))
    assert page.inner_text("#where").startswith(f"Row {cell[0] + 1}, column {cell[1] + 1}")
    lines = page.locator("#top li").all_inner_texts()
    order = np.argsort(-said)[:TOP]
    assert order[0] == maps.top_label[0][cell] == score["predicted_after"]
    for line, label in zip(lines, order, strict=True):
        assert line.startswith(CLASSES[label])
        assert f"{100 * said[label]:.1f} %" in line
    given = page.locator(".given").inner_text()
    assert f"{100 * said[row['label']]:.1f} %" in given
    assert page.inner_text("#verdict").endswith("Right" if score["correct_after"] else "Wrong")

    # Where it looks.
    drawn = page.locator("#picture .point:has(.halo)").get_attribute("transform")
    x, y = map(float, drawn.removeprefix("translate(").removesuffix(")").split())
    assert (x, y) == (fixation["x"], fixation["y"])

    # On all images, as the summary has it.
    summary = read_results(study.arguments["summary"], SCORED).set_index(["view", "model", "method"])
    mine, text = summary.loc[view, model, method], page.inner_text("#summary").replace("−", "-")
    assert f"on all {len(index)} images" in text
    for measure in MEASURES:
        value, low, high = (100 * mine[f"{measure}{end}"] for end in ("", "_low", "_high"))
        assert f" {value:.1f} [{low:.1f}, {high:.1f}]" in text


@browsing
def test_shares_are_said_to_be_of_cases_where_images_show_several_classes(page):
    assert page.get_attribute("#next", "aria-label") == "Next image"
    page.evaluate("data.unit = 'case'; data.n_images = 13; renderAll()")
    text = page.inner_text("#summary")
    assert "on all 13 cases of 6 images: right in" in text
    assert "% of the cases with a box, in 5 images." in text


@browsing
@pytest.mark.parametrize("method", METHODS)
def test_the_map_shows_the_methods_numbers_where_they_belong(study, page, method):
    maps = read_saliency(study.folder / f"shift/second/saliency/{method}.h5")
    choose(page, "image 3", "shift", "second", method)
    expected, said = (
        maps.saliency[3],
        cells(page).evaluate_all("cells => cells.map((cell) => cell.ariaLabel)"),
    )
    rows, columns = expected.shape
    assert page.get_by_role("grid").get_by_role("row").count() == rows
    assert len(said) == rows * columns
    for number, text in enumerate(said):
        place, value, *_ = text.split("; ")
        row, column = divmod(number, columns)
        assert place == f"row {row + 1}, column {column + 1}"
        assert float(value.replace("−", "-")) == pytest.approx(expected[row, column], rel=5e-3)
    assert ["most salient" in text for text in said] == (
        np.arange(rows * columns) == expected.argmax()
    ).tolist()
    shades = cells(page).evaluate_all("cells => cells.map((cell) => cell.style.backgroundColor)")
    assert shades[expected.argmax()] == "rgb(253, 231, 37)"  # viridis' last
    assert shades[expected.argmin()] == "rgb(68, 1, 84)"  # and first
    low, high = (page.inner_text(f"#{end}").replace("−", "-") for end in ("low", "high"))
    assert (float(low), float(high)) == pytest.approx((expected.min(), expected.max()), rel=5e-3)


@browsing
def test_a_cell_of_another_map_leads_to_the_view_nearest_to_its_point(study, page):
    choose(page, "image 2", "zoom", "first", "dff")
    point = read_saliency(study.folder / "zoom/first/saliency/dff.h5").point[2].reshape(-1, 2)
    centre = views.create_view(**VIEWS["zoom"]).geometry(*SIZES[2]).centre.reshape(-1, 2)
    for number in (0, 8, 14, 23):
        cells(page).nth(number).hover()
        nearest = int(((centre - point[number]) ** 2).sum(axis=1).argmin())
        assert page.inner_text("#where").startswith(f"Row {nearest // 3 + 1}, column {nearest % 3 + 1}")


@browsing
def test_dead_maps_and_ties_are_named(page):
    choose(page, "image 0", "zoom", "first", "dff")
    assert "says nothing" in page.inner_text("#remark")
    assert page.locator("#map .peak").count() == 0
    assert page.inner_text("#where").startswith("Row 2, column 2 (x₀)")
    choose(page, "image 1", "zoom", "first", "dff")
    assert "Several cells are most salient" in page.inner_text("#remark")
    assert "own label: hammer" in page.inner_text("#remark")


@browsing
def test_hovering_shows_the_view_of_a_cell_and_leaving_shows_the_kept_one_again(study, page):
    choose(page, "image 4", "zoom", "first", "likelihood")
    kept = page.inner_text("#where"), pixels_of(page)
    with open_label_maps(study.folder / "zoom/first/label_maps.h5") as file:
        maps = file.read(4, 5)
    for row, column in ((0, 0), (1, 1), (2, 1)):
        cells(page).nth(3 * row + column).hover()
        x0, y0, x1, y1 = (round(edge) for edge in maps.extent[0, row, column])
        assert f"x {x0} to {x1}, y {y0} to {y1}" in page.inner_text("#where")
        assert page.locator("#top li").first.inner_text().startswith(CLASSES[maps.top_label[0, row, column]])
        outline = page.locator("#seen .extent")
        assert [float(outline.get_attribute(name)) for name in ("x", "y")] == pytest.approx(
            maps.extent[0, row, column, :2]
        )
    assert not np.array_equal(pixels_of(page), kept[1])
    page.mouse.move(0, 0)
    assert page.inner_text("#where") == kept[0]
    assert np.array_equal(pixels_of(page), kept[1])
    cells(page).nth(0).click()
    page.mouse.move(0, 0)
    assert page.inner_text("#where").startswith("Row 1, column 1:")


@browsing
def test_pointing_at_the_image_shows_the_view_from_the_nearest_fixation(page):
    choose(page, "image 4", "zoom", "first", "likelihood")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
    assert page.inner_text("#where").startswith("Row 1, column 3:")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    assert page.inner_text("#where").startswith("Row 2, column 2 (x₀):")


@browsing
def test_everything_can_be_done_with_the_keyboard(page):
    choose(page, "image 4", "shift", "first", "likelihood")
    assert cells(page).evaluate_all("cells => cells.filter((cell) => cell.tabIndex === 0).length") == 1
    page.locator("#scanpath").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.role") == "gridcell"
    steps = {
        "Control+Home": (1, 1),
        "ArrowRight": (1, 2),
        "ArrowDown": (2, 2),
        "End": (2, 5),
        "ArrowRight ": (2, 5),
    }
    for key, (row, column) in (steps | {"Control+End": (5, 5), "ArrowUp": (4, 5), "Home": (4, 1)}).items():
        page.keyboard.press(key.strip())
        assert page.evaluate("document.activeElement.ariaLabel").startswith(f"row {row}, column {column};")
        assert page.inner_text("#where").startswith(f"Row {row}, column {column}:")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the button of x₀
    assert page.inner_text("#where").startswith("Row 3, column 3 (x₀):")

    page.locator("#cards input").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#map-title") == "Map: DFF, components=2"
    page.locator("#gallery [aria-selected=true]").focus()
    page.keyboard.press("Home")
    assert page.inner_text("#place") == f"1 of {len(SIZES)}"
    page.keyboard.press("End")
    assert page.inner_text("#place") == f"{len(SIZES)} of {len(SIZES)}"
    assert page.evaluate("document.activeElement.ariaSelected") == "true"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#place") == f"{len(SIZES) - 1} of {len(SIZES)}"


@browsing
def test_what_changes_is_said_to_screen_readers(page):
    choose(page, "image 4", "zoom", "first", "likelihood")
    said = page.get_by_role("status").inner_text()
    assert said.startswith("sea lion; likelihood map: ")
    page.select_option("#size", label=page.locator("#size option").nth(1).inner_text())
    assert page.get_by_role("status").inner_text().endswith(f"of {len(SIZES)} images")


def outcomes(study, view, model, method):
    """Each image's row of scores, in the order of the gallery."""
    ids = [image["id"] for image in embedded(study)["images"]]
    return (
        pd.read_parquet(study.folder / view / model / f"scores/{method}.parquet").set_index("image").loc[ids]
    )


@browsing
@pytest.mark.parametrize(("view", "model", "method"), COMBINATIONS[::5])
def test_filters_leave_the_images_whose_scores_say_so(study, page, view, model, method):
    choose(page, "image 0", view, model, method)
    scores = outcomes(study, view, model, method)
    before, after = scores["correct_before"], scores["correct_after"]
    expected = {
        ("outcome", 0): ~before & after,
        ("outcome", 1): before & ~after,
        ("outcome", 2): before & after,
        ("outcome", 3): ~before & ~after,
        ("pointing", 0): scores["pointing"] == "hit",
        ("pointing", 1): scores["pointing"] == "miss",
        ("pointing", 2): scores["pointing"] == "skipped",
    }
    for (name, option), fits in expected.items():
        page.select_option(f"#{name}", str(option))
        assert listed(page) == np.flatnonzero(fits).tolist()
        assert page.locator(f"#{name} option:checked").inner_text().endswith(f"({fits.sum()})")
        page.get_by_role("button", name="Clear").click()
    assert listed(page) == list(range(len(SIZES)))
    page.select_option("#outcome", "0")
    page.select_option("#pointing", "1")
    assert listed(page) == np.flatnonzero(expected["outcome", 0] & expected["pointing", 1]).tolist()


@browsing
def test_filters_by_label_and_by_object_size(study, page):
    shown = embedded(study)["images"]
    index = read_index(study.arguments["index"]).set_index("image").loc[[image["id"] for image in shown]]
    page.select_option("#class", label="hammer (2)")
    assert listed(page) == np.flatnonzero(index["label"] == 1).tolist()
    assert page.inner_text("#label") == "hammer"
    page.get_by_role("button", name="Clear").click()
    page.select_option("#size", str(SIZE_BINS.index("10–25 %")))
    assert "image 0" in [shown[i]["id"] for i in listed(page)]  # 30 × 30 of 90 × 60 pixels
    assert "image 2" not in [shown[i]["id"] for i in listed(page)]
    page.select_option("#size", label="no box (1)")
    assert [shown[i]["id"] for i in listed(page)] == ["image 3"]
    page.select_option("#class", label="hammer (2)")
    assert listed(page) == []
    assert page.inner_text("#count") == f"0 of {len(SIZES)}"


READINGS = yaml.safe_load((ROOT / "config/readings.yaml").read_text())["views"]
FAMILIES = {"zoom": {"family": "zoom"}, "crop_gray": {"family": "crop", "beyond": "gray"}, **READINGS}
FAMILIES["crop_reflect"] = {"family": "crop", "beyond": "reflect", "antialias": False}
FAMILIES["bicubic"] = {"family": "shift", "base": "crop", "share": 0.7, "interpolation": "bicubic"}
FAMILIES["bicubic_plain"] = FAMILIES["bicubic"] | {"antialias": False, "beyond": "surroundings"}
DIFFERENCE = """([bytes, received, width, boxes, drawing, size, gray]) => {
    const decoded = (text) => Uint8ClampedArray.from(atob(text), (c) => c.charCodeAt(0));
    const [picture, expected] = [new ImageData(decoded(bytes), width), decoded(received)];
    const drawn = boxes.flatMap((box) => [...drawView(picture, box, drawing, [1, 1], size, gray).data]);
    return [drawn.length, drawn.reduce((most, level, i) => Math.max(most, Math.abs(level - expected[i])), 0)];
}"""


@browsing
@pytest.mark.parametrize("name", FAMILIES)
def test_a_view_drawn_from_the_same_pixels_is_the_networks_to_a_level(browsed, name):
    family, expects = views.create_view(**FAMILIES[name]), Preprocessing(size=23)
    for width, height in ((60, 41), (33, 80)):
        image = smooth(width, height, 5)
        received = view_pixels(image, family, expects, range(family.grid**2))
        n_values, difference = browsed.evaluate(
            DIFFERENCE,
            [
                opaque(image),
                opaque(received),
                width,
                family.geometry(width, height).extent.reshape(-1, 4).round(6).tolist(),
                asdict(drawing_of(family, width, height)),
                expects.size,
                [255 * mean for mean in expects.mean],
            ],
        )
        assert n_values == received.size // 3 * 4
        assert difference <= LEVEL


def opaque(pixels):
    """RGB (…, 3) uint8 as RGBA, in base64."""
    alpha = np.full((*pixels.shape[:-1], 1), 255, np.uint8)
    return base64.b64encode(np.concatenate([pixels, alpha], axis=-1).tobytes()).decode()


@browsing
@pytest.mark.parametrize(("view", "model"), list(product(VIEWS, MODELS)))
def test_the_view_on_the_page_is_the_networks_within_what_the_page_says(study, page, view, model):
    choose(page, "image 2", view, model, "center")
    picture = embed_image(smooth(*SIZES[2], 2))
    family, expects = seen_through(view, model)[0], Preprocessing(**MODELS[model]["preprocessing"])
    deviations = []
    for cell in telling_cells(family.grid):
        number = cell[0] * family.grid + cell[1]
        cells(page).nth(number).hover()
        shown = pixels_of(page).astype(int)
        from_picture = view_pixels(picture.pixels, family, expects, [number])[0].astype(int)
        received = view_pixels(smooth(*SIZES[2], 2), family, expects, [number])[0].astype(int)
        assert abs(shown - from_picture).max() <= LEVEL
        deviations.append(abs(shown - received).mean())
    (said,) = re.findall(r"on average ([\d.]+) of 255 levels", page.inner_text("#exactness"))
    assert float(said) == pytest.approx(np.mean(deviations), abs=0.02)
    assert float(said) < 2


@browsing
def test_a_family_that_does_not_say_how_it_draws_is_shown_as_approximate(study, browsed, tmp_path):
    data = embedded(study)
    data["views"][0]["exact"] = False
    path = tmp_path / "explorer.html"
    path.write_text(render_explorer(data, *page_parts()), encoding="utf-8")
    other = browsed.context.new_page()
    other.goto(path.as_uri())
    assert other.inner_text("#exactness").startswith(
        "Drawn approximately: zoom samples this box in its own way"
    )
    other.close()
    plain = SimpleNamespace(grid=3)
    assert not describe_view("mine", plain, {})["exact"]
    assert drawing_of(plain, 40, 30) == Drawing((0, 0, 40, 30))


def page_parts():
    template, stylesheet, *scripts = (path.read_text(encoding="utf-8") for path in PAGE)
    return template, stylesheet, "".join(scripts)


@browsing
def test_text_from_the_data_stays_text(study, page):
    image = read_index(study.arguments["index"])["image"].iloc[-1]
    assert "<img" in image
    choose(page, image, "zoom", "first", "dff")
    assert image in page.inner_text("#facts")
    page.select_option("#class", label=f"{HOSTILE} (2)")
    assert page.inner_text("#label") == HOSTILE
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("[...document.images].every((image) => image.src.startsWith('data:'))")
    assert study.path.read_text(encoding="utf-8").count("<script") == 2


@browsing
def test_nothing_but_the_pages_own_script_runs(study, browsed, tmp_path):
    path = tmp_path / "explorer.html"
    injected = "<script>window.hacked = 1</script><p onclick='window.hacked = 1' id=trap>x</p>"
    path.write_text(
        study.path.read_text(encoding="utf-8").replace("<header>", f"{injected}<header>"), encoding="utf-8"
    )
    context = browsed.context.browser.new_context()  # whose console may say what is refused
    refused = []
    context.on("console", lambda said: said.type == "error" and refused.append(said.text))
    other = context.new_page()
    other.goto(path.as_uri())
    other.locator("#trap").click()
    assert other.evaluate("window.hacked") is None
    assert other.inner_text("#about").startswith("six")
    assert len(refused) == 2
    context.close()


@browsing
@pytest.mark.parametrize("width", [320, 390, 820, 1400])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.locator("#map [role=gridcell]").first.bounding_box()["width"] >= 24  # a finger's


CONTRASTS = """() => {
    const rgba = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [r, g, b] = rgba(colour).map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const ground = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return (rgba(colour)[3] ?? 1) > 0 ? colour : ground(element.parentElement);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const low = [];
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const isUnseen = element.closest("script, noscript, svg, .unseen") || !element.checkVisibility();
        if (isUnseen || !texts.currentNode.data.trim()) continue;
        const ratio = light(getComputedStyle(element).color) / light(ground(element));
        if (Math.max(ratio, 1 / ratio) < 4.5) low.push(`${ratio}: ${element.outerHTML.slice(0, 80)}`);
    }
    return low;
}"""


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.locator(".notes summary").click()
    assert page.evaluate(CONTRASTS) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (scheme == "dark")


@browsing
def test_a_scanpath_is_numbered_and_joined_and_says_what_its_evidence_says(study, page):
    choose(page, "image 2", "zoom", "first", "likelihood")
    names = page.locator("#scanpath option").all_inner_texts()
    assert names[0] == "none"
    assert names[1:] == [
        *("IGUB", "maximum softmax", "likelihood map: told the label", "DFF, components=2"),
        *("from the centre outward", "fixed order, learnt on other images"),
    ]
    assert page.locator("#path *").count() == 0
    assert page.inner_text("#evidence") == ""
    base = study.folder / "zoom/first"
    paths = read_parquet(base / "scanpaths.parquet")
    for number, method in (("0", "igub"), ("3", "dff")):
        page.select_option("#scanpath", number)
        of_method = paths[(paths["method"] == method) & (paths["accumulation"] == "mean")]
        row = of_method.set_index("image").loc["image 2"]
        with open_label_maps(base / "label_maps.h5") as file:
            centre = file.read(2, 3).centre.reshape(-1, 2)[row["views"]]
        seen = page.locator("#path .number").evaluate_all(
            "all => all.map((g) => [Number(g.querySelector('text').textContent), g.transform.baseVal[0].matrix.e, "
            "g.transform.baseVal[0].matrix.f])"
        )
        assert [n for n, _, _ in sorted(seen)] == [1, 2, 3, 4]
        np.testing.assert_allclose([place for _, *place in sorted(seen)], centre, rtol=1e-5)
        line = (
            page.locator("#path .path").nth(1).evaluate("line => [...line.points].map(({ x, y }) => [x, y])")
        )
        np.testing.assert_allclose(line, centre, rtol=1e-5)
        said = page.inner_text("#evidence").replace("\n", "")
        assert said.startswith("Evidence after 1")
        for label in set(row["labels"]):
            assert CLASSES[label] in said
        assert ("✓" in said) == (LABEL[2] in row["labels"])
    # It stays chosen with another image and network, and goes with "none".
    page.select_option("#model", "1")
    assert page.locator("#path .number").count() == 4
    page.select_option("#scanpath", "-1")
    assert page.locator("#path *").count() == 0


@browsing
def test_methods_have_the_colours_of_the_figures_and_share_a_point(study, page):
    choose(page, "image 0", "zoom", "first", "center")  # where DFF's map is dead: both look at the centre
    dots = page.locator(".card .dot").evaluate_all("dots => dots.map((dot) => dot.style.backgroundColor)")
    expected = [style.method_colour(method["variant"]) for method in METHODS.values()]
    assert [to_hex(np.array(re.findall(r"\d+", dot), float) / 255).upper() for dot in dots] == expected
    shared = page.locator("#picture .point:has(.halo)")
    assert shared.locator("title").text_content() == "centre, DFF, components=2"
    assert shared.locator("path").count() == 2


@browsing
def test_a_method_that_a_network_does_without_is_a_gap(study, browsed, tmp_path):
    """The second network does without DFF: it is shown with another method, and its card says why DFF cannot be chosen."""
    done = [
        [name for name in METHODS if (model, name) != ("second", "dff")]
        for _, model in product(VIEWS, MODELS)
    ]
    arguments = study.arguments | {"done": done, "explorer": tmp_path / "page.html"}
    for key in ("saliency", "fixations", "scores"):
        files = arguments[key]
        arguments[key] = [file for file in files if not (file.stem == "dff" and "second" in file.parts)]
        assert len(arguments[key]) == len(files) - len(VIEWS)
    build_explorer(**arguments)
    browsed.goto(arguments["explorer"].as_uri())
    try:
        wait_for_picture(browsed)
        card = browsed.locator(".card").nth(list(METHODS).index("dff"))
        card.locator("input").check(force=True)
        browsed.select_option("#model", "1")
        assert browsed.evaluate("data.methods[state.method].name") == "likelihood map"
        assert card.locator("input").is_disabled()
        assert "not with this network" in card.inner_text()
        assert "DFF" not in browsed.get_attribute("#picture", "aria-label")
        thumbnails(browsed).nth(1).click()
        browsed.select_option("#model", "0")
        assert card.locator("input").is_enabled()
        assert "not with this network" not in card.inner_text()
    finally:
        browsed.goto(study.path.as_uri())


@browsing
def test_the_map_can_be_laid_over_the_image(page):
    choose(page, "image 4", "zoom", "first", "dff")
    assert page.locator("#heat rect").count() == 0
    page.locator("#overlay").check()
    areas = page.locator("#heat rect").evaluate_all(
        "cells => cells.map((c) => c.width.baseVal.value * c.height.baseVal.value)"
    )
    assert len(areas) == 24
    assert sum(areas) == pytest.approx(80 * 50, rel=1e-5)  # they tile the image


@pytest.mark.slow
def test_the_same_inputs_give_the_same_page(study, tmp_path):
    build_explorer(**study.arguments | {"explorer": tmp_path / "again.html"})
    assert (tmp_path / "again.html").read_bytes() == study.path.read_bytes()


@pytest.mark.slow
def test_the_users_own_images_come_first_and_as_many_as_asked_for(study, tmp_path):
    path = tmp_path / "explorer.html"
    build_explorer(**study.arguments | {"explorer": path, "chosen": {"mine": "image 3"}, "n_images": 2})
    shown = embedded(SimpleNamespace(path=path))["images"]
    assert len(shown) == 2
    assert (shown[0]["id"], shown[0]["kind"]) == ("image 3", "chosen by hand")


@pytest.mark.slow
def test_another_data_sets_files_are_refused(study, tmp_path):
    scores = pd.read_parquet(study.arguments["scores"][0])
    write_parquet(tmp_path / "scores.parquet", scores.iloc[::-1])
    mixed = [tmp_path / "scores.parquet", *study.arguments["scores"][1:]]
    with pytest.raises(InputError, match=r"scores.parquet: contains other images"):
        build_explorer(**study.arguments | {"explorer": tmp_path / "page.html", "scores": mixed})
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(("width", "height"), [(500, 375), (1600, 1200), (3, 2)])
def test_pictures_are_embedded_as_well_as_fits(width, height):
    noise = np.random.default_rng(0).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )  # nothing compresses worse
    picture = embed_image(noise)
    assert len(picture.jpeg) <= LARGEST_IMAGE_BYTES
    assert np.array_equal(picture.pixels, np.asarray(Image.open(io.BytesIO(picture.jpeg))))
    assert picture.pixels.shape[1] / picture.pixels.shape[0] == pytest.approx(width / height, rel=0.01)
    calm = embed_image(smooth(500, 375, 0))
    assert (calm.quality, calm.pixels.shape) == (95, (375, 500, 3))


def test_48_images_of_noise_two_networks_and_two_views_stay_under_15_mb():
    """The largest that the parts of a page can be, with labels as long as ImageNet's."""
    n, grid, random = 1000, 7, np.random.default_rng(0)
    family = views.create_view("zoom", grid=grid)
    geometry = family.geometry(500, 375)
    log_p = np.log(random.dirichlet(np.ones(n), (1, grid, grid))).astype(np.float32)
    maps = LabelMaps(
        ["x"], log_p, log_p[..., 0], log_p.argmax(-1), geometry.centre[None], geometry.extent[None]
    )
    saliency = random.standard_normal((grid, grid)).astype(np.float32)
    point = geometry.centre + 1 / 3
    fixation = find_fixations(saliency[None], point[None], maps.centre).iloc[0]
    score = pd.Series({"own_label": 1, "correct_before": True, "correct_after": False, "pointing": "skipped"})
    of_map = describe_map(saliency, point, maps, fixation, score, "nearest")
    network = describe_views(maps, 0) | {"deviation": 1.23, "methods": [of_map] * 11}
    network["scanpaths"] = [
        describe_path(pd.Series({"views": np.arange(40, 48), "labels": np.full(8, 999)}))
    ] * 8
    noise = random.integers(0, 256, (375, 500, 3), dtype=np.uint8)
    row = pd.Series(
        {
            "image": "ILSVRC2012_val_00000001",
            "label": 0,
            "width": 500,
            "height": 375,
            "boxes": np.zeros((9, 4)),
        }
    )
    image = describe_image(row, "disagreement", "resnet101 through zoom", embed_image(noise))
    image["views"] = [[describe_geometry(maps, family, 500, 375)]] * 2
    image["networks"] = [[network] * 2] * 2
    classes = dict.fromkeys(range(n), "x" * 30)
    assert len(render_explorer({"images": [image] * 48, "classes": classes}, *page_parts())) < 15e6


@pytest.mark.parametrize("name", FAMILIES)
def test_how_a_family_says_it_draws_is_how_it_does(name):
    family, expects = views.create_view(**FAMILIES[name]), Preprocessing(size=23)
    image = smooth(50, 37, 1)
    boxes = family.geometry(50, 37).extent.reshape(-1, 4)
    drawn = draw_views(image, boxes, family.drawing(50, 37), (1, 1), expects)
    assert np.array_equal(drawn, view_pixels(image, family, expects, range(len(boxes))))


def test_views_drawn_from_a_picture_of_twice_the_size_show_the_same():
    image = smooth(50, 37, 1)
    twice = image.repeat(2, axis=0).repeat(2, axis=1)
    drawing, boxes = (
        Drawing((0, 0, 50, 37), Sampling(antialias=True)),
        np.array([[0.0, 0, 50, 37], [5, 5, 40, 30], [-9, -9, 20, 20]]),
    )
    expects = Preprocessing(size=9)
    small, large = (draw_views(p, boxes, drawing, s, expects) for p, s in ((image, (1, 1)), (twice, (2, 2))))
    assert abs(small.astype(int) - large).mean() < 2
    assert np.array_equal((small == 0).all(axis=-1), (large == 0).all(axis=-1))  # black, beyond the image


def test_top_labels_are_the_most_probable_and_the_unrounded_winner_comes_first():
    log_p = np.log(np.array([0.25, 0.25, 0.2, 0.15, 0.1, 0.05], np.float32)).reshape(1, 1, 1, 6)
    maps = LabelMaps(
        ["x"], log_p, np.zeros((1, 1, 1)), np.array([[[1]]]), np.zeros((1, 1, 1, 2)), np.zeros((1, 1, 1, 4))
    )
    said = describe_views(maps, 5)
    assert said["labels"] == [[1, 0, 2, 3, 4]]
    assert said["p"] == [pytest.approx([0.25, 0.25, 0.2, 0.15, 0.1])]
    assert said["given"] == pytest.approx([0.05])


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        (VIEWS["zoom"], "floor", 0.5),
        (MADE_BY["network"], "size", 96),
        (SETTINGS["dff"], "arrival", "index"),
        (SETTINGS["dff"]["options"], "components", 3),
        (SCORED, "tolerance", 15.0),
    ],
)
def test_what_was_made_with_other_settings_is_not_shown(study, tmp_path, monkeypatch, settings, key, value):
    page = tmp_path / "explorer.html"
    monkeypatch.setitem(settings, key, value)
    with pytest.raises(InputError, match=f"made with other settings than .*{key}.*change the settings back"):
        build_explorer(**study.arguments | {"explorer": page})
    assert not page.exists()


def test_an_image_exchanged_after_the_label_maps_is_not_shown(study, tmp_path):
    """The index has no digests; the pixels that are read again are others."""
    index = read_index(study.folder / "index.parquet").assign(digest="")
    path = tmp_path / "other.png"
    Image.fromarray(smooth(*SIZES[0], seed=99)).save(path)
    index.loc[0, "path"] = str(path)
    write_index(tmp_path / "index.parquet", index)
    with pytest.raises(InputError, match=r"label_maps\.h5: made from other pixels of image 0 than"):
        build_explorer(
            **study.arguments | {"index": tmp_path / "index.parquet", "explorer": tmp_path / "a.html"}
        )
