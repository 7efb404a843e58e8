"""Best of n: what the likelihood map owes to the number of views from which it chooses, told the label."""

import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from labelmaps.figures import style
from labelmaps.figures.panels import network_panels
from labelmaps.methods import likelihood

# Measure → what the legend says, and how its line looks; in the order in which they are drawn.
CURVES = {
    "top_n": ("label among x₀’s n best", {"color": style.BEFORE, "linestyle": (0, (1, 1))}),
    "any_of_n": ("any of n views right", {"color": "0.3", "linestyle": (0, (5, 2))}),
    "best_of_n": ("best of n views, told the label", {"color": likelihood.COLOUR}),
}
LIKELIHOOD = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.5,
    "color": likelihood.COLOUR,
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}
BAND, LINE = {"alpha": 0.18, "linewidth": 0}, 1.5  # an interval; width of a curve in points
TICKS = 1, 2, 5, 10, 20, 50, 100, 200
HEIGHT, MARGIN = 2.4, 0.4  # inches: of a panel, and of its axis
ENTRY, LEADING = 2.3, 0.16  # inches: of the legend, a column's width and a line's height


def best_of_n_figure(curves: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each network's accuracy against the number of views, on a logarithmic axis, with 95 % intervals.

    curves: one row per network and n, with model, architecture, weights, n_images, n, and best_of_n, any_of_n and top_n,
    each with _low and _high, as fractions of the images. Where n is all views, best_of_n is the likelihood map's accuracy.
    """
    entries, columns = legend_entries(), max(int(width / ENTRY), 1)
    legend = LEADING * (math.ceil(len(entries[0]) / columns) + 0.5)
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        figure, panels = network_panels(curves, width, HEIGHT, legend, MARGIN, sharey=True)
        for axes, of_model in panels:
            draw_curves(axes, of_model.sort_values("n"))
        place = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place, fontsize=style.NAMES)
    return figure


def draw_curves(axes: Axes, curves: pd.DataFrame) -> None:
    """One network's curves, and the likelihood map at the end of one."""
    for measure, (_, look) in CURVES.items():
        value, low, high = style.percent(curves, measure)
        axes.fill_between(curves["n"], low, high, color=look["color"], **BAND)
        axes.plot(curves["n"], value, **look, linewidth=LINE)
    last = curves.iloc[-1]
    x, y = last["n"], 100 * last["best_of_n"]
    if np.isfinite(y):
        axes.plot(x, y, **LIKELIHOOD, clip_on=False)
        beside = {"textcoords": "offset points", "annotation_clip": False}
        axes.annotate(f"{y:.1f}", (x, y), (5, 0), **beside, va="center", fontsize=style.VALUE)
    axes.set_xscale("log")
    ticks = [n for n in TICKS if n <= last["n"] / 1.3] + [last["n"]]
    axes.set_xticks(ticks, [f"{n:.0f}" for n in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1 / 1.08, last["n"] * 1.08)
    axes.set_xlabel("n: views, or labels of x₀", fontsize=style.NAMES)
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("accuracy (% of images)", fontsize=style.NAMES)


def legend_entries() -> tuple[list, list[str]]:
    """Handles and labels of the curves, the mark and the bands."""
    entries = [(Line2D([], [], **look, linewidth=LINE), label) for label, look in CURVES.values()][::-1]
    entries.append((Line2D([], [], **LIKELIHOOD), "likelihood map: best of all views"))
    entries.append((Patch(color="0.3", **BAND), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]
