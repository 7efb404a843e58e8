"""Figure 1 draws what it is given, where it belongs, and says what the network said; nothing overlaps."""

import warnings
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox
from PIL import Image

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
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.figure_1 import RIGHT, WRONG, cell_corners, draw_figure_1
from labelmaps.figures.figure_1_data import Example, Saccade, Scanpath, SeenView, collect_views
from labelmaps.figures.layout import LARGEST_IMAGE, TEXT_SIZE, Line, fit
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import read_parquet, write_parquet
from labelmaps.storage.saliency_file import SaliencyMaps, write_saliency
from workflow.scripts.choose_examples import choose_examples
from workflow.scripts.plot_figure_1 import plot_figure_1
from workflow.scripts.score_scanpaths import score_scanpaths

mpl.use("agg")
METHODS = ["likelihood map", "Grad-CAM", "DFF", "IGUB", "maximum logit", "LayerCAM", "EigenCAM", "HiResCAM"]
VIEW = views.create_view("zoom", grid=3, floor=0.2)


def example(n=4, width=400, height=300, n_boxes=2, label="common iguana", **changes):
    """An example of n methods; each selects another view."""
    rng = np.random.default_rng(n)
    geometry = VIEW.geometry(width, height)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    corners = np.sort(rng.random((n_boxes, 2, 2)), axis=1).reshape(-1, 4) * [width, height, width, height]

    def view(cell, said, correct):
        colours = np.full((8, 8, 3), 20 * cell, np.uint8)
        return SeenView(colours, geometry.extent.reshape(-1, 4)[cell], said, 0.5 + cell / 100, 0.125, correct)

    saccades = [
        Saccade(
            METHODS[i],
            "cued" if i < 2 else "uncued",
            rng.random((3, 3)),
            geometry.centre,
            *geometry.centre.reshape(-1, 2)[i],
            dead=False,
            own_label="green lizard" if i == 2 else None,
            view=view(i, label if i % 2 else "agama", bool(i % 2)),
        )
        for i in range(n)
    ]
    notes = ["largest gain", "resnet18 (V1)", "zoom, 3 × 3 fixations", "val_00000001"]
    return replace(Example(pixels, corners, label, view(4, "agama", False), saccades, notes), **changes)


def scanpaths(n, width, height, **changes):
    """Paths of 8 fixations across an image, right and wrong in turn."""
    x = np.linspace(0.1, 0.9, 8) * width
    paths = [
        Scanpath(
            METHODS[i],
            "#123456",
            np.column_stack([x, height * (0.5 + 0.05 * i) * np.ones(8)]),
            "kite",
            i % 2 == 0,
        )
        for i in range(n)
    ]
    return [replace(path, **changes) for path in paths]


def with_saccade(made, i, **changes):
    saccades = list(made.saccades)
    saccades[i] = replace(saccades[i], **changes)
    return replace(made, saccades=saccades)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.texts]


def panels(figure):
    """The image's panel and the methods' in order, and the panels of the views in order."""
    return figure.axes[::2], figure.axes[1::2]


def outlines(axes):
    """x0, y0, x1, y1 of the rectangles in a panel."""
    return [
        (*patch.get_xy(), *np.add(patch.get_xy(), (patch.get_width(), patch.get_height())))
        for patch in axes.patches
    ]


