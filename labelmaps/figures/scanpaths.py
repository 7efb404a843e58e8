"""Scanpaths: accuracy against the number of saccades, and against the number of the network's passes."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from labelmaps.figures import style

# Choice of fixations that needs no views → its text in the legend, and the options of its line.
BASELINES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random (mean over draws)", {"color": "0.55", "linestyle": (0, (1, 1))}),
    "outward": ("from the centre outward", {"color": "0.35", "linestyle": (0, (4, 1.5))}),
    "blind": ("fixed order, learnt on other images", {"color": "black", "linestyle": (0, (5, 1.5, 1, 1.5))}),
}
ORACLE, ORACLE_LABEL = "likelihood", "likelihood map: told the label"
LINE: dict[str, Any] = {"linewidth": 1.2, "marker": "o", "markersize": 2.2}
INTERVAL: dict[str, Any] = {"color": style.BEFORE, "linewidth": 1.4}
X0: dict[str, Any] = {"color": style.BEFORE, "linestyle": (0, (5, 3)), "linewidth": 0.7}
HEIGHT, PANEL = 1.45, 1.3  # inches: the height of a panel's axes, and the least width of a panel
TITLE, AXIS = 0.32, 0.42  # inches: the space above and below the axes
ROOM = 0.3  # saccades: the space on the axis beside the first and the last value
EDGES = 0.3  # inches: the part of the figure's width that headings leave free
ENTRY, LEADING = (
    2.2,
    0.16,
)  # inches: the width of a legend's column, and the height of a line of legend and headings
TICKS = 1, 2, 5, 10, 20, 50, 100, 200, 500


@dataclass(frozen=True)
class Panel:
    """One of a network's panels.

    title: may have several lines. measure, x: the table's columns on the vertical and on the horizontal axis. rows: a
    function from the table to a boolean column: whether the panel shows the row.
    """

    title: str
    measure: str
    x: str
    rows: Callable[[pd.DataFrame], pd.Series]

    @property
    def counts_passes(self) -> bool:
        """Whether the x axis counts passes, on a logarithmic scale."""
        return self.x == "passes"


def is_fixed(table: pd.DataFrame, rule: str) -> pd.Series:
    """Return which rows have a fixed number of fixations, by this rule of accumulation; boolean, (row,)."""
    return table["threshold"].isna() & (table["accumulation"] == rule)


def is_stopped(table: pd.DataFrame) -> pd.Series:
    """Return which rows show paths that end by their entropy, boolean, (row,), with x₀ alone and the whole path as the ends.

    Only rows of the rule of accumulation "mean" are shown.
    """
    is_end = table["threshold"].isna() & table["fixations"].isin([1, table["fixations"].max()])
    return (table["accumulation"] == "mean") & (table["threshold"].notna() | is_end)


PANELS = (
    Panel("mean of the\nprobabilities", "accuracy", "saccades", lambda table: is_fixed(table, "mean")),
    Panel("their product,\nnormalised", "accuracy", "saccades", lambda table: is_fixed(table, "product")),
    Panel("mean, against\npasses", "accuracy", "passes", lambda table: is_fixed(table, "mean")),
    Panel("mean, ended at\nlow entropy", "accuracy", "passes", is_stopped),
    Panel(
        "last view alone\n(path by the mean)",
        "accuracy_last",
        "saccades",
        lambda table: is_fixed(table, "mean"),
    ),
)
LABELS = {"saccades": "saccades", "passes": "network passes"}


def draw_scanpaths(table: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each network's accuracy against saccades and passes, in small panels with one scale except for last views alone.

    table: rows of one view, as in scanpaths.csv. width: of the figure, in inches.
    """
    networks = [rows for _, rows in table.groupby("model", sort=False)]
    n_columns = min(max(int(width / PANEL), 1), len(PANELS))
    n_rows = math.ceil(len(PANELS) / n_columns)
    entries, columns = make_legend_entries(table), max(int(width / ENTRY), 1)
    legend_height = LEADING * (math.ceil(len(entries[0]) / columns) + 0.5)
    headings = [heading_of(rows.iloc[0], int((width - EDGES) / style.CHARACTER)) for rows in networks]
    block = n_rows * (HEIGHT + TITLE + AXIS) + LEADING * (0.5 + max(map(len, headings)))
    with mpl.rc_context(style.CHART):
        figure = plt.figure(figsize=(width, len(networks) * block + legend_height), layout="constrained")
        blocks = figure.subfigures(len(networks), 1, squeeze=False)[:, 0]
        for place, rows, heading in zip(blocks, networks, headings, strict=True):
            place.suptitle("\n".join(heading), fontsize=style.NAMES, parse_math=False)
            grid = place.subplots(n_rows, n_columns, squeeze=False)
            for axes in grid.flat[len(PANELS) :]:
                axes.remove()
            for i, (axes, panel) in enumerate(zip(grid.flat, PANELS, strict=False)):
                # Axes are shared before anything is drawn, so that the limits fit all. The panel of last views has its own,
                # since these may be much worse.
                if panel.measure == PANELS[0].measure and i:
                    axes.sharey(grid.flat[0])
                    axes.tick_params(labelleft=i % n_columns == 0)
                draw_panel(axes, panel, rows)
                if i % n_columns == 0:
                    axes.set_ylabel(f"accuracy (% of {style.unit_of(table)})", fontsize=style.NAMES)
        place_of_legend: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place_of_legend, fontsize=style.NAMES)
    return figure


