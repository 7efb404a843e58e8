"""A look in two stages: accuracy against the passes that are left, beside the scanpaths'."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from labelmaps.figures import scanpaths as paths
from labelmaps.figures import style
from labelmaps.scoring.null_names import ALWAYS, NEVER

PANEL = next(panel for panel in paths.PANELS if panel.counts_passes)  # of the scanpaths
TITLES = "one view alone, outer ring\nonly where a bound asks for it", "scanpaths: mean of\nthe probabilities"
NO_RING: dict[str, Any] = {"marker": "o", "markersize": 4, "markerfacecolor": "white", "linestyle": "none"}
ALL_VIEWS: dict[str, Any] = {"marker": "o", "markersize": 4, "linestyle": "none"}
DASHES = "-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5))  # of the variants of one method
HEIGHT = 2.0  # inches: of the axes of a panel


def draw_two_stages(table: pd.DataFrame, scanpaths: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each network's methods in two stages, and beside them its scanpaths, on one scale of accuracy.

    table, scanpaths: rows of one view, as in two_stages.csv and scanpaths.csv. width: of the figure, in inches.
    """
    networks = [rows for _, rows in table.groupby("model", sort=False)]
    handles, labels = make_legend_entries(table, scanpaths)
    columns = max(int(width / paths.ENTRY), 1)
    legend_height = paths.LEADING * (math.ceil(len(labels) / columns) + 0.5)
    characters = int((width - paths.EDGES) / style.CHARACTER)
    headings = [paths.heading_of(rows.iloc[0], characters) for rows in networks]
    block = HEIGHT + paths.TITLE + paths.AXIS + paths.LEADING * (0.5 + max(map(len, headings)))
    with mpl.rc_context(style.CHART):
        figure = plt.figure(figsize=(width, len(networks) * block + legend_height), layout="constrained")
        blocks = figure.subfigures(len(networks), 1, squeeze=False)[:, 0]
        lines = choose_lines(table)
        for place, rows, heading in zip(blocks, networks, headings, strict=True):
            place.suptitle("\n".join(heading), fontsize=style.NAMES, parse_math=False)
            staged, scanned = place.subplots(1, 2, sharey=True)
            of_network = scanpaths[scanpaths["model"] == rows["model"].iloc[0]]
            paths.draw_panel(scanned, PANEL, of_network)
            draw_stages(staged, rows, of_network, lines)
            for axes, title in zip((staged, scanned), TITLES, strict=True):
                axes.set_title(title, fontsize=style.NAMES)
            staged.set_ylabel(f"accuracy (% of {style.unit_of(rows)})", fontsize=style.NAMES)
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=style.NAMES
        )
    return figure


def choose_lines(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Choose the line of each variant: its method's colour, and other dashes for each variant of that colour."""
    n_of_colour: Counter[str] = Counter()
    lines = {}
    for variant in dict.fromkeys(table["variant"]):
        colour = style.method_colour(variant)
        lines[variant] = {"color": colour, "linestyle": DASHES[n_of_colour[colour] % len(DASHES)]}
        n_of_colour[colour] += 1
    return lines


def draw_stages(
    axes: Axes, network: pd.DataFrame, scanpaths: pd.DataFrame, lines: Mapping[str, dict[str, Any]]
) -> None:
    """Draw a line for each method of a network, from all views to the inner ones alone.

    scanpaths: the network's, for x₀. lines: as from `choose_lines`.
    """
    at_x0 = scanpaths.loc[scanpaths["fixations"] == 1, "accuracy"].iloc[0]
    axes.axhline(100 * at_x0, **paths.X0, zorder=1)
    for variant, rows in network.groupby("variant", sort=False):
        line = lines[str(variant)]
        ordered = rows.sort_values(["passes", "quantile"])
        axes.plot(ordered["passes"], 100 * ordered["accuracy"], **line, **paths.LINE, zorder=2)
        for ring, mark in ((ALWAYS, ALL_VIEWS), (NEVER, NO_RING)):
            end = rows[rows["ring"] == ring]
            axes.plot(end["passes"], 100 * end["accuracy"], color=line["color"], **mark, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes.tick_params(labelsize=style.VALUE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("network passes, mean", fontsize=style.NAMES)


def make_legend_entries(table: pd.DataFrame, scanpaths: pd.DataFrame) -> tuple[list[Artist], list[str]]:
    """Return handles and labels of the methods, of the two ends of their lines, and of the scanpaths."""
    entries: dict[str, Artist] = {
        paths.name_of(variant): Line2D([], [], **line, **paths.LINE)
        for variant, line in choose_lines(table).items()
    }
    entries["all views"] = Line2D([], [], color=style.INK, **ALL_VIEWS)
    entries["without the outer ring"] = Line2D([], [], color=style.INK, **NO_RING)
    for handle, label in zip(*paths.make_legend_entries(scanpaths), strict=True):
        entries.setdefault(label, handle)
    return list(entries.values()), list(entries)