@pytest.mark.parametrize("n", [1, 4, 6, 7, 8])
def test_every_method_has_its_panels(n):
    figure = draw_figure_1(example(n))
    upper, lower = panels(figure)
    assert len(upper) == len(lower) == n + 1
    assert [name for name in texts(figure) if name in METHODS] == METHODS[:n]
    shown = [int(axes.images[0].get_array()[0, 0, 0]) // 20 for axes in lower]
    assert shown == [4, *range(n)]
    for above, below in zip(upper, lower, strict=True):
        assert above.get_position().x0 == pytest.approx(below.get_position().x0)
        assert above.get_position().y0 > below.get_position().y1
    assert figure.get_size_inches()[0] <= style.PAGE + 1e-9


def test_scanpaths_are_numbered_and_joined_below():
    figure = draw_figure_1(example(4, 400, 300, scanpaths=scanpaths(6, 400, 300)))
    below = figure.axes[10:]
    assert len(below) == 6
    rows = [round(axes.get_position().y0, 6) for axes in below]
    assert rows[:5] == [rows[0]] * 5
    assert min(axes.get_position().y0 for axes in figure.axes[:10]) > rows[0] > rows[5]
    path = scanpaths(3, 400, 300)[2].point
    for line in below[2].lines:
        np.testing.assert_allclose(np.column_stack(line.get_data()), path)
    assert [line.get_marker() for line in below[2].lines] == ["None", "o"]
    numbers = {int(text.get_text()): text.xy for text in below[2].texts}
    np.testing.assert_allclose([numbers[i] for i in range(1, 9)], path)
    said = texts(figure)
    assert said.count("8 fixations") == 6
    assert (said.count("✓ kite"), said.count("✗ kite")) == (3, 3)


def test_four_methods_stand_side_by_side_in_print():
    figure = draw_figure_1(example(4))
    assert figure.get_size_inches()[0] == pytest.approx(style.PAGE)
    assert len({round(axes.get_position().y0, 9) for axes in panels(figure)[1]}) == 1
    sizes = [text.get_fontsize() for text in (*figure.texts, *figure.legends[0].get_texts())]
    assert min(sizes) >= 6.5


def test_boxes_points_and_extents_lie_where_they_are():
    made = example(4)
    first, *maps = panels(draw_figure_1(made))[0]
    np.testing.assert_allclose(outlines(first), made.boxes)
    assert (first.get_xlim(), first.get_ylim()) == ((0, 400), (300, 0))
    for axes, saccade in zip(maps, made.saccades, strict=True):
        np.testing.assert_allclose(outlines(axes), [*made.boxes, saccade.view.extent])
        (point,) = axes.lines
        assert (*point.get_xdata(), *point.get_ydata()) == (saccade.x, saccade.y)
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 400), (300, 0))
        assert axes.get_aspect() == 1


def test_a_box_that_leaves_the_image_does_not_move_it():
    upper, _ = panels(draw_figure_1(example(2, boxes=np.array([[-2, -2, 402, 302]]))))
    for axes in upper:
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 400), (300, 0))


def test_white_outlines_have_a_dark_edge():
    first, *maps = panels(draw_figure_1(example(4)))[0]
    for artist in (*first.patches, maps[0].patches[-1], maps[0].lines[0]):
        assert artist.get_path_effects()


def test_a_map_is_drawn_cell_by_cell_on_its_own_scale():
    made = example(4)
    made = with_saccade(made, 1, saliency=np.arange(9.0).reshape(3, 3) * 100 - 7)
    maps = panels(draw_figure_1(made))[0][1:]
    for axes, saccade in zip(maps, made.saccades, strict=True):
        (mesh,) = axes.collections
        assert axes.images[0].get_array().ndim == 2  # grey
        np.testing.assert_array_equal(mesh.get_array(), saccade.saliency)
        assert mesh.get_clim() == (saccade.saliency.min(), saccade.saliency.max())
        # Fixations at 0.1, 0.5 and 0.9 of each side.
        x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
        np.testing.assert_allclose(x, np.tile([0, 120, 280, 400], (4, 1)))
        np.testing.assert_allclose(y, np.tile([[0], [90], [210], [300]], (1, 4)))


def test_a_cell_is_seen_where_its_point_is():
    """In the picture itself, upright: the only hot cell is right and above."""
    saliency = np.zeros((3, 3))
    saliency[0, 2] = 1
    made = replace(example(1, n_boxes=0), pixels=np.zeros((300, 400, 3), np.uint8))
    made = with_saccade(made, 0, saliency=saliency)
    figure = draw_figure_1(made)
    axes = panels(figure)[0][1]
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())

    def colour(x, y):
        column, row = axes.transData.transform((x, y))
        return picture[len(picture) - 1 - int(row), int(column)].astype(int)

    hot = colour(340, 45)
    assert hot[0] > hot[2] + 50  # yellow
    for x, y in [(200, 45), (340, 150), (60, 255)]:
        assert np.abs(colour(x, y) - hot).max() > 50


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([50, 150, 250], [0, 100, 200, 300]),
        ([10, 110, 250], [0, 60, 180, 300]),  # the last reaches 320, outside
        ([100, 150, 220], [75, 125, 185, 255]),  # cells need not fill the image
        ([150], [0, 300]),
        ([20], [0, 300]),
    ],
)
def test_borders_lie_halfway_between_points_and_inside_the_image(x, expected):
    y = [10, 30]
    corners = cell_corners(np.stack(np.meshgrid(np.array(x, float), y), axis=-1), 300, 40)
    np.testing.assert_allclose(corners[..., 0], np.tile(expected, (3, 1)))
    np.testing.assert_allclose(corners[..., 1], np.tile([[0], [20], [40]], (1, len(expected))))


