"""What part of each method's accuracy a null explains: methods beside nulls that are told as much, or look nowhere."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labelmaps.figures import style
from labelmaps.figures.panels import network_panels

# From above: heading, cue of the methods, and the nulls beside them.
GROUPS = (
    (style.CUES["cued"], "cued", ("any_view", "top_n", "decoy_second", "decoy_random")),
    (style.CUES["uncued"], "uncued", ()),
    ("no saccade", "baseline", ("standard_crop", "mean_softmax", "mean_softmax_inner")),
    ("saccade without looking", None, ("uniform", "random", "best_cell")),
)
MARK = {"marker": "o", "linestyle": "none", "markersize": 4.5, "markeredgewidth": 1.0}
NULL = "0.35"  # the colour of a null
INTERVAL = {"linewidth": 1.1}
CENTRE = {"color": style.BEFORE, "linestyle": (0, (5, 3)), "linewidth": 0.9}
LABEL, SHORT = 40, 24  # characters of a row's name on one line, and where the figure is not wide
LINE, SPACE = 0.125, 0.055  # inches: a line of text, and what parts two rows
AXIS, LEGEND = 0.42, 0.25  # inches: of a panel's axis, and of a line of the legend
ENTRY = 1.7  # inches: a column of the legend
NUMBERS = 0.45  # inches: what a panel loses to its numbers


@dataclass(frozen=True)
class Row:
    """One row of the figure: its key and name, None for a heading's key; its middle in inches from above."""

    key: str | None
    lines: tuple[str, ...]
    y: float


def nulls_figure(summary: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw the accuracy after the saccade, with 95 % intervals, of each method and each null; one panel per network.

    summary: rows of one view, as in summary.csv; where the cue is "null model", `method` is the null's name.
    """
    key = summary["variant"].mask(summary["cue"] == "null model", summary["method"])
    summary = summary.assign(key=key)
    label = LABEL if width >= style.WIDE else SHORT
    rows, height = rows_from_above(summary, label)
    entries = legend_entries(summary)
    columns = max(int(width / ENTRY), 1)
    legend = LEGEND * math.ceil(len(entries[0]) / columns)
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        shared = {"sharex": True, "sharey": True}
        figure, panels = network_panels(
            summary, width, height + AXIS, legend, NUMBERS, label * style.CHARACTER, **shared
        )
        for axes, of_model in panels:
            draw_rows(axes, rows, of_model)
        first = figure.axes[0]
        first.set(xlim=np.clip(first.get_xlim(), -1, 101), ylim=(height, 0))
        place = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place, fontsize=style.NAMES)
    return figure


def rows_from_above(summary: pd.DataFrame, label: int) -> tuple[list[Row], float]:
    """Each group's heading, its methods in the table's order, and its nulls; and the height of all rows in inches.

    Only what the table holds for any network. label: characters of a row's name on one line.
    """
    there = set(summary["key"])
    rows, y = [], 0.0
    for heading, cue, nulls in GROUPS:
        methods = dict.fromkeys(summary.loc[summary["cue"] == cue, "key"])
        entries = [(variant, style.method_name(variant)) for variant in methods]
        entries += [(null, style.NULL_LABELS[null]) for null in nulls if null in there]
        for key, name in [(None, heading), *entries] if entries else []:
            lines = tuple(textwrap.wrap(name, label))
            room = LINE * len(lines) + SPACE
            rows.append(Row(key, lines, y + room / 2))
            y += room
        y += 2 * SPACE
    return rows, y


def draw_rows(axes: Axes, rows: Sequence[Row], summary: pd.DataFrame) -> None:
    """One network's accuracies, as filled marks of methods and open marks of nulls, and as numbers at the right."""
    for centre in summary.loc[summary["key"] == "center", "accuracy_after"]:
        axes.axvline(100 * centre, **CENTRE, zorder=1)
    y = summary["key"].map({row.key: row.y for row in rows})
    is_null = summary["cue"] == "null model"
    colour = summary["key"].map(style.method_colour).mask(is_null, NULL)
    value, low, high = style.percent(summary, "accuracy_after")
    for height in y:
        axes.axhline(height, color="0.93", linewidth=0.6, zorder=0)
    axes.hlines(y, low, high, colors=colour, **INTERVAL, zorder=2)
    beside = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    for x, height, edge, face in zip(value, y, colour, colour.mask(is_null, "white"), strict=True):
        axes.plot(x, height, **MARK, markeredgecolor=edge, markerfacecolor=face, zorder=3, clip_on=False)
        if np.isfinite(x):
            axes.annotate(
                f"{x:.1f}", (1, height), (6, 0), **beside, va="center_baseline", fontsize=style.VALUE
            )
    axes.set_yticks([row.y for row in rows], ["\n".join(row.lines) for row in rows], parse_math=False)
    if axes.get_subplotspec().is_first_col():
        for row, label in zip(rows, axes.get_yticklabels(), strict=True):
            label.set_fontweight("normal" if row.key else "bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("accuracy (% of images)", fontsize=style.NAMES)


def legend_entries(summary: pd.DataFrame) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else."""
    is_null = summary["cue"] == "null model"
    entries = []
    if not is_null.all():
        entries.append((Line2D([], [], **MARK, color="black"), "method"))
    if is_null.any():
        handle = Line2D([], [], **MARK, markerfacecolor="white", markeredgecolor=NULL)
        entries.append((handle, "null"))
    entries.append((Line2D([], [], color=NULL, **INTERVAL), "95 % interval"))
    if "center" in set(summary["key"]):
        entries.append((Line2D([], [], **CENTRE), "accuracy at the centre (x₀)"))
    return [handle for handle, _ in entries], [label for _, label in entries]
