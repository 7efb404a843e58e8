"""Figure 2 draws the table, nothing else: heights, intervals, the paper's marks; and all of it can be read."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from labelmaps.figures import style
from labelmaps.figures.figure_2 import MEASURES, OWN, draw_figure_2

mpl.use("agg")
CENTRE_LINES = ["accuracy at the centre (x₀)", "Pointing Game of the centre"]


def row(model, architecture, method, cue, before, after, pointing, own=np.nan):
    values = {"accuracy_before": before, "accuracy_after": after, "pointing": pointing, "accuracy_own": own}
    intervals = {f"{name}_low": value - 0.05 for name, value in values.items()}
    intervals |= {f"{name}_high": value + 0.04 for name, value in values.items()}
    names = {
        "model": model,
        "architecture": architecture,
        "weights": "checkpoint",
        "method": method,
        "variant": method,
        "cue": cue,
    }
    return names | {"n_images": 1000, "n_pointing": 990} | values | intervals


SUMMARY = pd.DataFrame(
    [
        row("big", "resnet101", "center", "baseline", 0.7, 0.7, 0.8),
        row("big", "resnet101", "likelihood", "cued", 0.7, 0.9, 0.75),
        row("big", "resnet101", "max_logit", "uncued", 0.7, 0.66, 0.6),
        row("big", "resnet101", "igub", "uncued", 0.7, 0.71, 0.65),
        row("mine", "resnet50", "center", "baseline", 0.5, 0.5, 0.82),
        row("mine", "resnet50", "likelihood", "cued", 0.5, 0.8, 0.7),
        row("mine", "resnet50", "igub", "uncued", 0.5, 0.55, 0.6),
        row("mine", "resnet50", "dff", "uncued", 0.5, 0.48, 0.85, own=0.42),
    ]
)


STATED = pd.read_csv("resources/paper.csv", comment="#").rename(columns={"method": "variant"})
MODELS = pd.DataFrame({"model": ["big", *(f"net_{i}" for i in range(4))], "architecture": "resnet101"})
PAPER = MODELS.merge(STATED, on="architecture")[["model", "variant", *MEASURES]]


def networks(n, uncued, name="net"):
    """A summary of n networks, each with two cued and so many uncued methods."""
    methods = [("likelihood", 0.94), ("gradcam", 0.7)]  # where the paper has 80.3
    others = [
        ("max_logit", 0.72),
        ("igub", 0.775),
        ("dff", 0.74),
        ("eigencam", 0.74),
        ("igub prior=mean", 0.75),
    ]
    rows = []
    for i in range(n):
        network = f"{name}_{i}", "resnet101"
        rows.append(row(*network, "center", "baseline", 0.77, 0.77, 0.85))
        rows += [row(*network, method, "cued", 0.77, after, 0.78) for method, after in methods]
        rows += [
            row(*network, method, "uncued", 0.77, after, 0.78, own=0.75) for method, after in others[:uncued]
        ]
    return pd.DataFrame(rows)


@pytest.fixture
def drawn():
    yield lambda summary=SUMMARY, paper=PAPER, width=style.PAGE: draw_figure_2(summary, paper, width)
    plt.close("all")


@pytest.fixture(scope="module")
def usual():
    """The figure of `SUMMARY`, drawn once for the tests that only read it."""
    figure = draw_figure_2(SUMMARY, PAPER, style.PAGE)
    plt.close(figure)
    return figure


def heights(axes):
    """Bar heights in percent, measure by measure, as drawn."""
    return [round(bar.get_height(), 6) for bar in axes.patches]


def marks(axes, marker):
    """Places (x, y) of the markers of one shape that can be seen."""
    xy = [line.get_xydata() for line in axes.lines if line.get_marker() == marker]
    xy = np.concatenate(xy)
    return [(round(x, 6), round(y, 6)) for x, y in xy if np.isfinite(y)]


def diamonds(axes):
    """Heights of the paper's marks."""
    return [y for _, y in marks(axes, "D")]


