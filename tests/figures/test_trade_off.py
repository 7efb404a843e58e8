"""The trade-off draws the table's rows as points that can be told apart."""

from itertools import combinations, product

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.methods import add_method
from labelmaps.figures import style
from labelmaps.figures.trade_off import draw_trade_off

mpl.use("agg")


def row(model, method, cue, after, pointing):
    names = {"model": model, "architecture": "resnet18", "weights": "checkpoint", "method": method}
    names |= {"variant": method, "cue": cue, "n_images": 1000, "n_pointing": 990}
    values = {"accuracy_after": after, "pointing": pointing}
    intervals = {f"{name}_low": value - 0.03 for name, value in values.items()}
    intervals |= {f"{name}_high": value + 0.02 for name, value in values.items()}
    return names | values | intervals


SUMMARY = pd.DataFrame(
    [
        row("big", "center", "baseline", 0.7, 0.81),
        row("big", "likelihood", "cued", 0.9, 0.75),
        row("big", "igub", "uncued", 0.71, 0.65),
        row("big", "igub prior=mean", "uncued", 0.705, 0.64),
        row("mine", "center", "baseline", 0.5, 0.82),
        row("mine", "likelihood", "cued", 0.8, 0.7),
        row("mine", "igub", "uncued", 0.55, 0.6),
    ]
)
NO_BOX = dict.fromkeys(["pointing", "pointing_low", "pointing_high"], np.nan)


@pytest.fixture
def drawn():
    yield lambda summary=SUMMARY, width=style.PAGE: draw_trade_off(summary, width)
    plt.close("all")


@pytest.fixture(scope="module")
def usual():
    """The figure of `SUMMARY`, drawn once for the tests that only read it. It is not laid out."""
    figure = draw_trade_off(SUMMARY, style.PAGE)
    plt.close(figure)
    return figure


@pytest.fixture(scope="module")
def laid_out():
    """Figures that are laid out: each is drawn once for the tests that only read it."""
    figures = {}

    def get(summary, size):
        key = id(summary), size
        if key not in figures:
            figures[key] = draw_trade_off(summary, style.SIZES[size].width)
            figures[key].draw_without_rendering()
            plt.close(figures[key])
        return figures[key]

    return get


def networks(n, better=0.0):
    """A summary of n networks, each better than the one before."""
    mine = SUMMARY[SUMMARY["model"] == "mine"]
    accuracy = [f"accuracy_after{end}" for end in ("", "_low", "_high")]
    return pd.concat(
        [mine.assign(model=f"net_{i}", **(mine[accuracy] + i * better)) for i in range(n)], ignore_index=True
    )


def points(figure):
    """The points, in the table's order."""
    return [line for line in figure.axes[0].lines if line.get_marker() != "None"]


def places(figure):
    return [tuple(point.get_xydata()[0].round(6)) for point in points(figure)]


def looks(figure):
    """Marker, colour and whether filled, of each point."""
    looks = [(p.get_marker(), p.get_markerfacecolor(), p.get_markeredgecolor()) for p in points(figure)]
    return [(marker, edge if face == "white" else face, face != "white") for marker, face, edge in looks]


