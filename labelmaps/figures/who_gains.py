"""Who gains from a saccade: each method's gain in groups of images, such as those with small boxes."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labelmaps.figures import style

# Factor of the table → the title of its panel. All others come from the data set's table of factors; only their level "yes"
# is drawn, if it has enough images.
TITLES = {
    "share": "share of the image in boxes",
    "distance": "distance of the nearest box’s centre",
    "mask": "7 × 7 mask of the boxes",
    "boxes": "number of boxes",
}
OWN, OWN_LEVEL = "images with the factor", "yes"
ALL = "all"
# Gains are drawn for levels with at least so many images: wider intervals would leave no room for the others.
FEWEST = 10
MARK: dict[str, Any] = {"linestyle": "none", "markersize": 3.6, "markeredgewidth": 0.9}
INTERVAL: dict[str, Any] = {"linewidth": 0.9}
# Inches: the distance between two methods, and the least width of a level whose name is written horizontally.
STEP, LEVEL = 0.07, 0.44
# Inches: the width of a row's axis with its numbers, the gap between panels, and the height of a panel's title.
AXIS, GAP, TOP = 0.6, 0.1, 0.3
PANEL, NAMES = 1.35, 0.42  # inches: the height of a panel's axes, and of the names of levels below it
BOLD = 0.066  # inches: a bold character's mean width
COUNT = 9  # characters: the length of a number of images in brackets
# Inches: the height of a network's heading and of a line of the legend, and the width of a column of the legend.
HEADING, LEGEND, ENTRY = 0.42, 0.2, 1.6
LONGEST = 24  # characters: longer names of factors are cut


@dataclass(frozen=True)
class Panel:
    """A panel of the figure: its title and its levels.

    levels: factor and level of the table, and the name below the axis. level_width: the width of each level, in inches.
    """

    title: str
    levels: tuple[tuple[str, str, str], ...]
    level_width: float

    @property
    def is_upright(self) -> bool:
        """Whether the names of the levels are written upright, with the number of images on the same line."""
        return self.title == OWN

    @property
    def width(self) -> float:
        """Width of the panel's axes, in inches."""
        return self.level_width * len(self.levels)

    @property
    def height(self) -> float:
        """Height of the panel with its title and the names of its levels, in inches."""
        longest = max(min(len(name), LONGEST) for _, _, name in self.levels)
        return TOP + PANEL + (style.CHARACTER * (longest + COUNT) if self.is_upright else NAMES)