def test_cells_of_grids_that_are_not_straight_meet():
    point = np.array([[[10, 10], [30, 14]], [[14, 30], [34, 34]]], float)
    corners = cell_corners(point, 100, 100)
    np.testing.assert_allclose(corners[1, 1], [22, 22])
    np.testing.assert_allclose(corners[0, 0], [0, 0])  # -2, -2, cut
    np.testing.assert_allclose(corners[2, 2], [46, 46])


def test_titles_name_label_methods_and_cues():
    said = texts(draw_figure_1(example(4)))
    assert said[:2] == ["common iguana", "the given label"]
    for i, cue in enumerate(["cued: told the label"] * 2 + ["uncued"] * 2):
        assert said[said.index(METHODS[i]) + 1] == cue
    assert " · ".join(example().notes) == said[-1]


def test_what_the_network_said_is_marked_right_or_wrong_not_by_colour_alone():
    figure = draw_figure_1(example(3))
    said = texts(figure)
    verdicts = [text for text in figure.texts if text.get_text()[0] in "✓✗"]
    assert [text.get_text() for text in verdicts] == ["✗ agama", "✗ agama", "✓ common iguana", "✗ agama"]
    assert [text.get_color() for text in verdicts] == [WRONG[1], WRONG[1], RIGHT[1], WRONG[1]]
    frames = [to_hex(axes.spines["left"].get_edgecolor()).upper() for axes in panels(figure)[1]]
    assert frames == [text.get_color() for text in verdicts]
    first_wrong, right = said.index("✗ agama"), said.index("✓ common iguana")
    assert said[first_wrong + 1 : first_wrong + 3] == ["p = 0.54", "p(given label) = 0.12"]
    assert said[right + 1] == "p = 0.51"
    assert said.count("p(given label) = 0.12") == 3  # of a right label it would say the same twice


def test_own_labels_dead_maps_and_eyes_that_stay_are_said():
    made = example(4)
    said = texts(draw_figure_1(made))
    assert [text for text in said if "own label" in text] == ["its own label: green lizard"]
    assert "after the saccade" in said
    assert not any("dead" in text or "stays" in text for text in said)
    made = with_saccade(made, 3, dead=True, saliency=np.zeros((3, 3)), view=made.before)
    said = texts(draw_figure_1(made))
    assert said.count("the eye stays at x₀") == 1
    assert "dead map: stays at the" in said


def overlaps(figure):
    """Pairs of texts and panels that share ink, and what leaves the page."""
    figure.set_dpi(style.SIZES["page"].dpi)
    figure.canvas.draw()
    boxes = {f"axes {i}": axes.get_window_extent() for i, axes in enumerate(figure.axes)}
    for i, text in enumerate(figure.texts):
        x0, y0, x1, y1 = text.get_window_extent().extents
        boxes[f"{i} {text.get_text()}"] = Bbox.from_extents(x0, y0 + 2, x1, y1 - 2)  # type is set that tight
    boxes |= {"legend": figure.legends[0].get_window_extent()}
    page = figure.bbox.padded(1)
    found = [(a, b) for a, b in combinations(boxes, 2) if Bbox.intersection(boxes[a], boxes[b]) is not None]
    return found + [name for name, b in boxes.items() if Bbox.intersection(b, page).bounds != b.bounds]


LONG = (
    "extraordinarily long-winded name_of_a_class_without_blanks $of$ WWWWWWWWW and WWWWWWWWWWWWWWW and so on"
)


