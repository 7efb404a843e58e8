"""The figure of the best of n draws the table's curves, and all of it can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import LONG, same_bytes, smallest_panel, unreadable
from labelmaps.figures import style
from labelmaps.figures.best_of_n import CURVES, LIKELIHOOD, draw_best_of_n

mpl.use("agg")


def curves(*models, views=49):
    """The curves of some networks; each is better than the one before."""
    n = np.arange(1, views + 1)
    rise = np.log(n) / np.log(max(views, 2))
    tables = []
    for i, model in enumerate(models):
        table = pd.DataFrame({"model": model, "architecture": "resnet18", "weights": "checkpoint", "n": n})
        table["n_images"] = 1000
        for measure, start, gain in [("best_of_n", 0.4, 0.4), ("any_of_n", 0.4, 0.42), ("top_n", 0.6, 0.3)]:
            table[measure] = start + gain * rise + 0.02 * i
            table[f"{measure}_low"], table[f"{measure}_high"] = table[measure] - 0.05, table[measure] + 0.04
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def drawn():
    yield draw_best_of_n
    plt.close("all")


def test_curves_and_bands_are_the_tables(drawn):
    table = curves("one", "two")
    figure = drawn(table.sample(frac=1, random_state=0).sort_values("model"))  # in any order of n
    for axes, (_, rows) in zip(figure.axes, table.groupby("model", sort=False), strict=True):
        lines = [line for line in axes.lines if line.get_marker() == "None"]
        for measure, line, band in zip(CURVES, lines, axes.collections, strict=True):
            np.testing.assert_allclose(line.get_xydata(), np.c_[rows["n"], 100 * rows[measure]])
            corners = {tuple(corner) for corner in band.get_paths()[0].vertices.round(6)}
            for end in ("low", "high"):
                ends = np.c_[rows["n"], 100 * rows[f"{measure}_{end}"]].round(6)
                assert {tuple(corner) for corner in ends} <= corners
            assert line.get_color() == CURVES[measure][1]["color"]


def test_the_likelihood_map_is_the_end_of_its_curve(drawn):
    for axes, value in zip(drawn(curves("one", "two")).axes, (80, 82), strict=True):
        (mark,) = [line for line in axes.lines if line.get_marker() == LIKELIHOOD["marker"]]
        assert mark.get_xydata().round(6).tolist() == [[49, value]]
        assert [text.get_text() for text in axes.texts] == [f"{value:.1f}"]


def test_axes_say_what_they_count(drawn):
    table = curves("one", "two").assign(n_images=[1000] * 49 + [900] * 49)
    first, second = drawn(table).axes
    assert first.get_xscale() == "log"
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["1", "2", "5", "10", "20", "49"]
    assert first.get_title() == "one\nresnet18, checkpoint\nn = 1,000 images"
    assert second.get_title() == "two\nresnet18, checkpoint\nn = 900 images"
    assert (first.get_xlabel(), first.get_ylabel()) == ("n: views, or labels of x₀", "accuracy (% of images)")
    assert first.get_ylim() == second.get_ylim()
    assert not second.get_ylabel()


# In this order the sample holds few and many networks, and all numbers of them in a row.
@pytest.mark.slow
@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("models", "views"), [(3, 121), (1, 49), (7, 49), (2, 121), (4, 9), (5, 25)], ids=str
)
def test_all_can_be_read(drawn, models, views):
    figure = drawn(curves(*[f"net_{i}" for i in range(models - 1)], LONG, views=views))
    assert len(figure.axes) == models
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == style.PAGE
    assert (smallest_panel(figure) > [1.5, 1.7]).all()


# In this order the sample holds both sizes and all numbers of networks.
@pytest.mark.slow
@pytest.mark.sample(3)
@pytest.mark.parametrize("size", ["slide", "column"])
@pytest.mark.parametrize("models", [3, 2, 1])
def test_all_can_be_read_on_less_room(drawn, models, size):
    width = style.SIZES[size].width
    figure = drawn(curves(*[f"net_{i}" for i in range(models - 1)], LONG, views=49), width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    assert (smallest_panel(figure) > [1.0, 1.7]).all()


def test_four_networks_stand_two_by_two(drawn):
    figure = drawn(curves(*"abcd"))
    figure.draw_without_rendering()
    places = [axes.get_position() for axes in figure.axes]
    assert len({round(place.x0, 3) for place in places}) == len({round(place.y0, 3) for place in places}) == 2


def test_missing_values_are_gaps(drawn):
    table = curves("one")
    names = [f"{measure}{end}" for measure in ("best_of_n", "top_n") for end in ("", "_low", "_high")]
    table.loc[table["n"] > 40, names] = np.nan
    axes = drawn(table).axes[0]
    assert np.isfinite(axes.lines[0].get_ydata()).sum() == 40  # top_n
    assert np.isfinite(axes.lines[1].get_ydata()).sum() == 49  # any_of_n
    assert not axes.texts  # and no mark of a likelihood map that is not known
    assert unreadable(axes.figure) == []


def test_one_view_is_drawn(drawn):
    figure = drawn(curves("one", views=1))
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1"]
    assert unreadable(figure) == []


def test_names_are_no_formulas(drawn):
    figure = drawn(curves(r"a_$\frac{$"))
    figure.draw_without_rendering()
    assert figure.axes[0].get_title().startswith(r"a_$\frac{$")


@pytest.mark.slow
def test_the_same_table_gives_the_same_bytes(drawn, tmp_path):
    assert same_bytes(lambda: drawn(curves("one")), tmp_path)