def heading_of(network: pd.Series, characters: int) -> list[str]:
    """Return a network's name, weights and number of images in lines of at most `characters` characters.

    network: one row of the network's table.
    """
    return textwrap.wrap(" · ".join(style.network_lines(network, 1000)), characters)


def draw_panel(axes: Axes, panel: Panel, network: pd.DataFrame) -> None:
    """Draw a network's curves, one for each choice of fixations, and its accuracy at x₀ with the interval."""
    shown = network[panel.rows(network)]
    first = shown[shown["fixations"] == 1].iloc[0]
    at_x0, low, high = (100 * first[f"accuracy{end}"] for end in ("", "_low", "_high"))
    axes.axhline(at_x0, **X0, zorder=1)
    for (_, variant), rows in shown.groupby(["method", "variant"], sort=False):
        ordered = rows.sort_values([panel.x, "fixations"])
        axes.plot(ordered[panel.x], 100 * ordered[panel.measure], **line_of(variant), **LINE, zorder=2)
    x0 = 1 if panel.counts_passes else 0
    axes.plot([x0, x0], [low, high], **INTERVAL, zorder=3)
    if panel.counts_passes:
        last = shown["passes"].max()
        axes.set_xscale("log")
        ticks = [n for n in TICKS if n <= last / 1.5] + [last]
        axes.set_xticks(ticks, [f"{n:.0f}" for n in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(-ROOM, max(shown["saccades"].max(), 1) + ROOM)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes.tick_params(labelsize=style.VALUE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(panel.title, fontsize=style.NAMES)
    axes.set_xlabel(LABELS[panel.x], fontsize=style.NAMES)


def line_of(variant: str) -> dict[str, Any]:
    """Return the options of the line of a choice of fixations, for `Axes.plot`."""
    return BASELINES[variant][1] if variant in BASELINES else {"color": style.method_colour(variant)}


def name_of(variant: str) -> str:
    """Return the legend's text for a choice of fixations."""
    if variant == ORACLE:
        return ORACLE_LABEL
    return BASELINES[variant][0] if variant in BASELINES else style.method_name(variant)


def make_legend_entries(table: pd.DataFrame) -> tuple[Sequence[Artist], Sequence[str]]:
    """Return handles and texts of the choices of fixations (the oracle first, the baselines last) and of x₀."""
    variants = list(dict.fromkeys(table["variant"]))
    variants.sort(key=lambda variant: (variant != ORACLE, variant in BASELINES))
    entries = [(Line2D([], [], **line_of(variant), **LINE), name_of(variant)) for variant in variants]
    entries.append((Line2D([], [], **X0), "accuracy at x₀"))
    entries.append((Line2D([], [], **INTERVAL), "its 95 % interval"))
    handles, labels = zip(*entries, strict=True)
    return handles, labels