def draw_who_gains(table: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each method's gain, with 95 % intervals, in each group of images; one block of panels per network.

    table: rows of one view, as in who_gains.csv, of the methods that are shown. width: of the figure, in inches.

    Fine lines across the panels are the gains over all images. Below a level stands its number of images; gains of levels
    with fewer than `FEWEST` are not drawn.
    """
    moving = table[table["cue"] != "baseline"]
    variants = list(dict.fromkeys(moving["variant"]))
    networks = [rows for _, rows in moving.groupby("model", sort=False)]
    if not networks:
        figure = Figure(figsize=(width, 1), layout="constrained")
        figure.text(0.5, 0.5, "no method but the centre: nobody moves", ha="center", fontsize=style.NAMES)
        return figure
    lines = list(arrange_panels(moving, width - AXIS - GAP, STEP * (len(variants) + 0.6)))
    heights = [max(panel.height for panel in line) for line in lines]
    columns = max(int(width / ENTRY), 1)
    n_entries = len(variants) + 1
    legend = LEGEND * math.ceil(n_entries / columns)
    height = len(networks) * (HEADING + sum(heights)) + legend
    with mpl.rc_context(style.CHART):
        figure = plt.figure(figsize=(width, height))
        top = height
        marks = find_marks(moving)
        first: Axes | None = None
        for network in networks:
            row = network.iloc[0]
            heading = _cut(f"{row['model']}: {row['architecture']}, {row['weights']}", (width - AXIS) / BOLD)
            figure.text(
                AXIS / width,
                (top - 0.2) / height,
                heading,
                fontsize=style.NAMES,
                weight="bold",
                parse_math=False,
            )
            top -= HEADING
            for line, line_height in zip(lines, heights, strict=True):
                left = AXIS
                for panel in line:
                    box = (left / width, (top - TOP - PANEL) / height, panel.width / width, PANEL / height)
                    axes = figure.add_axes(box, sharey=first)
                    first = first or axes
                    _draw_panel(axes, panel, network, marks)
                    if left == AXIS:
                        axes.set_ylabel("gain (points)", fontsize=style.NAMES)
                    else:
                        axes.tick_params(labelleft=False)
                    left += panel.width + GAP
                top -= line_height
        place: dict[str, Any] = {"loc": "lower center", "ncols": columns, "frameon": False}
        made = figure.legend(*_legend_entries(marks), **place, fontsize=style.NAMES, borderpad=0.1)
        plt.setp(made.get_texts(), parse_math=False)
    return figure


def arrange_panels(table: pd.DataFrame, width: float, methods_width: float) -> Iterator[list[Panel]]:
    """Arrange the table's factors in panels, and yield lines of panels that fit in the width.

    width: of a line. methods_width: the width that the methods take in each level; both in inches.

    A panel with more levels than a line has room for is divided into several.
    """
    n_images = table.groupby(["factor", "level"])["n_images"].max()
    found: dict[str, list[tuple[str, str, str]]] = {}
    for factor, level in table[["factor", "level"]].drop_duplicates().itertuples(index=False, name=None):
        if factor in TITLES:
            found.setdefault(TITLES[factor], []).append((factor, level, level))
        elif factor != ALL and level == OWN_LEVEL and n_images[factor, level] >= FEWEST:
            found.setdefault(OWN, []).append((factor, level, factor))
    line: list[Panel] = []
    for title, levels in (found or {"": [(ALL, ALL, "all images")]}).items():
        level_width = methods_width if title == OWN else max(methods_width, LEVEL)
        n_panels = math.ceil(len(levels) / max(int(width / level_width), 1))
        size = math.ceil(len(levels) / n_panels)
        for start in range(0, len(levels), size):
            panel = Panel(title, tuple(levels[start : start + size]), level_width)
            if line and sum(other.width + GAP for other in line) + panel.width > width:
                yield line
                line = []
            line.append(panel)
    yield line


def _draw_panel(axes: Axes, panel: Panel, network: pd.DataFrame, marks: dict[str, tuple[str, str]]) -> None:
    """Draw the gains of one network's methods in the levels of a panel.

    network: the network's rows. marks: variant → marker and its face, as from `find_marks`.
    """
    step = STEP / panel.level_width  # in units of the axis, on which a level is 1 wide
    rows = network.set_index(["factor", "level", "variant"])
    axes.axhline(0, color="0.5", linewidth=0.8, zorder=1)
    for place, (factor, level, _) in enumerate(panel.levels):
        for i, (variant, (marker, face)) in enumerate(marks.items()):
            if (factor, level, variant) not in rows.index:
                continue
            row = rows.loc[(factor, level, variant)]
            if row["n_images"] < FEWEST:
                continue
            x, colour = place + step * (i - (len(marks) - 1) / 2), style.method_colour(variant)
            axes.vlines(x, 100 * row["gain_low"], 100 * row["gain_high"], color=colour, **INTERVAL, zorder=2)
            axes.plot(
                x, 100 * row["gain"], marker, **MARK, markeredgecolor=colour, markerfacecolor=face, zorder=3
            )
    for variant in marks:
        if (ALL, ALL, variant) in rows.index:
            gain = 100 * rows.loc[(ALL, ALL, variant), "gain"]
            axes.axhline(gain, color=style.method_colour(variant), linewidth=0.6, alpha=0.6, zorder=0)
    counts = [
        network.loc[(network["factor"] == f) & (network["level"] == v), "n_images"]
        for f, v, _ in panel.levels
    ]
    ends = [
        f"({max(count, default=0):,.0f})" if panel.is_upright else f"{max(count, default=0):,.0f}"
        for count in counts
    ]
    short = [_cut(name, LONGEST) for _, _, name in panel.levels]
    names = [(" " if panel.is_upright else "\n").join(parts) for parts in zip(short, ends, strict=True)]
    turned = 90 if panel.is_upright else 0
    axes.set_xticks(range(len(names)), names, parse_math=False, fontsize=style.VALUE, rotation=turned)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", labelsize=style.NAMES)
    axes.set_xlim(-0.5, len(names) - 0.5)
    characters = max(int((panel.width + GAP) / style.CHARACTER), 8)
    axes.set_title("\n".join(textwrap.wrap(panel.title, characters)), fontsize=style.NAMES)
    axes.spines[["top", "right"]].set_visible(False)
    for place in range(1, len(names)):
        axes.axvline(place - 0.5, color="0.92", linewidth=0.6, zorder=0)


def _cut(text: str, characters: float) -> str:
    """Cut a text to a number of characters, the last of which is "…" if it is longer."""
    return text if len(text) <= characters else f"{text[: int(characters) - 1]}…"


def find_marks(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the marker of each variant of the table and the colour of its face: the method's if it is cued, else white.

    Variants of one method, which have the same colour, have different markers.
    """
    markers: dict[str, Iterator[str]] = {}
    marks = {}
    for variant, cue in table[["variant", "cue"]].drop_duplicates().itertuples(index=False, name=None):
        colour = style.method_colour(variant)
        marker = next(markers.setdefault(colour, cycle(style.MARKERS)))
        marks[variant] = marker, colour if cue == "cued" else "white"
    return marks


def _legend_entries(marks: dict[str, tuple[str, str]]) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the methods, and of the line of all images."""
    handles: list[Artist] = [
        Line2D(
            [],
            [],
            marker=marker,
            **MARK,
            markeredgecolor=style.method_colour(variant),
            markerfacecolor=face,
        )
        for variant, (marker, face) in marks.items()
    ]
    names = [style.method_name(variant) for variant in marks]
    handles.append(Line2D([], [], color="0.5", linewidth=0.6))
    return handles, [_cut(name, 60) for name in names] + ["all images"]
