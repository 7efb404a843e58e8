"""Localisation against categorisation: the accuracy after the saccade of each method against its Pointing Game."""

import textwrap
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from adjustText import adjust_text
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from labelmaps.figures import style
from labelmaps.methods import center
from labelmaps.scoring.null_names import NOT_LOOKING

# Measure of the centre → its text in the legend, and the options of its line.
BASELINES: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy_after": ("accuracy at the centre", {"color": "0.6", "linestyle": (0, (5, 3))}),
    "pointing": ("Pointing Game of the centre", {"color": "0.6", "linestyle": (0, (1, 1.5))}),
}
# Text and line of the best accuracy without a saccade and without the label.
WITHOUT: tuple[str, dict[str, Any]] = (
    "best accuracy without looking",
    {"color": "0.35", "linestyle": "dashdot"},
)
LINE = 0.9  # points
# Inches: the width of a column of a legend below the axes, and of a character of the note.
ENTRY, NOTE = 2.2, 0.065
SIZE, RING = 5.5, 4  # points: the size of a marker, and how much larger the next marker at the same place is
TEXT, LEADING = 7, 0.12  # of labels and the legend: size of type in points, and height of a line in inches
# How labels move away from points and from each other (adjustText's options). A limit on steps, not on time, makes the same
# table give the same figure.
REPULSION: dict[str, Any] = {
    "expand": (1.3, 1.9),
    "force_static": (0.6, 0.9),
    "force_text": (0.3, 0.5),
    "iter_lim": 500,
}
LEADER = {"arrowstyle": "-", "color": "0.4", "linewidth": 0.5}


