"""The figure of a sweep draws the table's rows against the option's values, and all of it can be read."""

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import LONG, same_bytes, smallest_panel, unreadable
from helpers.methods import add_method
from labelmaps.figures import style
from labelmaps.figures.sweep import INITIAL, METHOD_STEP, draw_sweep

mpl.use("agg")
METHODS = [
    ("center", "baseline", 0.6),
    ("uniform", "null model", 0.4),
    ("likelihood", "cued", 0.86),
    ("max_logit", "uncued", 0.57),
    ("igub", "uncued", 0.65),
    ("igub prior=mean", "uncued", 0.66),
]
MORE = [
    ("gradcam", "cued", 0.55),
    ("dff components=3", "uncued", 0.5),
    ("dff components=1", "uncued", 0.51),
    ("hirescam", "cued", 0.52),
    ("eigencam", "uncued", 0.53),
    ("layercam", "cued", 0.54),
    ("a_method_with_a_very_long_name_of_its_own" + " an_option=a_value" * 6, "uncued", 0.61),
]
GRIDS, FLOORS = (3, 5, 7, 9, 11), (0.1, 0.2, 0.3)


def sweep(*models, option="floor", values=FLOORS, methods=METHODS):
    """A sweep of some networks: each is better than the one before, and each value than the one before."""
    rows = []
    for i, model in enumerate(models):
        for j, value in enumerate(values):
            for variant, cue, after in methods:
                row = {"model": model, "architecture": "resnet18", "weights": "checkpoint"}
                row |= {"n_images": 1000, "n_pointing": 990, "method": variant.split()[0]}
                row |= {"variant": variant, "cue": cue, "option": option, "value": value}
                views = value**2 if option == "grid" else 49
                row |= {"views": views, "gflop": 1.8 * views, "accuracy_before": 0.6 + 0.01 * j}
                accuracy = after + 0.01 * i + 0.02 * j
                ends = {"accuracy_after_low": accuracy - 0.04, "accuracy_after_high": accuracy + 0.03}
                rows.append(row | {"accuracy_after": accuracy} | ends)
    return pd.DataFrame(rows)


@pytest.fixture
def drawn():
    yield lambda table, title="zoom", *width: draw_sweep(table, title, *width)
    plt.close("all")


@pytest.fixture(scope="module")
def one():
    """The figure of `sweep("one")`, drawn once for the tests that only read it."""
    figure = draw_sweep(sweep("one"), "zoom, 7 × 7")
    plt.close(figure)
    return figure


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def methods_in(table):
    return [rows for _, rows in table[table["cue"].isin(["cued", "uncued"])].groupby("variant", sort=False)]


def lines(axes):
    """The methods' lines, and that of x₀."""
    initial = [line for line in axes.lines if line.get_color() == INITIAL["color"]]
    return [line for line in axes.lines if line not in initial], initial


def test_lines_and_intervals_are_the_tables(drawn):
    table = sweep("one", "two")
    figure = drawn(table.iloc[::-1].sort_values("model", kind="stable"))  # values in any order
    for axes, (_, of_model) in zip(figure.axes, table.groupby("model", sort=False), strict=True):
        shown = {line.get_color() + line.get_marker(): line for line in lines(axes)[0]}
        assert len(shown) == len(axes.collections) == 4
        ends = {segment[:, 1].round(6).tobytes() for c in axes.collections for segment in c.get_segments()}
        for rows in methods_in(of_model):
            expected = np.c_[rows["value"], 100 * rows["accuracy_after"]]
            assert any(np.allclose(line.get_xydata(), expected) for line in shown.values())
            for low, high in zip(rows["accuracy_after_low"], rows["accuracy_after_high"], strict=True):
                assert (100 * np.array([low, high])).round(6).tobytes() in ends


def test_each_interval_stands_at_its_point(one):
    axes = one.axes[0]
    for line, collection in zip(lines(axes)[0], axes.collections, strict=True):
        points = line.get_transform().transform(line.get_xydata())
        for point, segment in zip(points, collection.get_segments(), strict=True):
            ends = collection.get_transform().transform(segment)
            np.testing.assert_allclose(ends[:, 0], point[0])
            assert ends[0, 1] < point[1] < ends[1, 1]


def test_methods_stand_side_by_side_around_their_value(drawn):
    figure = drawn(sweep("one"))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    first = [line.get_transform().transform(line.get_xydata())[0, 0] for line in lines(axes)[0]]
    steps = [72 / figure.dpi * (after - before) for before, after in pairwise(first)]
    np.testing.assert_allclose(steps, METHOD_STEP)
    assert np.mean(first) == pytest.approx(axes.transData.transform((0.1, 0))[0])


def test_all_intervals_lie_in_the_panels(drawn):
    table = sweep("one", "two", option="grid", values=GRIDS, methods=METHODS + MORE)
    figure = drawn(table)
    figure.draw_without_rendering()
    for axes in figure.axes:
        for collection in axes.collections:
            for segment in collection.get_segments():
                ends = collection.get_transform().transform(segment)
                assert all(axes.bbox.padded(0.5).contains(*end) for end in ends)


