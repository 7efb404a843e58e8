"""The figure of the nulls draws the table's rows, in groups, and all of it can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from helpers.figures import LONG, same_bytes, smallest_panel, unreadable
from labelmaps.figures import style
from labelmaps.figures.nulls import GROUPS, LINES, NULL_COLOUR, draw_nulls
from labelmaps.figures.style import NULL_LABELS
from labelmaps.scoring import null_names

mpl.use("agg")
METHODS = [
    ("center", "baseline", 0.6),
    ("likelihood", "cued", 0.86),
    ("max_logit", "uncued", 0.57),
    ("igub", "uncued", 0.65),
    ("dff components=3", "uncued", 0.5),
]
MORE = [
    (f"a_method_with_a_long_name_{i} option=value another_option=another_value", cue, 0.5)
    for i, cue in enumerate(["cued", "uncued", "uncued"] * 2)
]


def summary(*models, methods=METHODS, nulls=tuple(NULL_LABELS)):
    """A summary of some networks, each better than the one before; the nulls first, in the opposite order."""
    rows = []
    for i, model in enumerate(models):
        values = [(null, "null model", 0.9 - 0.05 * j) for j, null in enumerate(nulls)][::-1] + methods
        for variant, cue, after in values:
            names = {"model": model, "architecture": "resnet18", "weights": "checkpoint", "n_images": 1000}
            names |= {"n_pointing": 990, "method": variant.split()[0], "variant": variant, "cue": cue}
            value = after + 0.01 * i
            ends = {"accuracy_after_low": value - 0.05, "accuracy_after_high": value + 0.04}
            rows.append(names | {"accuracy_after": value} | ends)
    return pd.DataFrame(rows)


@pytest.fixture
def drawn():
    yield draw_nulls
    plt.close("all")


@pytest.fixture(scope="module")
def one():
    """The figure of `summary("one")`, drawn once for the tests that only read it."""
    figure = draw_nulls(summary("one"))
    plt.close(figure)
    return figure


@pytest.fixture(scope="module")
def two():
    """The figure of `summary("one", "two")`, drawn once for the tests that only read it."""
    figure = draw_nulls(summary("one", "two"))
    plt.close(figure)
    return figure


def names_at(axes):
    """Name of each row by its height."""
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    return {round(y, 9): label.get_text().replace("\n", " ") for y, label in ticks}


def marks(axes, names):
    """Row, value, colour and whether filled, of each mark, from above."""
    found = []
    for line in axes.lines:
        if line.get_marker() == "o" and np.isfinite(line.get_xdata()[0]):
            x, y = line.get_xydata()[0].round(9)
            filled = line.get_markerfacecolor() == line.get_markeredgecolor()
            found.append((y, names[y], round(x, 6), line.get_markeredgecolor(), filled))
    return [mark[1:] for mark in sorted(found)]


def test_rows_are_grouped_from_above(one):
    axes = one.axes[0]
    assert [name for _, name in sorted(names_at(axes).items())] == [
        "cued: told the label",
        "likelihood map",
        *[NULL_LABELS[null] for null in GROUPS[0][2]],
        "uncued",
        "maximum logit",
        "IGUB",
        "DFF, components=3",
        "no saccade",
        "centre",
        *[
            NULL_LABELS[null]
            for null in (
                *("standard_crop", "five_crop", "ten_crop", "mean_softmax", "mean_softmax_inner"),
                *("mean_softmax_temperature", "ring_weights", "not_looking"),
            )
        ],
        "saccade without looking",
        *[NULL_LABELS[null] for null in ("uniform", "random", "best_cell")],
    ]
    top, bottom = axes.get_ylim()[::-1]
    assert top == 0 < min(names_at(axes)) < max(names_at(axes)) < bottom
    bold = [label.get_text() for label in axes.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == [heading for heading, _, _ in GROUPS]


def test_every_null_has_its_group():
    assert sorted(null for _, _, nulls in GROUPS for null in nulls) == sorted(NULL_LABELS)
    assert tuple(NULL_LABELS) == (*null_names.NULL_NAMES, null_names.LIKELIHOOD_SET)


def test_marks_are_the_tables_values_filled_for_methods_and_open_for_nulls(two):
    table = summary("one", "two")
    names = names_at(two.axes[0])
    for axes, (_, rows) in zip(two.axes, table.groupby("model", sort=False), strict=True):
        expected = [
            (NULL_LABELS[row.variant], round(100 * row.accuracy_after, 6), NULL_COLOUR, False)
            if row.cue == "null model"
            else (
                style.method_name(row.variant),
                round(100 * row.accuracy_after, 6),
                style.method_colour(row.variant),
                True,
            )
            for row in rows.itertuples()
        ]
        found = marks(axes, names)
        assert sorted(found) == sorted(expected)
        order = [f"{x:.1f}" for _, x, _, _ in found]
        beside = sorted(axes.texts, key=lambda text: text.xy[1])
        assert [text.get_text() for text in beside] == order


def test_intervals_are_those_of_the_table(one):
    table = summary("one")
    axes = one.axes[0]
    names = names_at(axes)
    segments = axes.collections[0].get_segments()
    for row, segment, colour in zip(
        table.itertuples(), segments, axes.collections[0].get_colors(), strict=True
    ):
        ends = [100 * row.accuracy_after_low, 100 * row.accuracy_after_high]
        np.testing.assert_allclose(segment[:, 0], ends)
        name = NULL_LABELS[row.variant] if row.cue == "null model" else style.method_name(row.variant)
        assert names[round(segment[0, 1], 9)] == name
        assert (
            to_hex(colour).upper()
            == to_hex(NULL_COLOUR if row.cue == "null model" else style.method_colour(row.variant)).upper()
        )


def test_a_null_is_known_by_its_method(drawn):
    table = summary("one")
    table["variant"] = table["variant"].mask(table["cue"] == "null model", "")
    axes = drawn(table).axes[0]
    assert set(NULL_LABELS.values()) < set(names_at(axes).values())


@pytest.mark.parametrize(("key", "values"), [("center", (60, 61)), ("not_looking", (20, 21))])
def test_the_centre_and_the_best_without_looking_are_lines_through_their_networks_panel(two, key, values):
    for axes, value in zip(two.axes, values, strict=True):
        options = LINES[key][1]
        across = [
            line
            for line in axes.lines
            if line.get_color() == options["color"]
            and line.get_linestyle() == "--"
            and not line.get_marker().strip("None")
        ]
        at = [line.get_xdata() for line in across]
        assert [pytest.approx(value)] * 2 in [[*x] for x in at]


def test_the_legend_names_only_what_is_there(drawn, one):
    def legend(figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    table = summary("one")
    lines = ["accuracy at the centre (x₀)", "best without looking"]
    assert legend(one) == ["method", "null", "95 % interval", *lines]
    assert legend(drawn(table[table["cue"] == "null model"])) == ["null", "95 % interval", lines[1]]
    assert legend(drawn(table[table["cue"] == "cued"])) == ["method", "95 % interval"]


# In this order the sample holds one, three and four networks, with few and many methods.
@pytest.mark.slow
@pytest.mark.sample(4)
@pytest.mark.parametrize("models", [1, 4, 3, 2])
@pytest.mark.parametrize("methods", [METHODS, METHODS + MORE], ids=len)
def test_all_can_be_read(drawn, models, methods):
    figure = drawn(summary(*[f"net_{i}" for i in range(models - 1)], LONG, methods=methods))
    assert len(figure.axes) == models
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == style.PAGE
    assert smallest_panel(figure)[0] > 0.9
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_xlabel() == "accuracy (% of images)"
    assert "n = 1,000 images" in figure.axes[-1].get_title()


# In this order the sample holds both sizes and all numbers of networks.
@pytest.mark.slow
@pytest.mark.sample(3)
@pytest.mark.parametrize("size", ["slide", "column"])
@pytest.mark.parametrize("models", [3, 2, 1])
def test_all_can_be_read_on_less_room(drawn, models, size):
    width = style.SIZES[size].width
    figure = drawn(summary(*[f"net_{i}" for i in range(models - 1)], LONG), width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    assert smallest_panel(figure)[0] > 0.9


def test_a_network_without_a_row_has_a_gap(drawn):
    table = summary("one", "two")
    table = table[(table["model"] == "one") | (table["variant"] != "igub")]
    figure = drawn(table)
    first, second = ({name for name, *_ in marks(axes, names_at(figure.axes[0]))} for axes in figure.axes)
    assert first - second == {"IGUB"}


def test_missing_values_are_drawn_as_nothing(drawn):
    table = summary("one")
    ends = ["accuracy_after_low", "accuracy_after_high"]
    table.loc[table["variant"] == "uniform", ends] = np.nan
    table.loc[table["variant"] == "standard_crop", ["accuracy_after", *ends]] = np.nan
    axes = drawn(table).axes[0]
    assert unreadable(axes.figure) == []
    shown = [name for name, *_ in marks(axes, names_at(axes))]
    assert len(shown) == len(axes.texts) == len(table) - 1
    assert NULL_LABELS["standard_crop"] not in shown
    assert NULL_LABELS["uniform"] in shown


@pytest.mark.parametrize("row", [0, -1])
def test_one_row_is_drawn(drawn, row):
    figure = drawn(summary("one").iloc[[row]])
    assert len(figure.axes[0].texts) == 1
    assert unreadable(figure) == []


def test_accuracies_near_the_ends_stay_in_the_panel(drawn):
    table = summary("one", methods=[("likelihood", "cued", 1.0), ("igub", "uncued", 0.0)], nulls=())
    low, high = drawn(table).axes[0].get_xlim()
    assert (low, high) == (-1, 101)


def test_names_are_no_formulas(drawn):
    table = summary(r"a_$\frac{$", methods=[(r"$\frac{$", "uncued", 0.5)])
    figure = drawn(table)
    figure.draw_without_rendering()
    assert r"$\frac{$" in names_at(figure.axes[0]).values()


@pytest.mark.slow
def test_the_same_table_gives_the_same_bytes(drawn, tmp_path):
    assert same_bytes(lambda: drawn(summary("one")), tmp_path)