@pytest.mark.parametrize("on", style.SIZES)
@pytest.mark.parametrize(("n", "size"), [(1, (300, 500)), (4, (400, 300)), (5, (300, 500)), (8, (400, 300))])
@pytest.mark.slow
@pytest.mark.sample(6)
def test_nothing_overlaps(n, size, on):
    width = style.SIZES[on].width
    figure = draw_figure_1(example(n, *size, scanpaths=scanpaths(n, *size, label=LONG, name=LONG)), width)
    assert overlaps(figure) == []
    assert figure.get_size_inches()[0] <= width + 1e-9


@pytest.mark.parametrize("size", [(3000, 20), (20, 3000), (1, 1)])
def test_extreme_images_are_drawn_whole(size):
    width, height = size
    figure = draw_figure_1(example(4, width, height))
    assert overlaps(figure) == []
    assert figure.get_size_inches()[1] < style.PAGE
    for axes in panels(figure)[0]:
        assert axes.images[0].get_extent() == [0, width, height, 0]
        axes.apply_aspect()
        box = axes.get_window_extent()
        assert box.width / box.height == pytest.approx(width / height)


@pytest.mark.parametrize("n", [1, 5])
def test_long_names_are_shortened(n):
    made = example(n, label=LONG, notes=["largest gain", "a/" * 200])
    for i in range(n):
        made = with_saccade(made, i, method=LONG, own_label=LONG, dead=True)
    figure = draw_figure_1(made)
    assert overlaps(figure) == []
    assert any(text.endswith("…") for text in texts(figure))


@pytest.mark.parametrize("n_boxes", [0, 20])
def test_any_number_of_boxes(n_boxes):
    first, *maps = panels(draw_figure_1(example(2, n_boxes=n_boxes)))[0]
    assert len(first.patches) == n_boxes
    assert {len(axes.patches) for axes in maps} == {n_boxes + 1}


def test_text_is_never_taken_for_mathematics():
    made = example(3, label=r"$x_1$ \frac{", notes=[r"$\broken$", "a_$b$"])
    figure = draw_figure_1(with_saccade(made, 2, method="$m$", own_label="$y$"))
    figure.canvas.draw()
    assert {r"$x_1$ \frac{", r"✓ $x_1$ \frac{", "$m$", "its own label: $y$", r"$\broken$ · a_$b$"} <= set(
        texts(figure)
    )
    assert not any(text.get_parse_math() for text in figure.texts)


