"""The figure of two stages draws the table's lines beside the scanpaths, and all of it can be read."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.figures import LONG, curves, same_bytes, unreadable
from labelmaps.figures import style
from labelmaps.figures.two_stages import draw_two_stages
from labelmaps.scoring.null_names import ALWAYS, BELOW, NEVER
from labelmaps.scoring.two_stages import QUANTILES

mpl.use("agg")
METHODS = {"likelihood": 0.86, "max_logit": 0.57, "igub": 0.65}


def stages(*models, methods=METHODS, **units):
    """The ways of looking of some networks: the fewer passes, the worse."""
    ways = [(ALWAYS, np.nan, 49), *((BELOW, q, 25 + 20 * q) for q in QUANTILES), (NEVER, np.nan, 25)]
    rows = []
    for i, model in enumerate(models):
        network = {
            "model": model,
            "architecture": "resnet18",
            "weights": "checkpoint",
            "n_images": 1000,
        } | units
        for variant, accuracy in methods.items():
            for ring, quantile, passes in ways:
                way = {"method": variant, "variant": variant, "ring": ring, "quantile": quantile}
                rows.append(
                    network
                    | way
                    | {"passes": passes, "accuracy": accuracy + 0.01 * i + 0.002 * (passes - 49)}
                )
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_lines_are_the_tables_and_the_ends_are_marked():
    table = stages("one", "two")
    figure = draw_two_stages(table, curves("one", "two"))
    assert len(figure.axes) == 4
    for axes, model in zip(figure.axes[::2], ("one", "two"), strict=True):
        lines = {line.get_color(): line for line in axes.lines if len(line.get_xdata()) > 2}
        assert len(lines) == len(METHODS)
        for variant in METHODS:
            own = table[(table["model"] == model) & (table["variant"] == variant)].sort_values("passes")
            expected = np.c_[own["passes"], 100 * own["accuracy"]]
            np.testing.assert_allclose(lines[style.method_colour(variant)].get_xydata(), expected)
            ends = [
                line
                for line in axes.lines
                if line.get_color() == style.method_colour(variant) and line.get_linestyle() == "None"
            ]
            assert {line.get_xdata().item(): line.get_markerfacecolor() == "white" for line in ends} == {
                49: False,
                25: True,
            }
        assert axes.get_xlabel() == "network passes, mean"


def test_both_panels_are_on_one_scale_with_x0():
    figure = draw_two_stages(stages("one"), curves("one"))
    staged, scanned = figure.axes
    assert staged.get_ylim() == scanned.get_ylim()
    assert scanned.get_xscale() == "log"
    for axes in figure.axes:
        assert any(set(line.get_ydata()) == {60.0} for line in axes.lines)  # the accuracy at x₀
        low, high = axes.get_ylim()
        assert all(low <= y <= high for line in axes.lines for y in line.get_ydata())


def test_the_legend_names_each_colour_once():
    (legend,) = draw_two_stages(stages("one"), curves("one")).legends
    said = [text.get_text() for text in legend.get_texts()]
    assert len(said) == len(set(said))
    assert said[:5] == [
        "likelihood map: told the label",
        "maximum logit",
        "IGUB",
        "all views",
        "without the outer ring",
    ]
    assert "from the centre outward" in said


def test_shares_are_of_cases_where_the_table_counts_them():
    for units, expected in (({}, "accuracy (% of images)"), ({"n_cases": 1200}, "accuracy (% of cases)")):
        figure = draw_two_stages(stages("one", **units), curves("one"))
        assert figure.axes[0].get_ylabel() == expected


def test_variants_of_one_method_have_its_colour_and_other_dashes():
    methods = {"igub": 0.6, "igub prior=inner": 0.62, "max_logit": 0.5}
    figure = draw_two_stages(stages("one", methods=methods), curves("one"))
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert [line.get_color() for line in lines] == [style.method_colour(name) for name in methods]
    assert len({(line.get_color(), line.is_dashed()) for line in lines}) == len(methods)
    shown = dict(
        zip(
            (t.get_text() for t in figure.legends[0].get_texts()),
            figure.legends[0].legend_handles,
            strict=True,
        )
    )
    assert not shown["IGUB"].is_dashed()
    assert shown["IGUB, prior=inner"].is_dashed()


@pytest.mark.slow
@pytest.mark.parametrize("size", style.SIZES)
@pytest.mark.parametrize("models", [1, 4])
def test_all_can_be_read(size, models):
    names = [*[f"net_{i}" for i in range(models - 1)], LONG]
    width = style.SIZES[size].width
    methods = METHODS | {"igub prior=inner": 0.66, "consensus": 0.67, "min_entropy": 0.6, "max_softmax": 0.61}
    figure = draw_two_stages(stages(*names, methods=methods), curves(*names, more=["dff"]), width)
    assert unreadable(figure) == []
    assert figure.get_size_inches()[0] == width
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    assert figure.legends[0].get_window_extent().y1 <= lowest + 1


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(tmp_path):
    assert same_bytes(lambda: draw_two_stages(stages("one"), curves("one")), tmp_path)
