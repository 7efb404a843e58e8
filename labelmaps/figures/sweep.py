"""A sweep: each method's accuracy after the saccade against the value of one option of the view."""

import math
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from labelmaps.figures import style
from labelmaps.figures.panels import is_in_first_column, make_network_panels

# Option → the axis's label.
OPTIONS = {
    "grid": "views per image\nas rows × columns\nGFLOP per image",
    "floor": "floor: smallest view, as a share of the side",
}
# The line of the accuracy at x₀, before the saccade.
INITIAL: dict[str, Any] = {
    "color": style.BEFORE,
    "linestyle": (0, (5, 3)),
    "linewidth": 1.0,
    "marker": "_",
    "markersize": 7,
}
MARKER: dict[str, Any] = {"markersize": 4.2, "markeredgewidth": 1.0}
LINE, INTERVAL = 1.1, 0.9  # points: the widths of a method's line, and of an interval
METHOD_STEP = 2.2  # points between the markers of two methods at one value; it keeps their intervals apart
HEIGHT, NARROWEST = 2.7, 2.3  # inches: a panel's height, and its least width
MARGIN = 0.6  # inches: the width of a panel's axis
TITLE, LEADING = 0.3, 0.16  # inches: the height of a line of the title, and of the legend
TITLE_SHARE = 0.78  # of the figure's width, for the title
NAME, HANDLE = 45, 0.6  # in the legend: characters on a line of a name, and inches for the handle beside it
SIDE = 0.14  # of the values' range: the empty space on either side of them


def draw_sweep(sweep: pd.DataFrame, title: str, width: float = style.PAGE) -> Figure:
    """Draw the accuracy after the saccade of all cued and uncued methods, with 95 % intervals; one panel per network.

    sweep: rows as in summary.csv, of views that differ in one option, with further columns: option, its name; value; views,
        the forward passes per image; gflop, 10⁹ floating-point operations per image, or NaN. Rows of other cues are not
        drawn.
    title: the figure's title, such as the view with its other options.
    width: of the figure, in inches.

    The accuracy at x₀ is a dashed line.
    """
    option = sweep["option"].iloc[0]
    method_styles = choose_styles(sweep[sweep["cue"].isin(["cued", "uncued"])])
    handles, labels = make_legend_entries(method_styles)
    longest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(int(width / (longest * style.CHARACTER + HANDLE)), 1)
    n_rows = math.ceil(len(labels) / columns)
    n_lines = n_rows * max(label.count("\n") + 1 for label in labels)
    with mpl.rc_context(style.CHART):
        title = textwrap.fill(title, int(TITLE_SHARE * width / style.CHARACTER))
        extra = TITLE * (title.count("\n") + 1) + n_lines * LEADING
        figure, panels = make_network_panels(
            sweep, width, HEIGHT, extra, MARGIN, min_width=NARROWEST, sharey=True
        )
        for axes, rows in panels:
            draw_methods(axes, rows, method_styles)
            label_values(axes, rows, option)
        figure.suptitle(title, fontsize=style.NAMES + 1, parse_math=False)
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False}
        legend = figure.legend(handles, labels, **place, fontsize=style.NAMES, handlelength=2.6)
        plt.setp(legend.get_texts(), parse_math=False)
    return figure


@dataclass(frozen=True)
class MethodStyle:
    """The line and the markers that distinguish a method from the others.

    face: the colour that fills the marker. offset: the distance of line and markers to the right of the option's value, in
    points.
    """

    cue: str
    colour: str
    marker: str
    face: str
    offset: float

    @property
    def line(self) -> dict[str, Any]:
        """Options of the method's line for `Axes.plot`."""
        return {"color": self.colour, "marker": self.marker, "markerfacecolor": self.face, "linewidth": LINE}