def labels(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_points_stand_at_the_tables_numbers(usual):
    figure = usual
    assert places(figure) == [(81, 70), (75, 90), (65, 71), (64, 70.5), (82, 50), (70, 80), (60, 55)]
    names = ["centre", "likelihood map", "IGUB", "IGUB, prior=mean", "centre", "likelihood map", "IGUB"]
    assert labels(figure) == names
    boxes = [mpl.text.Text.get_window_extent(text) for text in figure.axes[0].texts]
    at = figure.axes[0].transData.transform(places(figure))
    gaps = [max(b.x0 - x, x - b.x1, b.y0 - y, y - b.y1) for b, (x, y) in zip(boxes, at, strict=True)]
    assert max(gaps) < 0.5 * figure.dpi  # each stands by its own point, or is led to it


def test_intervals_are_those_of_the_table(usual):
    collections = usual.axes[0].collections
    segments = np.array([c.get_segments()[0] for c in collections]).round(6).tolist()
    likelihood = [[72, 90], [77, 90]], [[75, 87], [75, 92]]
    assert segments[2:4] == list(likelihood)
    assert len(segments) == 2 * len(SUMMARY)


def test_the_centre_has_a_line_at_its_accuracy_and_its_pointing_game(usual):
    lines = [line.get_xydata().round(6) for line in usual.axes[0].lines if line.get_marker() == "None"]
    assert [line[0, 1] for line in lines if line[0, 1] == line[1, 1]] == [70, 50]
    assert [line[0, 0] for line in lines if line[0, 0] == line[1, 0]] == [81, 82]


def test_colour_tells_the_method_marker_the_network_and_filling_the_cue(usual):
    grey, cued, igub = map(style.method_colour, ["center", "likelihood", "igub"])
    assert looks(usual) == [
        ("o", grey, True),
        ("o", cued, True),
        ("o", igub, False),
        ("o", igub, False),  # with other options
        ("s", grey, True),
        ("s", cued, True),
        ("s", igub, False),
    ]


def test_the_baseline_is_grey_under_any_name(drawn):
    figure = drawn(SUMMARY.assign(method=SUMMARY["method"].replace("center", "fovea")))
    assert looks(figure)[0] == ("o", style.method_colour("center"), True)
    assert labels(figure)[0] == "centre"


def test_the_legend_names_only_what_is_there(drawn, usual):
    assert legend(usual) == [
        "big\nresnet18, checkpoint\nn = 1,000 images, 990 with boxes",
        "mine\nresnet18, checkpoint\nn = 1,000 images, 990 with boxes",
        "cued: told the label",
        "uncued",
        "the centre: no saccade",
        "accuracy at the centre",
        "Pointing Game of the centre",
        "95 % interval",
    ]
    one = drawn(SUMMARY[(SUMMARY["model"] == "mine") & (SUMMARY["cue"] == "uncued")])
    assert [label.split("\n")[0] for label in legend(one)] == ["mine", "uncued", "95 % interval"]


def test_the_best_without_looking_is_a_line_for_each_network_and_other_nulls_are_not_drawn(drawn, usual):
    nulls = [
        row(model, null, "null model", 0.6, np.nan)
        for model in ("big", "mine")
        for null in ("not_looking", "top_n")
    ]
    figure = drawn(pd.concat([SUMMARY, pd.DataFrame(nulls).assign(accuracy_after=[0.72, 0.9, 0.58, 0.9])]))
    assert len(points(figure)) == len(points(usual)) == len(SUMMARY)
    across = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "-."]
    assert across == pytest.approx([72, 58])
    assert [label for label in legend(figure) if label not in legend(usual)] == [
        "best accuracy without looking"
    ]
    assert figure.get_supxlabel() == ""  # and nulls without a Pointing Game are not missed


def test_rows_without_boxes_are_left_out_and_named(drawn, usual):
    summary = pd.concat([SUMMARY.iloc[:4], SUMMARY.iloc[4:].assign(**NO_BOX)])
    figure = drawn(summary)
    assert len(points(figure)) == 4
    assert figure.get_supxlabel() == "Not shown, as no image has a box: mine (centre, likelihood map, IGUB)"
    assert not any(label.startswith("mine") for label in legend(figure))
    assert usual.get_supxlabel() == ""


def test_without_any_box_the_figure_says_so(drawn):
    figure = drawn(SUMMARY.assign(**NO_BOX))
    assert "no Pointing Game" in figure.axes[0].texts[0].get_text()
    assert figure.axes[0].get_xlabel().startswith("Pointing Game (%")
    assert figure.axes[0].get_ylabel().startswith("accuracy after the saccade (%")
    assert points(figure) == []


@pytest.mark.slow
def test_more_networks_than_markers_are_numbered(drawn):
    figure = drawn(networks(7))
    assert looks(figure)[0] == looks(figure)[-3]
    assert labels(figure)[:3] == ["centre 1", "likelihood map 1", "IGUB 1"]
    assert labels(figure)[-3:] == ["centre 7", "likelihood map 7", "IGUB 7"]
    assert [label.split("\n")[0] for label in legend(figure)[:7]] == [f"{i + 1}  net_{i}" for i in range(7)]


