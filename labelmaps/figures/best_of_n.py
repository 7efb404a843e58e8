"""Best of n: accuracy against the number n of views from which the best is chosen with the label known."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from labelmaps.figures import style
from labelmaps.figures.panels import is_in_first_column, make_network_panels
from labelmaps.methods import likelihood

# Measure → its text in the legend, and the options of its line; in the order in which the curves are drawn.
CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "top_n": ("label among x₀’s n best", {"color": style.BEFORE, "linestyle": (0, (1, 1))}),
    "any_of_n": ("any of n views right", {"color": "0.3", "linestyle": (0, (5, 2))}),
    "best_of_n": ("best of n views, told the label", {"color": likelihood.COLOUR}),
}
LIKELIHOOD: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.5,
    "color": likelihood.COLOUR,
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}
BAND: dict[str, Any] = {"alpha": 0.18, "linewidth": 0}  # the area of an interval
CURVE_WIDTH = 1.5  # points
TICKS = 1, 2, 5, 10, 20, 50, 100, 200
HEIGHT, MARGIN = 2.4, 0.4  # inches: a panel's height, and the width of its axis
ENTRY, LEADING = 2.3, 0.16  # inches: the width of a column and the height of a line of the legend


def draw_best_of_n(curves: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each network's accuracy against the number of views, on a logarithmic axis, with 95 % intervals.

    curves: one row per network and n, with model, architecture, weights, n_images, n, and best_of_n, any_of_n and top_n,
        each with _low and _high, as fractions of the images, or of the cases where it has n_cases. Where n is all views,
        best_of_n is the likelihood map's accuracy.
    width: of the figure, in inches.
    """
    entries, columns = make_legend_entries(), max(int(width / ENTRY), 1)
    legend_height = LEADING * (math.ceil(len(entries[0]) / columns) + 0.5)
    with mpl.rc_context(style.CHART):
        figure, panels = make_network_panels(curves, width, HEIGHT, legend_height, MARGIN, sharey=True)
        for axes, rows in panels:
            draw_curves(axes, rows.sort_values("n"))
            if is_in_first_column(axes):
                axes.set_ylabel(f"accuracy (% of {style.unit_of(curves)})", fontsize=style.NAMES)
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place, fontsize=style.NAMES)
    return figure


def draw_curves(axes: Axes, curves: pd.DataFrame) -> None:
    """Draw the curves of one network, and mark the likelihood map's accuracy at the end of the curve best_of_n.

    curves: the network's rows, in the order of n.
    """
    for measure, (_, line) in CURVES.items():
        value, low, high = style.percent(curves, measure)
        axes.fill_between(curves["n"], low, high, color=line["color"], **BAND)
        axes.plot(curves["n"], value, **line, linewidth=CURVE_WIDTH)
    last = curves.iloc[-1]
    x, y = last["n"], 100 * last["best_of_n"]
    if np.isfinite(y):
        axes.plot(x, y, **LIKELIHOOD, clip_on=False)
        place: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}
        axes.annotate(f"{y:.1f}", (x, y), (5, 0), **place, va="center", fontsize=style.VALUE)
    axes.set_xscale("log")
    ticks = [n for n in TICKS if n <= last["n"] / 1.3] + [last["n"]]
    axes.set_xticks(ticks, [f"{n:.0f}" for n in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1 / 1.08, last["n"] * 1.08)
    axes.set_xlabel("n: views, or labels of x₀", fontsize=style.NAMES)


def make_legend_entries() -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the curves, of the likelihood map's mark and of the intervals."""
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], **line, linewidth=CURVE_WIDTH), label) for label, line in reversed(CURVES.values())
    ]
    entries.append((Line2D([], [], **LIKELIHOOD), "likelihood map: best of all views"))
    entries.append((Patch(color="0.3", **BAND), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]