def choose_styles(methods: pd.DataFrame) -> dict[str, MethodStyle]:
    """Choose each variant's style; variants of the same colour get different markers.

    methods: rows of cued and uncued methods.

    Returns variant → style, in the table's order.
    """
    rows = methods.drop_duplicates("variant")
    n_of_colour: Counter[str] = Counter()
    method_styles = {}
    for i, (variant, cue) in enumerate(zip(rows["variant"], rows["cue"], strict=True)):
        colour = style.method_colour(variant)
        marker = style.MARKERS[n_of_colour[colour] % len(style.MARKERS)]
        n_of_colour[colour] += 1
        face = colour if cue == "cued" else "white"
        offset = METHOD_STEP * (i - (len(rows) - 1) / 2)
        method_styles[variant] = MethodStyle(cue, colour, marker, face, offset)
    return method_styles


def draw_methods(axes: Axes, sweep: pd.DataFrame, method_styles: Mapping[str, MethodStyle]) -> None:
    """Draw the accuracies of one network, at x₀ and after each method's saccade, against the option's value.

    sweep: the network's rows. method_styles: variant → style, as from `choose_styles`.
    """
    before = sweep.groupby("value")["accuracy_before"].first()
    axes.plot(before.index, 100 * before, **INITIAL, zorder=4)
    for variant, method_style in method_styles.items():
        rows = sweep[sweep["variant"] == variant].sort_values("value")
        value, low, high = style.percent(rows, "accuracy_after")
        shift = ScaledTranslation(method_style.offset / 72, 0, axes.figure.dpi_scale_trans)
        place: dict[str, Any] = {"transform": axes.transData + shift}
        colour = method_style.colour
        axes.vlines(rows["value"], low, high, color=colour, linewidth=INTERVAL, **place, zorder=2)
        axes.plot(rows["value"], value, **method_style.line, **MARKER, **place, zorder=3)
        # Artists with a transform of their own do not count towards the axes' limits by themselves.
        for end in (value, low, high):
            axes.update_datalim(np.column_stack([rows["value"], end]))


def label_values(axes: Axes, sweep: pd.DataFrame, option: str) -> None:
    """Label the axis with the option's values, and for `grid` also with the views and operations that each value takes.

    sweep: the network's rows. Views and operations are those of the method with the most views.
    """
    cost = sweep.groupby("value")[["views", "gflop"]].max()
    labels = [f"{value:g}" for value in cost.index]
    if option == "grid":
        labels = [
            f"{views:,.0f}\n{value:g} × {value:g}\n{format_gflop(gflop)}"
            for value, views, gflop in cost.itertuples()
        ]
    axes.set_xticks(cost.index, labels)
    first, last = cost.index.min(), cost.index.max()
    side = SIDE * (last - first) or 0.5
    axes.set_xlim(first - side, last + side)
    axes.set_xlabel(OPTIONS.get(option, option), fontsize=style.NAMES, parse_math=False)
    if is_in_first_column(axes):
        axes.set_ylabel(f"accuracy after (% of {style.unit_of(sweep)})", fontsize=style.NAMES)


def format_gflop(gflop: float) -> str:
    """Format a number of 10⁹ operations as a label; NaN is "–"."""
    if np.isnan(gflop):
        return "–"
    return f"{gflop:,.1f}" if gflop < 10 else f"{gflop:,.0f}"


def make_legend_entries(method_styles: Mapping[str, MethodStyle]) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the methods, and of the cues, lines and intervals that occur in the figure."""
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], **method_style.line, **MARKER), textwrap.fill(style.method_name(variant), NAME))
        for variant, method_style in method_styles.items()
    ]
    cues = {method_style.cue for method_style in method_styles.values()}
    for cue in ("cued", "uncued"):
        if cue in cues:
            label, patch = style.CUE_STYLES[cue]
            entries.append((Patch(**patch), label))
    entries.append((Line2D([], [], **INITIAL), "accuracy at x₀"))
    if method_styles:
        entries.append((Line2D([], [], color="0.25", linewidth=INTERVAL), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]