def lines(axes):
    """Colour and height of each line across the panel."""
    across = [line for line in axes.lines if line.get_linestyle() != "None"]
    return [(line.get_color(), round(line.get_ydata()[0], 6), len(set(line.get_ydata()))) for line in across]


def intervals(axes):
    """Place and ends of each interval that can be seen."""
    segments = [s for c in axes.collections for s in c.get_segments() if len(s)]
    return [(round(x, 6), round(low, 6), round(high, 6)) for (x, low), (_, high) in segments]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_column_per_network_cued_above_uncued_below(usual):
    axes = usual.axes
    assert [ax.get_title().split("\n")[0] for ax in axes] == ["big", "mine", "", ""]
    assert [ax.get_ylabel().split("\n")[0] for ax in axes] == ["cued: told the label", "", "uncued", ""]
    assert [tick.get_text() for tick in axes[2].get_xticklabels()] == ["maximum logit", "IGUB"]
    assert "n = 1,000 images, 990 with boxes" in axes[0].get_title()


def test_bars_have_the_tables_heights_and_the_papers_colours(usual):
    axes = usual.axes
    assert heights(axes[0]) == [70, 90, 75]
    assert heights(axes[2]) == [70, 70, 66, 71, 60, 65]
    colours = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in axes[0].patches]
    assert colours == [colour for _, colour in MEASURES.values()]
    assert [text.get_text() for text in axes[0].texts] == ["70.0", "90.0", "75.0"]


def test_intervals_are_those_of_the_table(usual):
    axes = usual.axes
    bars = [bar.get_x() + bar.get_width() / 2 for bar in axes[0].patches]
    ends = [(65, 74), (85, 94), (70, 79)]
    assert intervals(axes[0]) == [(round(x, 6), low, high) for x, (low, high) in zip(bars, ends, strict=True)]


def test_the_paper_is_marked_where_there_is_a_value_for_this_network(usual, drawn):
    axes = usual.axes
    assert diamonds(axes[0]) == [77.2, 94.2]  # it states no Pointing Game for the likelihood map
    assert sorted(diamonds(axes[2])) == [73.4, 77.2, 77.2, 79.6]
    assert diamonds(axes[1]) == diamonds(axes[3]) == []
    twins = SUMMARY.assign(model=SUMMARY["model"].replace("mine", "twin"), architecture="resnet101")
    assert [diamonds(drawn(twins).axes[i]) for i in (1, 3)] == [[], []]  # it has no values of its own


def test_a_method_with_other_options_than_the_papers_is_not_marked(drawn):
    summary = SUMMARY.assign(variant=SUMMARY["method"].replace("igub", "igub prior=mean"))
    assert sorted(diamonds(drawn(summary).axes[2])) == [73.4, 77.2]


def test_the_centre_is_a_line_across_each_of_its_networks_panels(usual):
    axes = usual.axes
    blue = MEASURES["accuracy_before"][1]
    assert lines(axes[0]) == lines(axes[2]) == [(blue, 70, 1), ("0.45", 80, 1)]
    assert lines(axes[1]) == lines(axes[3]) == [(blue, 50, 1), ("0.45", 82, 1)]


def test_the_baseline_is_known_under_any_name(drawn):
    summary = SUMMARY.assign(method=SUMMARY["method"].replace("center", "fovea"))
    figure = drawn(summary)
    assert set(CENTRE_LINES) < set(legend(figure))
    assert len(lines(figure.axes[0])) == 2


def test_a_methods_own_accuracy_is_a_triangle_beside_its_bars(usual):
    axes = usual.axes
    assert marks(axes[3], "^") == [(1 + OWN, 42)]
    assert (1 + OWN, 37, 46) in intervals(axes[3])
    assert [marks(ax, "^") for ax in axes[:3]] == [[], [], []]


