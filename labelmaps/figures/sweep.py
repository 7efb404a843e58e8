"""One option of a view, swept: each method's accuracy after the saccade against the option's value."""

import math
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from labelmaps.figures import style
from labelmaps.figures.panels import network_panels
from labelmaps.figures.trade_off import CUES

# Option → what the axis says.
OPTIONS = {
    "grid": "views per image\nas rows × columns\nGFLOP per image",
    "floor": "floor: smallest view, as a share of the side",
}
INITIAL = {"color": style.BEFORE, "linestyle": (0, (5, 3)), "linewidth": 1.0, "marker": "_", "markersize": 7}
MARK = {"markersize": 4.2, "markeredgewidth": 1.0}
LINE, INTERVAL = 1.1, 0.9  # points
APART = (
    2.2  # points between the marks of two methods at one value, so that intervals do not cover one another
)
HEIGHT, NARROWEST, MARGIN = 2.7, 2.3, 0.6  # inches: of a panel, and of its axis
TITLE, LEADING = 0.3, 0.16  # inches: of a line of the title, and of the legend
TITLE_SHARE = 0.78  # of the width that the title may take
NAME, HANDLE = 45, 0.6  # of the legend: characters on a line, and inches beside them
AROUND = 0.14  # of the values' range, beside them


def sweep_figure(sweep: pd.DataFrame, title: str, width: float = style.PAGE) -> Figure:
    """Draw the accuracy after the saccade of all cued and uncued methods, with 95 % intervals; one panel per network.

    sweep: rows as in summary.csv, of views that differ in one option; and option, its name; value; views (forward passes per
    image) and gflop (10⁹ floating-point operations per image, or NaN). Rows of other cues are left out. The accuracy at x₀
    is a dashed line. title: what stands above, as the view with its other options.
    """
    option = sweep["option"].iloc[0]
    looks = look_of(sweep[sweep["cue"].isin(["cued", "uncued"])])
    handles, labels = legend_entries(looks)
    longest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(int(width / (longest * style.CHARACTER + HANDLE)), 1)
    rows = math.ceil(len(labels) / columns)
    lines = rows * max(label.count("\n") + 1 for label in labels)
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        title = textwrap.fill(title, int(TITLE_SHARE * width / style.CHARACTER))
        extra = TITLE * (title.count("\n") + 1) + lines * LEADING
        figure, panels = network_panels(sweep, width, HEIGHT, extra, MARGIN, least=NARROWEST, sharey=True)
        for axes, of_model in panels:
            draw_methods(axes, of_model, looks)
            label_values(axes, of_model, option)
        figure.suptitle(title, fontsize=style.NAMES + 1, parse_math=False)
        place = {"loc": "outside lower center", "ncols": columns, "frameon": False, "fontsize": style.NAMES}
        legend = figure.legend(handles, labels, **place, handlelength=2.6)
        plt.setp(legend.get_texts(), parse_math=False)
    return figure


@dataclass(frozen=True)
class Look:
    """What tells a method from the others: its colour, its marker and how it is filled; offset in points to the right."""

    cue: str
    colour: str
    marker: str
    face: str
    offset: float

    @property
    def line(self) -> dict:
        """Options of its line."""
        return {"color": self.colour, "marker": self.marker, "markerfacecolor": self.face, "linewidth": LINE}


def look_of(methods: pd.DataFrame) -> dict[str, Look]:
    """Each variant's look, in the table's order; variants of one colour have different markers."""
    rows = methods.drop_duplicates("variant")
    n_before = Counter()
    looks = {}
    for i, (variant, cue) in enumerate(zip(rows["variant"], rows["cue"], strict=True)):
        colour = style.method_colour(variant)
        marker = style.MARKERS[n_before[colour] % len(style.MARKERS)]
        n_before[colour] += 1
        face = colour if cue == "cued" else "white"
        looks[variant] = Look(cue, colour, marker, face, APART * (i - (len(rows) - 1) / 2))
    return looks


def draw_methods(axes: Axes, sweep: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """One network's accuracies against the option's value, and at x₀."""
    before = sweep.groupby("value")["accuracy_before"].first()
    axes.plot(before.index, 100 * before, **INITIAL, zorder=4)
    for variant, look in looks.items():
        rows = sweep[sweep["variant"] == variant].sort_values("value")
        value, low, high = style.percent(rows, "accuracy_after")
        aside = axes.transData + ScaledTranslation(look.offset / 72, 0, axes.figure.dpi_scale_trans)
        axes.vlines(
            rows["value"], low, high, color=look.colour, linewidth=INTERVAL, transform=aside, zorder=2
        )
        axes.plot(rows["value"], value, **look.line, **MARK, transform=aside, zorder=3)
        # What is drawn aside does not count towards the axes' limits by itself.
        for end in (value, low, high):
            axes.update_datalim(np.column_stack([rows["value"], end]))


def label_values(axes: Axes, sweep: pd.DataFrame, option: str) -> None:
    """The option's values as ticks; of the grid, what the method with the most views costs."""
    cost = sweep.groupby("value")[["views", "gflop"]].max()
    labels = [f"{value:g}" for value in cost.index]
    if option == "grid":
        labels = [
            f"{views:,.0f}\n{value:g} × {value:g}\n{gflops(gflop)}"
            for value, views, gflop in cost.itertuples()
        ]
    axes.set_xticks(cost.index, labels)
    first, last = cost.index.min(), cost.index.max()
    around = AROUND * (last - first) or 0.5
    axes.set_xlim(first - around, last + around)
    axes.set_xlabel(OPTIONS.get(option, option), fontsize=style.NAMES, parse_math=False)
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("accuracy after (% of images)", fontsize=style.NAMES)


def gflops(gflop: float) -> str:
    """10⁹ operations as a label."""
    if np.isnan(gflop):
        return "–"
    return f"{gflop:,.1f}" if gflop < 10 else f"{gflop:,.0f}"


def legend_entries(looks: Mapping[str, Look]) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else."""
    entries = [
        (Line2D([], [], **look.line, **MARK), textwrap.fill(style.method_name(variant), NAME))
        for variant, look in looks.items()
    ]
    cues = {look.cue for look in looks.values()}
    entries += [(Patch(**CUES[cue][1]), CUES[cue][0]) for cue in ("cued", "uncued") if cue in cues]
    entries.append((Line2D([], [], **INITIAL), "accuracy at x₀"))
    if looks:
        entries.append((Line2D([], [], color="0.25", linewidth=INTERVAL), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]
