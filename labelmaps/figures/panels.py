"""A figure with one panel per network, side by side, for the figures about accuracy alone."""

import math
from itertools import zip_longest
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelmaps.figures import style

MAX_COLUMNS = 3  # networks side by side; further ones are placed below


def make_network_panels(
    table: pd.DataFrame,
    width: float,
    height: float,
    extra: float,
    margin: float,
    names_width: float = 0,
    min_width: float = 1.55,
    **subplots: Any,
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """Create a figure with one empty panel per network, titled with the network's name, weights and number of images.

    table: rows of all networks, with model, architecture, weights and n_images.
    width: of the figure. height: of a panel's axes.
    extra: the height of everything above and below all panels together, such as the legend.
    margin: the part of each panel's width that its axis and numbers take.
    names_width: the part of the figure's width that the names of rows take.
    min_width: the least width of a panel; panels that would be narrower continue below.
    subplots: further options of `plt.subplots`, such as sharey.

    All lengths are in inches.
    Returns the figure, and for each network, in the table's order, its axes and its rows of the table.
    """
    networks = [rows for _, rows in table.groupby("model", sort=False)]
    n_columns = min(max(int((width - names_width) / min_width), 1), MAX_COLUMNS)
    n_rows = math.ceil(len(networks) / n_columns)
    n_columns = math.ceil(len(networks) / n_rows)
    characters = int(((width - names_width) / n_columns - margin) / style.CHARACTER)
    headings = [
        style.network_lines(rows.iloc[0].drop("n_pointing", errors="ignore"), characters) for rows in networks
    ]
    n_lines = max(map(len, headings))
    size = width, n_rows * (height + style.NAMES * 1.25 / 72 * n_lines) + extra
    figure, grid = plt.subplots(
        n_rows, n_columns, figsize=size, squeeze=False, layout="constrained", **subplots
    )
    panels = []
    for axes, rows, heading in zip_longest(grid.flat, networks, headings):
        if rows is None:
            axes.remove()
            continue
        heading += [""] * (n_lines - len(heading))  # so that the networks' names are on one line
        axes.set_title("\n".join(heading), fontsize=style.NAMES, parse_math=False)
        axes.tick_params(labelsize=style.NAMES, labelbottom=True)
        axes.spines[["top", "right"]].set_visible(False)
        panels.append((axes, rows))
    return figure, panels


def is_in_first_column(axes: Axes) -> bool:
    """Return whether a panel is the leftmost of its row."""
    place = axes.get_subplotspec()
    return place is not None and place.is_first_col()