def draw_trade_off(summary: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each method of each network as a point with 95 % intervals, the accuracy after over the Pointing Game.

    summary: rows of one view, as in summary.csv. Rows without a Pointing Game, as no image has a box, are not drawn; a note
        names them. Of the nulls, only `not_looking` is drawn, as a line for each network.
    width: of the figure, in inches.

    The legend is beside the axes of a wide figure, and below those of a narrow one.
    """
    without = summary.loc[summary["method"] == NOT_LOOKING, "accuracy_after"]
    summary = summary[summary["cue"] != "null model"]
    has_pointing = summary["pointing"].notna()
    points, missing = add_markers(summary[has_pointing]), summary[~has_pointing]
    handles, labels = make_legend_entries(points, len(without) > 0)
    n_lines = sum(label.count("\n") + 1.4 for label in labels)
    is_wide = width >= style.WIDE
    with mpl.rc_context(style.CHART):
        columns = 1 if is_wide else max(int(width / ENTRY), 1)
        height = max(4.4, 0.4 + LEADING * n_lines) if is_wide else 0.85 * width + LEADING * n_lines / columns
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        axes.set_xlabel(f"Pointing Game (% of {style.unit_of(summary)} with boxes)")
        axes.set_ylabel(f"accuracy after the saccade (% of {style.unit_of(summary)})")
        axes.spines[["top", "right"]].set_visible(False)
        if points.empty:
            axes.set(xlim=(0, 100), ylim=(0, 100))
            text = "No image has a box:\nthere is no Pointing Game to draw."
            axes.text(50, 50, text, ha="center", va="center")
            return figure
        for accuracy in without:
            axes.axhline(100 * accuracy, **WITHOUT[1], linewidth=LINE, zorder=0)
        draw_points(axes, points)
        place = "outside right upper" if is_wide else "outside lower center"
        options: dict[str, Any] = {"frameon": False, "handlelength": 1.7, "fontsize": TEXT}
        legend = figure.legend(handles, labels, loc=place, ncols=columns, **options)
        plt.setp(legend.get_texts(), parse_math=False)
        if len(missing):
            methods = missing["variant"].map(style.method_name).groupby(missing["model"], sort=False)
            rows = ", ".join(f"{model} ({', '.join(names)})" for model, names in methods)
            note = textwrap.fill(f"Not shown, as no image has a box: {rows}", int(width / NOTE))
            figure.supxlabel(note, fontsize=TEXT, parse_math=False)
        label_points(axes, points)
    return figure


def add_markers(summary: pd.DataFrame) -> pd.DataFrame:
    """Add to each row the position, marker and label with which it is drawn.

    summary: rows of methods and the centre, each with a Pointing Game.

    A network has its marker, a method its colour; markers of uncued methods are hollow.

    Returns the rows with x, y, in percent; marker; number, that of the network, or "" if each network has a marker of its
    own; colour, face and edge of the marker; its size in points; label.
    """
    models = list(dict.fromkeys(summary["model"]))
    markers = dict(zip(models, cycle(style.MARKERS), strict=False))
    numbers = {m: f"{i}  " if len(models) > len(style.MARKERS) else "" for i, m in enumerate(models, 1)}
    colour = summary["variant"].map(style.method_colour)
    colour = colour.mask(summary["cue"] == "baseline", center.COLOUR)
    points = summary.assign(
        x=100 * summary["pointing"],
        y=100 * summary["accuracy_after"],
        marker=summary["model"].map(markers),
        number=summary["model"].map(numbers),
        colour=colour,
        face=colour.mask(summary["cue"] == "uncued", "white"),
        label=(summary["variant"].map(style.method_name) + " " + summary["model"].map(numbers)).str.strip(),
    )
    # Points at the same place are drawn as rings around each other, with white gaps between them.
    place = points.groupby(["x", "y"])["x"]
    points["size"] = SIZE + RING * place.cumcount()
    gap = (place.transform("size") > 1) & (points["face"] != "white")
    points["edge"] = points["colour"].mask(gap, "white")
    return points.reset_index(drop=True)


def draw_points(axes: Axes, points: pd.DataFrame) -> None:
    """Draw the points, their intervals along both axes, and lines through the centre's points.

    points: as from `add_markers`.
    """
    for centre in points[points["variant"] == "center"].to_dict("records"):
        axes.axhline(centre["y"], **BASELINES["accuracy_after"][1], linewidth=LINE, zorder=0)
        axes.axvline(centre["x"], **BASELINES["pointing"][1], linewidth=LINE, zorder=0)
    for point in points.to_dict("records"):
        x, y = point["x"], point["y"]
        interval: dict[str, Any] = {"color": point["colour"], "linewidth": LINE, "alpha": 0.6, "zorder": 1}
        axes.hlines(y, 100 * point["pointing_low"], 100 * point["pointing_high"], **interval)
        axes.vlines(x, 100 * point["accuracy_after_low"], 100 * point["accuracy_after_high"], **interval)
        axes.plot(
            x,
            y,
            point["marker"],
            markersize=point["size"],
            markerfacecolor=point["face"],
            markeredgecolor=point["edge"],
            markeredgewidth=1.1,
            zorder=3 - point["size"] / 100,
        )
    axes.margins(0.06)
    axes.set(xlim=np.clip(axes.get_xlim(), -1, 101), ylim=np.clip(axes.get_ylim(), -1, 101))


def make_legend_entries(points: pd.DataFrame, has_without: bool) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the networks, and of the cues, lines and intervals that occur in the figure.

    points: as from `add_markers`. has_without: whether the line of the best accuracy without looking is drawn.

    Methods are left out, as their names are written beside their points.
    """
    entries: list[tuple[Artist, str]] = []
    for _, row in points.drop_duplicates("model").iterrows():
        handle = Line2D(
            [], [], linestyle="none", marker=row["marker"], markersize=7, color="0.25", fillstyle="left"
        )
        handle.set_markerfacecoloralt("white")
        entries.append((handle, row["number"] + "\n".join(style.network_lines(row, 32))))
    cues = set(points["cue"])
    entries += [(Patch(**patch), label) for cue, (label, patch) in style.CUE_STYLES.items() if cue in cues]
    if "center" in set(points["variant"]):
        entries += [(Line2D([], [], **line, linewidth=LINE), label) for label, line in BASELINES.values()]
    if has_without:
        entries.append((Line2D([], [], **WITHOUT[1], linewidth=LINE), WITHOUT[0]))
    entries.append((Line2D([], [], color="0.25", linewidth=LINE, alpha=0.6), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]


def label_points(axes: Axes, points: pd.DataFrame) -> None:
    """Write each point's label beside it, and connect the two with a thin line where the label had to move away.

    points: as from `add_markers`.
    """
    # Labels are darker than their points, because letters are thin.
    labels = [
        axes.text(
            point["x"],
            point["y"],
            point["label"],
            fontsize=TEXT,
            color=[0.65 * channel for channel in mpl.colors.to_rgb(point["colour"])],
            parse_math=False,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0},
        )
        for point in points.to_dict("records")
    ]
    place = {"x": points["x"].to_numpy(), "y": points["y"].to_numpy()}
    adjust_text(labels, **place, ax=axes, arrowprops=LEADER, **REPULSION)
