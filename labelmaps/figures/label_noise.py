"""Label noise: each method's gain by the label and by all acceptable labels, on the same images."""

import math
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labelmaps.figures import style
from labelmaps.figures.nulls import (
    ACCURACY,
    AXIS,
    INTERVAL,
    LABEL,
    LEGEND,
    NULL_COLOUR,
    SHORT_LABEL,
    Row,
    arrange_rows,
    name_rows,
)
from labelmaps.figures.panels import make_network_panels

# The centre has no gain, and these nulls have none that acceptable labels could explain.
LEFT_OUT = ("center", "uniform", "random", "best_cell", "decoy_second", "decoy_random")
APART = 0.034  # inches: the distance of a row's two marks from its middle
NUMBERS = 0.95  # inches: the width of the difference beside a panel


def draw_label_noise(summary: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each method's gain by the label and by the acceptable labels, with 95 % intervals; one panel per network.

    summary: rows of one view, as in summary.csv, of a data set with acceptable labels. width: of the figure, in inches.

    Filled marks are by the label, hollow ones by the acceptable labels. At the right stands the first minus the second,
    which is label noise, over the same images, with its interval.
    """
    key = summary["variant"].mask(summary["cue"] == "null model", summary["method"])
    shown = summary.assign(key=key)[~key.isin(LEFT_OUT) & summary["gain_acceptable"].notna()]
    # The heading of a panel counts the images that it shows.
    shown = shown.assign(n_images=shown["n_acceptable"]).drop(columns="n_cases", errors="ignore")
    if shown.empty:
        return _draw_nothing(width)
    characters = LABEL if width >= style.WIDE else SHORT_LABEL
    rows, height = arrange_rows(shown, characters)
    entries, columns = _make_legend_entries(), 2 if width >= style.WIDE else 1
    with mpl.rc_context(style.CHART):
        figure, panels = make_network_panels(
            shown,
            width,
            height + AXIS,
            LEGEND * math.ceil(len(entries[0]) / columns),
            NUMBERS,
            characters * style.CHARACTER,
            2.2,
            sharex=True,
            sharey=True,
        )
        for axes, network in panels:
            _draw_rows(axes, rows, network)
        figure.axes[0].set_ylim(height, 0)
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place, fontsize=style.NAMES)
    return figure


def _draw_nothing(width: float) -> Figure:
    """Return a figure that states why there is nothing to draw."""
    figure = Figure(figsize=(width, 1), layout="constrained")
    figure.text(0.5, 0.5, "no image has an acceptable label", ha="center", fontsize=style.NAMES)
    return figure


def _draw_rows(axes: Axes, rows: list[Row], network: pd.DataFrame) -> None:
    """Draw one network's gains, and write the difference of each pair at the right.

    network: the network's rows, with the column key, as `Row` has it.
    """
    y = network["key"].map({row.key: row.y for row in rows})
    is_null = network["cue"] == "null model"
    colour = network["key"].map(style.method_colour).mask(is_null, NULL_COLOUR)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
    for height in y:
        axes.axhline(height, color="0.93", linewidth=0.6, zorder=0)
    for measure, shift, is_filled in (("gain_label", -APART, True), ("gain_acceptable", APART, False)):
        value, low, high = style.percent(network, measure)
        axes.hlines(y + shift, low, high, colors=colour, **INTERVAL, zorder=2)
        for x, height, edge in zip(value, y + shift, colour, strict=True):
            face = edge if is_filled else "white"
            axes.plot(x, height, **ACCURACY, markeredgecolor=edge, markerfacecolor=face, zorder=3)
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "annotation_clip": False,
        "va": "center_baseline",
        "fontsize": style.VALUE,
    }
    for height, *numbers in zip(y, *style.percent(network, "gain_noise"), strict=True):
        axes.annotate(
            "{:+.1f} [{:.1f}, {:.1f}]".format(*numbers).replace("-", "−"), (1, height), (6, 0), **place
        )
    axes.annotate("label noise", (1, rows[0].y), (6, 0), **place, fontweight="bold")
    name_rows(axes, rows)
    axes.set_xlabel("gain over x₀ (points)", fontsize=style.NAMES)


def _make_legend_entries() -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the marks."""
    dot: dict[str, Any] = {**ACCURACY, "markeredgecolor": NULL_COLOUR}
    handles: list[Artist] = [
        Line2D([], [], **dot, markerfacecolor=NULL_COLOUR),
        Line2D([], [], **dot, markerfacecolor="white"),
        Line2D([], [], color=NULL_COLOUR, **INTERVAL),
    ]
    names = ["by the label", "by all acceptable labels, on the same images", "95 % interval"]
    return handles, names
