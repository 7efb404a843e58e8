"""One panel per network, side by side: the frame of the figures about accuracy alone."""

import math
from itertools import zip_longest

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelmaps.figures import style

ACROSS = 3  # networks side by side at most; more go on below


def network_panels(
    table: pd.DataFrame,
    width: float,
    height: float,
    extra: float,
    margin: float,
    labels: float = 0,
    least: float = 1.55,
    **subplots,
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """A figure of this width with one panel per network, and each panel with the network's rows.

    height: of a panel; extra: of what stands above and below all panels; margin: what each panel's width loses to its axis
    and numbers, and labels, what the figure's loses to the rows' names; least: the width of a panel; all in inches.
    subplots: of `plt.subplots`. Each panel is titled with the network's name, weights and number of images.
    """
    networks = [of_model for _, of_model in table.groupby("model", sort=False)]
    across = min(max(int((width - labels) / least), 1), ACROSS)
    rows = math.ceil(len(networks) / across)
    columns = math.ceil(len(networks) / rows)
    characters = int(((width - labels) / columns - margin) / style.CHARACTER)
    headings = [
        style.network_lines(of_model.iloc[0].drop("n_pointing", errors="ignore"), characters)
        for of_model in networks
    ]
    lines = max(map(len, headings))
    size = width, rows * (height + style.NAMES * 1.25 / 72 * lines) + extra
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **subplots)
    panels = []
    for axes, of_model, heading in zip_longest(grid.flat, networks, headings):
        if of_model is None:
            axes.remove()
            continue
        heading += [""] * (lines - len(heading))  # so that the networks' names stand side by side
        axes.set_title("\n".join(heading), fontsize=style.NAMES, parse_math=False)
        axes.tick_params(labelsize=style.NAMES, labelbottom=True)
        sns.despine(ax=axes)
        panels.append((axes, of_model))
    return figure, panels