def test_text_cannot_break_out_of_an_svg(tmp_path):
    nasty = "<script>alert(1)</script> \0\x01\x1b[0m\x9f\ufffe ]]> &amp; \u202e \U0001f600 日本"
    made = example(1, label=nasty, notes=[nasty, "a\nb"])
    path = tmp_path / "a.svg"
    with mpl.rc_context(style.REPRODUCIBLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        style.save(draw_figure_1(with_saccade(made, 0, method="<b>", own_label=nasty)), [path])
    root = ElementTree.parse(path).getroot()  # whole and well formed
    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert not tags & {"script", "b"}
    said = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert "<b>" in said
    assert any("<script>alert(1)</script>" in text for text in said)
    assert sum("\ufffd\ufffd\ufffd[0m\ufffd\ufffd" in text for text in said) >= 1


def test_large_images_are_reduced():
    axes = panels(draw_figure_1(example(1, 2400, 600)))[0]
    assert {panel.images[0].get_array().shape[:2] for panel in axes} == {(LARGEST_IMAGE // 4, LARGEST_IMAGE)}
    small = panels(draw_figure_1(example(1, 90, 60)))[0]
    assert {panel.images[0].get_array().shape[:2] for panel in small} == {(60, 90)}


def test_the_legend_names_what_there_is():
    figure = draw_figure_1(example(4))
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries[:3] == ["box", "most salient point", "view selected there"]
    assert "low to high, each map on its own scale" in entries[3]


def test_lines_are_as_wide_as_they_are_drawn():
    figure = plt.figure(dpi=style.SIZES["page"].dpi)
    for line in (Line("common iguana"), Line("✓ WWW fjord", 8, weight="bold")):
        text = figure.text(0, 0, line.text, size=line.size, weight=line.weight)
        assert line.width == pytest.approx(text.get_window_extent().width / figure.dpi, rel=0.05)


def test_text_is_broken_between_words_and_cut_at_the_end():
    line = Line("one two three four")
    assert [part.text for part in fit(line, 9, 3)] == ["one two three four"]
    narrow = Line("one two three").width * 1.01
    assert [part.text for part in fit(line, narrow, 2)] == ["one two three", "four"]
    (cut,) = fit(line, narrow, 1)
    assert cut.text.startswith("one two th")
    assert cut.text.endswith("…")
    assert cut.width <= narrow
    assert all(part.size == TEXT_SIZE for part in fit(line, narrow, 2))
    assert [part.text for part in fit(Line("a\n b\t c"), 9, 1)] == ["a b c"]


SIZES = [(40, 30), (30, 50), (64, 64), (50, 20), (31, 33)]
CLASSES = ["round $thing$, ball", "square_thing", "star"]


def gradient(width, height):
    """An image whose red says how far right a pixel lies, and whose green, how far down."""
    y, x = np.mgrid[:height, :width] + 0.5
    return (255 * np.stack([x / width, y / height, np.zeros_like(x)], axis=-1)).round().astype(np.uint8)


LOOK = {"view": {"family": "zoom", "grid": 3, "floor": 0.2}}
LOOK |= {key: MADE_BY[key] for key in ("network", "engine", "precision")}
OPTIONS = {
    "max_logit": {"method": "max_logit", "options": {}},
    "dff": {"method": "dff", "options": {"components": 3}},
}
SHOWN = {
    "look": LOOK,
    "methods": {name: settings | {"arrival": "nearest"} for name, settings in OPTIONS.items()},
    "tolerance": 0.0,
}


SCANNED = {
    "look": LOOK,
    "methods": {"dff": SHOWN["methods"]["dff"]},
    "scanpaths": {"fixations": 5, "among": "all", "draws": 2, "seed": 0, "thresholds": [0.5]},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Files of a small study, as the workflow leaves them: five images, two methods, three classes."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    ids, label = [f"val_{i}" for i in range(len(SIZES))], np.arange(len(SIZES)) % len(CLASSES)
    boxes = [
        np.array([[2, 3, width - 5, height - 4]], np.float32)[: i != 1]
        for i, (width, height) in enumerate(SIZES)
    ]
    pictures = [gradient(*size) for size in SIZES]
    data = write_data_set(folder, pictures, CLASSES, image=ids, label=label, boxes=boxes)
    index, label_maps = folder / "index.parquet", folder / "label_maps.h5"
    maps = random_label_maps(ids, SIZES, VIEW, len(CLASSES), rng)
    made_by = MADE_BY | {"view": {"family": "zoom", "grid": 3, "floor": 0.2}}
    digests = data["digest"].tolist()
    write_joined(label_maps, maps, made_by, digests=digests)
    max_logit = (maps.log_probability + maps.log_sum_exp[..., None]).max(axis=-1)
    glimpse = rng.random((len(SIZES), 2, 2)) * (np.arange(len(SIZES)) != 3)[:, None, None]  # val_3's is dead
    saliency = [folder / "saliency" / name for name in ("max_logit.h5", "dff.h5")]
    write_saliency(
        saliency[0], SaliencyMaps(ids, max_logit, maps.centre), origin_of(label_maps) | OPTIONS["max_logit"]
    )
    write_saliency(saliency[1], of_glimpse(maps, glimpse, label, digests), made_by | OPTIONS["dff"])
    fixations, scores = zip(*(look(path, label_maps, index) for path in saliency), strict=True)
    choose_examples(
        label_maps=label_maps,
        index=index,
        classes=folder / "classes.txt",
        scores=scores,
        fixations=fixations,
        examples=both(folder / "examples"),
        measures=folder / "measures.parquet",
        chosen={"dead": "val_3"},
        made_by=SHOWN,
    )
    score_scanpaths(
        index=index,
        label_maps=label_maps,
        saliency=saliency[1:],
        paths=folder / "scanpaths.parquet",
        curves=folder / "curves.parquet",
        variants={"dff": "dff components=3"},
        made_by=SCANNED,
    )
    return folder


def plot(study, outputs, *names, **changes):
    """Run the script on the study; gives what it hands to the drawing."""
    arguments = {
        "examples": study / "examples.parquet",
        "index": study / "index.parquet",
        "label_maps": study / "label_maps.h5",
        "classes": study / "classes.txt",
        "saliency": [study / "saliency/max_logit.h5", study / "saliency/dff.h5"],
        "fixations": [study / "fixations/max_logit.parquet", study / "fixations/dff.parquet"],
        "methods": [
            {"variant": "max_logit", "cue": "uncued"},
            {"variant": "dff components=3", "cue": "uncued"},
        ],
        "made_by": SHOWN,
        "chosen": {"dead": "val_3"},
        "scanpaths": study / "scanpaths.parquet",
        "scanned": SCANNED,
        "variants": {"dff": "dff components=3"},
    }
    plot_figure_1(**arguments | changes, figures=outputs, names=list(names) or ["dead"], sizes=["page"])


@pytest.fixture
def drawn(monkeypatch):
    """What the script hands to the drawing function."""
    seen = []
    monkeypatch.setattr(
        "workflow.scripts.plot_figure_1.draw_figure_1",
        lambda made, width: seen.append(made) or draw_figure_1(made, width),
    )
    return seen


@pytest.mark.slow
def test_the_script_reads_one_image_from_all_files(study, tmp_path, drawn):
    plot(study, [tmp_path / "a.png"])
    (made,) = drawn
    np.testing.assert_array_equal(made.pixels, np.asarray(Image.open(study / "03.png")))
    names = ["IGUB", "likelihood map: told the label", "DFF, components=3"]
    assert [path.name for path in made.scanpaths] == names
    paths = pd.read_parquet(study / "scanpaths.parquet").set_index(["method", "accumulation", "image"])
    with open_label_maps(study / "label_maps.h5") as file:
        centre = file.field("centre")[3].reshape(-1, 2)
    for method, path in (("igub", made.scanpaths[0]), ("dff", made.scanpaths[2])):
        row = paths.loc[method, "mean", "val_3"]
        np.testing.assert_array_equal(path.point, centre[row["views"]])
        assert path.label == CLASSES[row["labels"][-1]].replace("_", " ").split(",")[0]
        assert path.correct == (row["labels"][-1] == 3 % len(CLASSES))
    # DFF's map of this image is dead: outward from the centre.
    assert paths.loc["dff", "mean", "val_3"]["views"].tolist() == [4, 1, 3, 5, 7]
    assert made.boxes.tolist() == [[2, 3, 45, 16]]
    assert made.label == "round $thing$"
    assert made.notes == ["chosen by hand", "resnet18 (random)", "zoom, 3 × 3 fixations", "val_3"]
    assert [(s.method, s.cue, s.dead, s.own_label) for s in made.saccades] == [
        ("maximum logit", "uncued", False, None),
        ("DFF, components=3", "uncued", True, "round $thing$"),
    ]
    scores = pd.read_parquet(study / "scores/max_logit.parquet").iloc[3]
    names = ["round $thing$", "square_thing", "star"]
    fixation = pd.read_parquet(study / "fixations/max_logit.parquet").iloc[3]
    saccade = made.saccades[0]
    assert made.before.label == names[scores["predicted_before"]]
    assert made.before.correct == scores["correct_before"]
    assert saccade.view.label == names[scores["predicted_after"]]
    assert saccade.view.correct == scores["correct_after"]
    assert (saccade.x, saccade.y) == (fixation["x"], fixation["y"])
    assert saccade.saliency.shape == (3, 3)
    assert saccade.saliency.max() == fixation["peak"]
    assert made.saccades[1].saliency.shape == (2, 2)
    with open_label_maps(study / "label_maps.h5") as file:
        p = np.exp(file.read(3, 4).log_probability[0, fixation["row"], fixation["column"]])
    assert saccade.view.probability == p.max()
    assert saccade.view.truth == p[0]
    geometry = VIEW.geometry(50, 20)
    np.testing.assert_array_equal(saccade.view.extent, geometry.extent[fixation["row"], fixation["column"]])
    np.testing.assert_array_equal(made.before.extent, [0, 0, 50, 20])
    np.testing.assert_array_equal(made.saccades[1].view.pixels, made.before.pixels)  # a dead map's eye stays


@pytest.mark.slow
def test_views_are_shown_as_the_network_received_them(study):
    """With nothing but whole pixels to sample, the view is the image's own pixels."""
    pixels = np.array(Image.open(study / "02.png"))
    with open_label_maps(study / "label_maps.h5") as file:
        maps = file.read(2, 3)
    preprocessing = Preprocessing(64, mean=[0.1, 0.5, 0.9], std=[0.2, 1, 3])
    (before,) = collect_views(pixels, 0, maps, [], VIEW, preprocessing, CLASSES)
    assert before.pixels.dtype == np.uint8
    np.testing.assert_array_equal(before.pixels, pixels)


@pytest.mark.slow
def test_the_view_and_what_the_network_expects_are_those_of_the_label_maps(study, tmp_path, drawn):
    plot(study, [tmp_path / "a.png"], chosen_of(study, "val_2"))
    assert drawn[0].before.pixels.shape == (MADE_BY["preprocessing"]["size"],) * 2 + (3,)
    assert drawn[0].notes[2] == "zoom, 3 × 3 fixations"


@pytest.mark.slow
def test_each_view_is_that_of_its_fixation(study, tmp_path, drawn):
    cells = set()
    for name in pd.read_csv(study / "examples.csv")["example"]:
        plot(study, [tmp_path / "a.png"], name)
        made = drawn[-1]
        height, width = made.pixels.shape[:2]
        for view in (made.before, *(saccade.view for saccade in made.saccades)):
            x, y, _ = view.pixels.mean(axis=(0, 1)) / 255
            x0, y0, x1, y1 = view.extent / [width, height, width, height]
            assert (x, y) == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2), abs=0.02)
            cells.add((round(x, 1), round(y, 1)))
    assert any(x != y for x, y in cells)


def chosen_of(study, image):
    """The name of the example that shows an image."""
    table = pd.read_csv(study / "examples.csv", dtype=str).set_index("image")
    return table.loc[image, "example"]


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes_in_every_format(study, tmp_path):
    formats = ("pdf", "svg", "png")
    a, b, other = ([tmp_path / f"{run}.{suffix}" for suffix in formats] for run in ("a", "b", "other"))
    plot(study, a, "gain")
    plot(study, [*other, *b], "dead", "gain")  # after another, by the same job
    for suffix in formats:
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert (
        "round $thing$" in (tmp_path / "a.svg").read_text()
        or "square_thing" in (tmp_path / "a.svg").read_text()
    )


@pytest.mark.slow
def test_a_method_is_called_by_what_it_is_with_its_options(study, tmp_path, drawn):
    method = {"variant": "igub prior=mean", "cue": "uncued"}
    plot(study, [tmp_path / "a.png"], methods=[method, method])
    assert [saccade.method for saccade in drawn[0].saccades] == ["IGUB, prior=mean"] * 2


def test_damaged_or_foreign_files_are_refused(study, tmp_path):
    outputs = [tmp_path / "a.png"]
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad\.h5: damaged.*Delete it and run again"):
        plot(study, outputs, saliency=[study / "saliency/max_logit.h5", bad])
    maps = SaliencyMaps(list("abcde"), np.zeros((5, 3, 3)), np.zeros((5, 3, 3, 2)))
    write_saliency(bad, maps, {})
    with pytest.raises(InputError, match=r"bad\.h5: contains other images"):
        plot(study, outputs, saliency=[bad, study / "saliency/dff.h5"])
    other = tmp_path / "other.parquet"
    write_parquet(other, read_parquet(study / "fixations/dff.parquet").iloc[::-1])
    with pytest.raises(InputError, match=r"other\.parquet: contains other images"):
        plot(study, outputs, fixations=[study / "fixations/max_logit.parquet", other])
    assert not outputs[0].exists()
