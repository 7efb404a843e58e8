"""The figure of scanpaths draws the table's curves, tells its panels apart, and all of it can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.figures import LONG, curves, unreadable
from labelmaps.figures import style
from labelmaps.figures.scanpaths import BASELINES, PANELS, draw_scanpaths, line_of, name_of
from labelmaps.methods import igub
from labelmaps.scoring.scanpaths import CUES

mpl.use("agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def lines_of(axes):
    """Colour and style → the line of each way of choosing."""
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines)
    return lines


def test_each_panel_draws_its_rows_of_the_table():
    table = curves("one", "two", more=["dff"])
    figure = draw_scanpaths(table.sample(frac=1, random_state=0).sort_values("model"))
    assert len(figure.axes) == 2 * len(PANELS)
    for number, model in enumerate(("one", "two")):
        rows = table[table["model"] == model].set_index(["variant", "accumulation"])
        for axes, panel in zip(figure.axes[5 * number :], PANELS, strict=False):
            rule = "product" if "product" in panel.title else "mean"
            assert len(lines_of(axes)) == len(CUES) + 1
            for variant in (*CUES, "dff"):
                own = rows.loc[(variant, rule)]
                if "entropy" in panel.title:
                    own = own[own["threshold"].notna() | own["fixations"].isin([1, 8])]
                else:
                    own = own[own["threshold"].isna()]
                own = own.sort_values([panel.x, "fixations"])
                expected = np.c_[own[panel.x], 100 * own[panel.measure]]
                colour = line_of(variant)["color"]
                (line,) = [line for line in lines_of(axes) if line.get_color() == colour]
                np.testing.assert_allclose(line.get_xydata(), expected)


def test_ways_of_choosing_have_the_colours_and_names_of_other_figures():
    assert line_of("igub") == {"color": igub.COLOUR}
    assert name_of("dff components=2") == "DFF, components=2"
    assert name_of("likelihood") == "likelihood map: told the label"
    assert {name_of(variant) for variant in BASELINES} == {text for text, _ in BASELINES.values()}
    assert set(BASELINES) == {name for name, cue in CUES.items() if cue == "baseline"}
    (legend,) = draw_scanpaths(curves("one")).legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said[:3] == ["likelihood map: told the label", "IGUB", "maximum softmax"]
    assert said[-2:] == ["accuracy at x₀", "its 95 % interval"]


def test_axes_are_shared_but_for_the_last_views():
    table = curves("one")
    table.loc[table["accumulation"] == "product", "accuracy"] += 0.2  # beyond what the first panel shows
    figure = draw_scanpaths(table)
    *shared, last = figure.axes
    assert len({axes.get_ylim() for axes in shared}) == 1
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert all(low <= y <= high for line in lines_of(axes) for y in line.get_ydata())
    assert last.get_ylim()[0] < shared[0].get_ylim()[0]
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "linear", "log", "log", "linear"]
    assert [text.get_text() for text in shared[2].get_xticklabels()] == ["1", "2", "5", "10", "20", "49"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy (% of images)", "", "", "", ""]


@pytest.mark.parametrize(("n", "views"), [(1, 1), (2, 9), (1, 49)])
def test_short_paths_and_small_grids_are_drawn(n, views):
    figure = draw_scanpaths(curves("one", n=n, views=views))
    assert len(figure.axes) == len(PANELS)
    assert unreadable(figure) == []


def test_a_table_without_thresholds_is_drawn():
    table = curves("one")
    assert len(draw_scanpaths(table[table["threshold"].isna()]).axes) == len(PANELS)


@pytest.mark.slow
@pytest.mark.parametrize("size", style.SIZES)
@pytest.mark.parametrize("models", [1, 4])
def test_all_can_be_read(size, models):
    width = style.SIZES[size].width
    figure = draw_scanpaths(
        curves(*[f"net_{i}" for i in range(models - 1)], LONG, more=["dff", "gradcam_own"]), width
    )
    assert unreadable(figure) == []
    for block in figure.subfigs:
        assert LONG[:20] in block.get_suptitle() or "net_" in block.get_suptitle()
        box = block._suptitle.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert all(box.y0 >= axes.title.get_window_extent().y1 - 1 for axes in block.axes)
    assert figure.get_size_inches()[0] == width
