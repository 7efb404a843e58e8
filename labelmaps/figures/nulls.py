"""Each method's accuracy beside those of the nulls, which are reached without knowing where to look."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labelmaps.figures import style
from labelmaps.figures.panels import is_in_first_column, make_network_panels
from labelmaps.scoring.null_names import CROPS, NOT_LOOKING

# From the top of the figure: heading, cue of the methods, and the nulls that belong with them.
GROUPS = (
    (
        style.CUE_LABELS["cued"],
        "cued",
        ("likelihood_set", "any_view", "top_n", "decoy_second", "decoy_random"),
    ),
    (style.CUE_LABELS["uncued"], "uncued", ()),
    (
        "no saccade",
        "baseline",
        (
            *("standard_crop", *CROPS, "mean_softmax", "mean_softmax_inner", "mean_softmax_temperature"),
            *("ring_weights", NOT_LOOKING),
        ),
    ),
    ("saccade without looking", None, ("uniform", "random", "best_cell")),
)
ACCURACY: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 4.5, "markeredgewidth": 1.0}
NULL_COLOUR = "0.35"
INTERVAL: dict[str, Any] = {"linewidth": 1.1}
# Row → the text of its line in the legend, and the options of the line.
LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "center": (
        "accuracy at the centre (x₀)",
        {"color": style.BEFORE, "linestyle": (0, (5, 3)), "linewidth": 0.9},
    ),
    NOT_LOOKING: ("best without looking", {"color": "0.35", "linestyle": (0, (1, 1.5)), "linewidth": 0.9}),
}
LABEL, SHORT_LABEL = 40, 24  # characters on a line of a row's name: in a wide figure, and in a narrow one
LINE, SPACE = 0.125, 0.055  # inches: the height of a line of text, and the space between two rows
AXIS, LEGEND = 0.42, 0.25  # inches: the height of a panel's axis, and of a line of the legend
ENTRY = 1.7  # inches: the width of a column of the legend
NUMBERS = 0.45  # inches: the width of the numbers beside a panel


@dataclass(frozen=True)
class Row:
    """One row of the figure: a method, a null or a group's heading.

    key: the method's variant or the null's name; None for a heading. lines: the lines of the row's name.
    y: the middle of the row, in inches from the top of the axes.
    """

    key: str | None
    lines: tuple[str, ...]
    y: float


def draw_nulls(summary: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw the accuracy after the saccade, with 95 % intervals, of each method and each null; one panel per network.

    summary: rows of one view, as in summary.csv; if the cue is "null model", `method` is the null's name.
    width: of the figure, in inches.
    """
    key = summary["variant"].mask(summary["cue"] == "null model", summary["method"])
    summary = summary.assign(key=key)
    characters = LABEL if width >= style.WIDE else SHORT_LABEL
    rows, height = arrange_rows(summary, characters)
    entries = make_legend_entries(summary)
    columns = max(int(width / ENTRY), 1)
    legend_height = LEGEND * math.ceil(len(entries[0]) / columns)
    with mpl.rc_context(style.CHART):
        figure, panels = make_network_panels(
            summary,
            width,
            height + AXIS,
            legend_height,
            NUMBERS,
            characters * style.CHARACTER,
            sharex=True,
            sharey=True,
        )
        for axes, network in panels:
            draw_rows(axes, rows, network)
        first = figure.axes[0]
        first.set(xlim=np.clip(first.get_xlim(), -1, 101), ylim=(height, 0))
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        figure.legend(*entries, **place, fontsize=style.NAMES)
    return figure


def arrange_rows(summary: pd.DataFrame, characters: int) -> tuple[list[Row], float]:
    """Arrange the figure's rows from the top: each group's heading, its methods in the table's order, and its nulls.

    summary: with the column key, as `Row` has it. characters: the length of a line of a row's name.

    Groups, methods and nulls that the table does not contain are left out.
    Returns the rows, and the height of all of them in inches.
    """
    keys = set(summary["key"])
    rows, y = [], 0.0
    for heading, cue, nulls in GROUPS:
        methods = dict.fromkeys(summary.loc[summary["cue"] == cue, "key"])
        entries = [(variant, style.method_name(variant)) for variant in methods]
        entries += [(null, style.NULL_LABELS[null]) for null in nulls if null in keys]
        for key, name in [(None, heading), *entries] if entries else []:
            lines = tuple(textwrap.wrap(name, characters, break_on_hyphens=False))
            height = LINE * len(lines) + SPACE
            rows.append(Row(key, lines, y + height / 2))
            y += height
        y += 2 * SPACE
    return rows, y


def name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """Write the names of the rows beside a panel, headings in bold; panels side by side share the names."""
    axes.set_yticks([row.y for row in rows], ["\n".join(row.lines) for row in rows], parse_math=False)
    if is_in_first_column(axes):
        for row, label in zip(rows, axes.get_yticklabels(), strict=True):
            label.set_fontweight("normal" if row.key else "bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def draw_rows(axes: Axes, rows: Sequence[Row], summary: pd.DataFrame) -> None:
    """Draw one network's accuracies, filled dots for methods and hollow ones for nulls, and write their values at the right.

    summary: the network's rows, with the column key, as `Row` has it.
    """
    for key, (_, line) in LINES.items():
        for value in summary.loc[summary["key"] == key, "accuracy_after"]:
            axes.axvline(100 * value, **line, zorder=1)
    y = summary["key"].map({row.key: row.y for row in rows})
    is_null = summary["cue"] == "null model"
    colour = summary["key"].map(style.method_colour).mask(is_null, NULL_COLOUR)
    value, low, high = style.percent(summary, "accuracy_after")
    for height in y:
        axes.axhline(height, color="0.93", linewidth=0.6, zorder=0)
    axes.hlines(y, low, high, colors=colour, **INTERVAL, zorder=2)
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    for x, height, edge, face in zip(value, y, colour, colour.mask(is_null, "white"), strict=True):
        axes.plot(x, height, **ACCURACY, markeredgecolor=edge, markerfacecolor=face, zorder=3, clip_on=False)
        if np.isfinite(x):
            axes.annotate(
                f"{x:.1f}", (1, height), (6, 0), **place, va="center_baseline", fontsize=style.VALUE
            )
    name_rows(axes, rows)
    axes.set_xlabel(f"accuracy (% of {style.unit_of(summary)})", fontsize=style.NAMES)


def make_legend_entries(summary: pd.DataFrame) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the marks and lines that occur in the figure."""
    is_null = summary["cue"] == "null model"
    entries: list[tuple[Artist, str]] = []
    if not is_null.all():
        entries.append((Line2D([], [], **ACCURACY, color="black"), "method"))
    if is_null.any():
        handle = Line2D([], [], **ACCURACY, markerfacecolor="white", markeredgecolor=NULL_COLOUR)
        entries.append((handle, "null"))
    entries.append((Line2D([], [], color=NULL_COLOUR, **INTERVAL), "95 % interval"))
    keys = set(summary["key"])
    entries += [(Line2D([], [], **line), label) for key, (label, line) in LINES.items() if key in keys]
    return [handle for handle, _ in entries], [label for _, label in entries]