def test_looks_tell_methods_apart(one):
    shown, _ = lines(one.axes[0])
    looks = [(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in shown]
    cued, logit, igub = map(style.method_colour, ["likelihood", "max_logit", "igub"])
    assert looks == [
        (cued, "o", cued),
        (logit, "o", "white"),
        (igub, "o", "white"),
        (igub, "s", "white"),  # the same method with other options
    ]


def test_the_accuracy_at_x0_is_a_dashed_line(drawn):
    for axes in drawn(sweep("one", "two")).axes:
        (line,) = lines(axes)[1]
        np.testing.assert_allclose(line.get_xydata(), [[0.1, 60], [0.2, 61], [0.3, 62]])
        assert line.is_dashed()


def test_the_grid_is_shown_as_views_and_cost(drawn):
    table = sweep("one", "two", option="grid", values=GRIDS)
    table["gflop"] = table["gflop"] * (table["model"] == "one").map({True: 1, False: 10})
    table.loc[table["cue"] == "baseline", ["views", "gflop"]] = 1, 1.8  # x₀ alone
    table.loc[(table["model"] == "two") & (table["value"] == 9), "gflop"] = np.nan
    figure = drawn(table)
    first, second = ([tick.get_text() for tick in axes.get_xticklabels()] for axes in figure.axes)
    assert first == [
        "9\n3 × 3\n16",
        "25\n5 × 5\n45",
        "49\n7 × 7\n88",
        "81\n9 × 9\n146",
        "121\n11 × 11\n218",
    ]
    assert [label.split("\n")[-1] for label in second] == ["162", "450", "882", "–", "2,178"]
    assert list(figure.axes[0].get_xticks()) == list(GRIDS)
    assert figure.axes[0].get_xlabel() == "views per image\nas rows × columns\nGFLOP per image"
    small = drawn(table.assign(gflop=0.25 * table["views"])).axes[0].get_xticklabels()
    assert small[0].get_text() == "9\n3 × 3\n2.2"


def test_other_options_are_shown_as_values(drawn, one):
    axes = one.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "0.2", "0.3"]
    assert axes.get_xlabel() == "floor: smallest view, as a share of the side"
    assert drawn(sweep("one", option="side_$x$")).axes[0].get_xlabel() == "side_$x$"
    assert axes.get_ylabel() == "accuracy after (% of images)"
    assert axes.get_title() == "one\nresnet18, checkpoint\nn = 1,000 images"


def test_the_legend_names_only_what_is_there(drawn, one):
    table = sweep("one")
    assert one.get_suptitle() == "zoom, 7 × 7"
    assert legend(one) == [
        "likelihood map",
        "maximum logit",
        "IGUB",
        "IGUB, prior=mean",
        "cued: told the label",
        "uncued",
        "accuracy at x₀",
        "95 % interval",
    ]
    assert legend(drawn(table[table["cue"] == "cued"])) == [
        "likelihood map",
        "cued: told the label",
        "accuracy at x₀",
        "95 % interval",
    ]
    assert legend(drawn(table[table["cue"] == "baseline"])) == ["accuracy at x₀"]


# In this order the sample holds one, three and four networks, with few and many methods.
@pytest.mark.slow
@pytest.mark.sample(4)
@pytest.mark.parametrize("models", [1, 4, 3, 2])
@pytest.mark.parametrize("methods", [METHODS, METHODS + MORE], ids=len)
def test_all_can_be_read(drawn, models, methods):
    names = [f"net_{i}" for i in range(models - 1)]
    figure = drawn(sweep(*names, LONG, option="grid", values=GRIDS, methods=methods), "a long title " * 15)
    assert len(figure.axes) == models
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == style.PAGE
    assert (smallest_panel(figure) > [1.5, 1.2]).all()
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    assert figure.legends[0].get_window_extent().y1 <= lowest + 1


# In this order the sample holds both sizes and all numbers of networks.
@pytest.mark.slow
@pytest.mark.sample(3)
@pytest.mark.parametrize("size", ["slide", "column"])
@pytest.mark.parametrize("models", [3, 2, 1])
def test_all_can_be_read_on_less_room(drawn, models, size):
    width = style.SIZES[size].width
    names = [f"net_{i}" for i in range(models - 1)]
    table = sweep(*names, LONG, option="grid", values=GRIDS, methods=METHODS)
    figure = drawn(table, "a long title " * 15, width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    assert (smallest_panel(figure) > [1.0, 1.2]).all()


def test_missing_values_are_gaps(drawn):
    table = sweep("one")
    names = ["accuracy_after", "accuracy_after_low", "accuracy_after_high"]
    table.loc[(table["variant"] == "igub") & (table["value"] == 0.2), names] = np.nan
    table.loc[table["variant"] == "max_logit", names] = np.nan
    axes = drawn(table).axes[0]
    assert unreadable(axes.figure) == []
    shown = [np.isfinite(line.get_ydata()).tolist() for line in lines(axes)[0]]
    assert shown == [[True] * 3, [False] * 3, [True, False, True], [True] * 3]


def test_one_row_is_drawn(drawn):
    figure = drawn(sweep("one").iloc[[2]])
    assert [line.get_xydata().round(6).tolist() for line in lines(figure.axes[0])[0]] == [[[0.1, 86]]]
    assert unreadable(figure) == []


def test_names_are_no_formulas(drawn):
    table = sweep(r"a_$\frac{$", option=r"$\frac{$", methods=[(r"$\frac{$", "uncued", 0.5)])
    figure = drawn(table, r"$\frac{$")
    figure.draw_without_rendering()
    assert legend(figure)[0] == r"$\frac{$"


@pytest.mark.slow
def test_the_same_table_gives_the_same_bytes(drawn, tmp_path):
    assert same_bytes(lambda: drawn(sweep("one")), tmp_path)


def test_a_new_method_stands_in_the_legend_with_its_name_and_colour(drawn, monkeypatch, tmp_path):
    constants = {"INPUT": "label maps", "CUE": "uncued", "NAME": "Mine", "COLOUR": "#123456"}
    add_method(monkeypatch, tmp_path, "my_method", constants)
    figure = drawn(sweep("one", methods=[*METHODS, ("my_method power=2", "uncued", 0.5)]))
    (place,) = (i for i, text in enumerate(legend(figure)) if text == "Mine, power=2")
    assert figure.legends[0].legend_handles[place].get_color() == "#123456"