@pytest.mark.slow
def test_the_legend_names_only_what_is_there(drawn, usual):
    own, paper = "accuracy of the method’s own label", "the paper (same architecture)"
    pointing = "Pointing Game"
    assert {own, paper, pointing, *CENTRE_LINES} < set(legend(usual))
    assert own not in legend(drawn(SUMMARY[SUMMARY["method"] != "dff"]))
    assert paper not in legend(drawn(paper=PAPER.iloc[:0]))
    # A value of the centre alone, for which the figure has no bar.
    assert paper not in legend(drawn(paper=PAPER[PAPER["variant"] == "center"]))
    assert not set(CENTRE_LINES) & set(legend(drawn(SUMMARY[SUMMARY["variant"] != "center"])))
    nothing = dict.fromkeys(["pointing", "pointing_low", "pointing_high"], np.nan)
    assert not {pointing, CENTRE_LINES[1]} & set(legend(drawn(SUMMARY.assign(**nothing))))


def test_missing_pointing_is_drawn_as_nothing(drawn):
    gradcam = row("big", "resnet101", "gradcam", "cued", 0.7, 0.8, 0.7)  # the paper has its Pointing Game
    summary = pd.concat([SUMMARY, pd.DataFrame([gradcam])]).assign(
        pointing=np.nan, pointing_low=np.nan, pointing_high=np.nan
    )
    axes = drawn(summary).axes[0]
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.texts] == ["70.0", "70.0", "90.0", "80.0"]
    assert diamonds(axes) == [77.2, 77.2, 94.2, 80.3]
    assert len(intervals(axes)) == 4
    assert len(lines(axes)) == 1


def test_a_run_without_any_saccade_is_refused(drawn):
    with pytest.raises(ValueError, match="no saccade to draw"):
        drawn(SUMMARY[SUMMARY["method"] == "center"])


@pytest.mark.slow
@pytest.mark.sample(8)
@pytest.mark.parametrize("size", style.SIZES)
@pytest.mark.parametrize(
    "summary",
    [  # in this order the sample holds few and many networks, and a place without one
        networks(2, 1, "a_network_with_a_very_long_name_that_fits_nowhere_on_a_line"),
        networks(1, 3),
        networks(2, 3),
        networks(3, 4),
        networks(3, 4).assign(method=lambda summary: summary["method"].str[0]),
        networks(4, 5),
    ],
)
def test_nothing_covers_anything_and_all_can_be_read(drawn, summary, size):
    width = style.SIZES[size].width
    figure = drawn(summary, width=width)
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] < width + 0.01
    for axes in figure.axes:
        names = [tick for tick in axes.get_xticklabels() if tick.get_rotation() == 0]
        values = [value.get_window_extent() for value in axes.texts]
        for boxes in (values, [name.get_window_extent() for name in names]):
            assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        at = axes.transData.transform(marks(axes, "D"))
        bars = [bar.get_window_extent() for bar in axes.patches]
        for box in values:
            assert not any(box.contains(*xy) for xy in at)
            assert not any(box.overlaps(bar) for bar in bars)
    headings = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert not any(one.overlaps(other) for one, other in combinations(headings, 2))
    texts = [text for text in figure.findobj(mpl.text.Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 6.5
    inside = figure.bbox.padded(1)
    for text in texts:
        if text.get_visible() and (box := text.get_window_extent()).width:
            assert inside.x0 <= box.x0 < box.x1 <= inside.x1, text
            assert inside.y0 <= box.y0 < box.y1 <= inside.y1, text


def test_names_are_no_formulas(drawn):
    summary = SUMMARY.replace({"model": {"big": "a_$b$"}, "variant": {"igub": "$c_d$"}})
    figure = drawn(summary)
    figure.draw_without_rendering()
    title, tick = figure.axes[0].title, figure.axes[2].get_xticklabels()[1]
    assert (title.get_text().split("\n")[0], tick.get_text()) == ("a_$b$", "$c_d$")
    assert not title.get_parse_math()
    assert not tick.get_parse_math()
