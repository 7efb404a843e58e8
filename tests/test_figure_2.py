"""Figure 2 draws the table, nothing else: heights, intervals, the paper's marks."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from labelmaps.figure_2 import MEASURES, figure_2

mpl.use("agg")
PAPER = pd.read_csv("resources/paper.csv", comment="#")


def row(model, architecture, method, cue, before, after, pointing):
    values = {"accuracy_before": before, "accuracy_after": after, "pointing": pointing}
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
        row("mine", "resnet50", "center", "baseline", 0.5, 0.5, 0.8),
        row("mine", "resnet50", "likelihood", "cued", 0.5, 0.8, 0.7),
        row("mine", "resnet50", "igub", "uncued", 0.5, 0.55, 0.6),
    ]
)


@pytest.fixture
def drawn():
    yield lambda summary=SUMMARY, paper=PAPER: figure_2(summary, paper)
    plt.close("all")


def heights(axes):
    """Bar heights in percent, measure by measure, as drawn."""
    return [round(bar.get_height(), 6) for bar in axes.patches]


def marks(axes):
    """Heights of the diamonds that can be seen."""
    diamonds = [c for c in axes.collections if isinstance(c, mpl.collections.PathCollection)]
    y = np.concatenate([np.ma.filled(c.get_offsets(), np.nan)[:, 1] for c in diamonds])
    return y[np.isfinite(y)].round(6).tolist()


def test_a_column_per_network_cued_above_uncued_below(drawn):
    axes = drawn().axes
    assert [ax.get_title().split("\n")[0] for ax in axes] == ["big", "mine", "", ""]
    assert [ax.get_ylabel().split("\n")[0] for ax in axes] == ["cued: told the label", "", "uncued", ""]
    assert [tick.get_text() for tick in axes[2].get_xticklabels()] == ["maximum logit", "IGUB"]
    assert "n = 1,000 images, 990 with boxes" in axes[0].get_title()


def test_bars_have_the_tables_heights_and_the_papers_colours(drawn):
    axes = drawn().axes
    assert heights(axes[0]) == [70, 90, 75]
    assert heights(axes[2]) == [70, 70, 66, 71, 60, 65]
    colours = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in axes[0].patches]
    assert colours == [colour for _, colour in MEASURES.values()]


def test_intervals_are_those_of_the_table(drawn):
    segments = [
        s for c in drawn().axes[0].collections if hasattr(c, "get_segments") for s in c.get_segments()
    ]
    assert [(round(low, 6), round(high, 6)) for (_, low), (_, high) in segments] == [
        (65, 74),
        (85, 94),
        (70, 79),
    ]


def test_the_paper_is_marked_where_it_has_the_value_for_this_architecture(drawn):
    axes = drawn().axes
    assert marks(axes[0]) == [77.2, 94.2]  # it states no Pointing Game for the likelihood map
    assert sorted(marks(axes[2])) == [73.4, 77.2, 77.2, 79.6]
    assert marks(axes[1]) == marks(axes[3]) == []


def test_a_method_with_other_options_than_the_papers_is_not_marked(drawn):
    summary = SUMMARY.assign(variant=SUMMARY["method"].replace("igub", "igub prior=mean"))
    assert sorted(marks(drawn(summary).axes[2])) == [73.4, 77.2]


def test_the_baseline_is_known_under_any_name(drawn):
    summary = SUMMARY.assign(method=SUMMARY["method"].replace("center", "fovea"))
    assert "Pointing Game of the centre" in [t.get_text() for t in drawn(summary).legends[0].get_texts()]


def test_the_legend_names_only_what_is_there(drawn):
    def entries(figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    assert "the paper (same architecture)" in entries(drawn())
    without = drawn(paper=PAPER.iloc[:0])
    assert "the paper (same architecture)" not in entries(without)
    assert "Pointing Game of the centre" in entries(without)
    assert "Pointing Game of the centre" not in entries(drawn(SUMMARY[SUMMARY["variant"] != "center"]))


def test_missing_pointing_is_drawn_as_nothing(drawn):
    summary = SUMMARY.assign(pointing=float("nan"), pointing_low=float("nan"), pointing_high=float("nan"))
    figure = drawn(summary)
    figure.canvas.draw()
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["70.0", "90.0"]


def test_a_run_without_any_saccade_is_refused(drawn):
    with pytest.raises(ValueError, match="no saccade to draw"):
        drawn(SUMMARY[SUMMARY["method"] == "center"])
