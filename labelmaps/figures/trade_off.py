"""Localisation against categorisation: each method's Pointing Game and accuracy after the saccade, in one plane."""

import textwrap
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from labelmaps.figures import style
from labelmaps.methods import center

BASELINES = {
    "accuracy_after": ("accuracy at the centre", {"color": "0.6", "linestyle": (0, (5, 3))}),
    "pointing": ("Pointing Game of the centre", {"color": "0.6", "linestyle": (0, (1, 1.5))}),
}
FILLED, OPEN = {"facecolor": "0.25", "edgecolor": "0.25"}, {"facecolor": "white", "edgecolor": "0.25"}
CUES = {
    "cued": (style.CUES["cued"], FILLED),
    "uncued": (style.CUES["uncued"], OPEN),
    "baseline": ("the centre: no saccade", {"color": center.COLOUR}),
}
LINE = 0.9  # points
ENTRY, NOTE = 2.2, 0.065  # inches: a column of a legend below, and a character of a note
SIZE, RING = 5.5, 4  # points: a marker, and how much larger the next is at the same place
TEXT, LEADING = 7, 0.12  # of labels and the legend: size in points, and from line to line in inches
# How labels move away from points and from each other (adjustText's options). Stopped by steps, not by time: the same table
# gives the same picture.
REPULSION = {"expand": (1.3, 1.9), "force_static": (0.6, 0.9), "force_text": (0.3, 0.5), "iter_lim": 500}
LEADER = {"arrowstyle": "-", "color": "0.4", "linewidth": 0.5}


def trade_off(summary: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw each method of each network as a point with 95 % intervals: Pointing Game across, accuracy after upwards.

    summary: rows of one view, as in summary.csv. Rows without a Pointing Game (no image has a box) are left out, and the
    figure says so.
    """
    shown = summary[summary["pointing"].notna()]
    left_out = summary[summary["pointing"].isna()]
    points = look_of(shown)
    handles, labels = legend_entries(points)
    lines = sum(label.count("\n") + 1.4 for label in labels)
    beside = width >= style.WIDE  # the legend; else below
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        columns = 1 if beside else max(int(width / ENTRY), 1)
        height = max(4.4, 0.4 + LEADING * lines) if beside else 0.85 * width + LEADING * lines / columns
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        axes.set_xlabel("Pointing Game (% of images with boxes)")
        axes.set_ylabel("accuracy after the saccade (% of images)")
        sns.despine(ax=axes)
        if points.empty:
            axes.set(xlim=(0, 100), ylim=(0, 100))
            text = "No image has a box:\nthere is no Pointing Game to draw."
            axes.text(50, 50, text, ha="center", va="center")
            return figure
        draw_points(axes, points)
        place = "outside right upper" if beside else "outside lower center"
        look = {"frameon": False, "handlelength": 1.7, "fontsize": TEXT}
        legend = figure.legend(handles, labels, loc=place, ncols=columns, **look)
        plt.setp(legend.get_texts(), parse_math=False)
        if len(left_out):
            methods = left_out["variant"].map(style.method_name).groupby(left_out["model"], sort=False)
            rows = ", ".join(f"{model} ({', '.join(names)})" for model, names in methods)
            note = textwrap.fill(f"Not shown, as no image has a box: {rows}", int(width / NOTE))
            figure.supxlabel(note, fontsize=TEXT, parse_math=False)
        label_points(axes, points)
    return figure


def look_of(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows with what tells them apart: marker, colours, size and label; measures in percent."""
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
    # Points at one place are drawn as rings around each other, with gaps between them.
    place = points.groupby(["x", "y"])["x"]
    points["size"] = SIZE + RING * place.cumcount()
    gap = (place.transform("size") > 1) & (points["face"] != "white")
    points["edge"] = points["colour"].mask(gap, "white")
    return points.reset_index(drop=True)


def draw_points(axes: Axes, points: pd.DataFrame) -> None:
    """Points, their intervals on both axes, and the lines of the centre."""
    for centre in points[points["variant"] == "center"].itertuples():
        axes.axhline(centre.y, **BASELINES["accuracy_after"][1], linewidth=LINE, zorder=0)
        axes.axvline(centre.x, **BASELINES["pointing"][1], linewidth=LINE, zorder=0)
    for p in points.itertuples():
        cross = {"color": p.colour, "linewidth": LINE, "alpha": 0.6, "zorder": 1}
        axes.hlines(p.y, 100 * p.pointing_low, 100 * p.pointing_high, **cross)
        axes.vlines(p.x, 100 * p.accuracy_after_low, 100 * p.accuracy_after_high, **cross)
        axes.plot(
            p.x,
            p.y,
            p.marker,
            markersize=p.size,
            markerfacecolor=p.face,
            markeredgecolor=p.edge,
            markeredgewidth=1.1,
            zorder=3 - p.size / 100,
        )
    axes.margins(0.06)
    axes.set(xlim=np.clip(axes.get_xlim(), -1, 101), ylim=np.clip(axes.get_ylim(), -1, 101))


def legend_entries(points: pd.DataFrame) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else; the methods are named beside their points."""
    entries = []
    for row in points.drop_duplicates("model").to_dict("records"):
        handle = Line2D(
            [], [], linestyle="none", marker=row["marker"], markersize=7, color="0.25", fillstyle="left"
        )
        handle.set_markerfacecoloralt("white")
        entries.append((handle, row["number"] + "\n".join(style.network_lines(row, 32))))
    entries += [(Patch(**look), label) for cue, (label, look) in CUES.items() if cue in set(points["cue"])]
    if "center" in set(points["variant"]):
        entries += [(Line2D([], [], **look, linewidth=LINE), label) for label, look in BASELINES.values()]
    entries.append((Line2D([], [], color="0.25", linewidth=LINE, alpha=0.6), "95 % interval"))
    return [handle for handle, _ in entries], [label for _, label in entries]


def label_points(axes: Axes, points: pd.DataFrame) -> None:
    """Write each point's label beside it, with a thin line to it where it had to move away."""
    # Darker than the points: letters are thin.
    labels = [
        axes.text(
            point.x,
            point.y,
            point.label,
            fontsize=TEXT,
            color=[0.65 * part for part in mpl.colors.to_rgb(point.colour)],
            parse_math=False,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0},
        )
        for point in points.itertuples()
    ]
    place = {"x": points["x"].to_numpy(), "y": points["y"].to_numpy()}
    adjust_text(labels, **place, ax=axes, arrowprops=LEADER, **REPULSION)