def test_points_at_one_place_are_rings_around_each_other(drawn):
    figure = drawn(networks(3))
    sizes = np.reshape([point.get_markersize() for point in points(figure)], (3, 3))
    orders = np.reshape([point.get_zorder() for point in points(figure)], (3, 3))
    assert (np.diff(sizes, axis=0) > 0).all()
    assert (np.diff(orders, axis=0) < 0).all()  # the larger behind
    assert points(figure)[0].get_markeredgecolor() == "white"  # a gap between two of one colour


# The names of the points at the right are long.
LONG = SUMMARY[SUMMARY["cue"] != "baseline"].replace({"variant": {"likelihood": "a_method_with_a_long_name"}})
TWELVE = networks(12, 0.014)
# As many entries in the legend as of all their methods; fewer labels, as these take seconds to find their places.
TWELVE = TWELVE[(TWELVE["model"] == "net_0") | (TWELVE["cue"] == "baseline")]


@pytest.mark.slow
@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("summary", "size"),
    [
        *product([SUMMARY, SUMMARY.iloc[:4], LONG, networks(3), networks(5, 0.03)], ["page", "slide"]),
        *product([SUMMARY, LONG, networks(3)], ["column"]),
    ],
)
def test_labels_cover_nothing_and_all_is_on_the_page(laid_out, summary, size):
    figure = laid_out(summary, size)
    axes = figure.axes[0]
    boxes = [mpl.text.Text.get_window_extent(text) for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    at = axes.transData.transform(places(figure))
    assert not any(box.contains(*xy) for box in boxes for xy in at)
    assert all(axes.bbox.contains(*corner) for box in boxes for corner in box.corners())


@pytest.mark.slow
@pytest.mark.sample(3)
@pytest.mark.parametrize("size", ["page", "slide"])
@pytest.mark.parametrize("summary", [SUMMARY, LONG, TWELVE])
def test_the_legend_is_on_the_page_beside_the_axes(laid_out, summary, size):
    figure = laid_out(summary, size)
    axes, key = figure.axes[0], figure.legends[0].get_window_extent()
    assert key.y0 >= 0
    assert key.x1 <= figure.bbox.x1
    assert key.x0 >= axes.bbox.x1


@pytest.mark.slow
@pytest.mark.parametrize("summary", [SUMMARY, LONG, TWELVE])
def test_in_a_column_the_legend_is_below_the_axes(laid_out, summary):
    figure = laid_out(summary, "column")
    axes, key = figure.axes[0], figure.legends[0].get_window_extent()
    assert key.x0 >= 0
    assert key.y0 >= 0
    assert key.x1 <= figure.bbox.x1
    assert key.y1 <= axes.get_tightbbox().y0 + 1
    assert axes.bbox.height > 0.6 * axes.bbox.width


def test_names_are_no_formulas(drawn):
    summary = SUMMARY.replace({"model": {"big": "a_$b$"}, "variant": {"igub": "$c_d$"}})
    summary = pd.concat([summary, summary.iloc[:1].assign(model="$e$", **NO_BOX)])
    figure = drawn(summary)
    figure.draw_without_rendering()
    texts = [figure.legends[0].get_texts()[0], figure.axes[0].texts[2], figure._supxlabel]
    assert [text.get_text().split("\n")[0] for text in texts[:2]] == ["a_$b$", "$c_d$"]
    assert "$e$ (centre)" in texts[2].get_text()
    assert not any(text.get_parse_math() for text in texts)


def test_a_new_method_stands_in_the_figure_with_its_name_and_colour(drawn, monkeypatch, tmp_path):
    constants = {"INPUT": "label maps", "CUE": "cued", "NAME": "Mine", "COLOUR": "#123456"}
    add_method(monkeypatch, tmp_path, "my_method", constants)
    table = pd.concat([SUMMARY, pd.DataFrame([row("big", "my_method power=2", "cued", 0.6, 0.5)])])
    figure = drawn(table)
    assert labels(figure)[-1] == "Mine, power=2"
    assert looks(figure)[-1] == ("o", "#123456", True)
