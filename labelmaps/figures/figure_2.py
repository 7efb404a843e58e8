"""The paper's Figure 2: accuracy before and after the saccade, and the Pointing Game, by method and network."""

import math
from itertools import zip_longest
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
from matplotlib.patheffects import withStroke

from labelmaps.figures import style

MEASURES = {
    "accuracy_before": ("accuracy before the saccade (x₀)", style.BEFORE),
    "accuracy_after": ("accuracy after the saccade", style.AFTER),
    "pointing": ("Pointing Game", style.POINTING),
}
# Measure of the centre → its text in the legend, and the options of its line. The method "center" stays at x₀, so that its
# accuracy after the saccade is the accuracy before.
BASELINES: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy_after": ("accuracy at the centre (x₀)", {"color": style.BEFORE, "linestyle": (0, (5, 3))}),
    "pointing": ("Pointing Game of the centre", {"color": "0.45", "linestyle": (0, (1, 1.5))}),
}
PAPER_KEY = ["model", "variant"]
HOLLOW: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "white"}
# The marks of the paper's values, and of the accuracy of the labels that methods give themselves.
DIAMOND: dict[str, Any] = HOLLOW | {
    "marker": "D",
    "markersize": 3.7,
    "markeredgecolor": "black",
    "markeredgewidth": 0.8,
}
TRIANGLE: dict[str, Any] = HOLLOW | {
    "marker": "^",
    "markersize": 4.2,
    "markeredgecolor": style.BEFORE,
    "markeredgewidth": 0.9,
}
INTERVAL: dict[str, Any] = {"color": "black", "linewidth": 0.9}
CASING = [withStroke(linewidth=2.4, foreground="white")]  # keeps thin lines visible on bars of any colour
# In units of the distance between methods: a bar's width, and the offset of a triangle from the middle of its method.
BAR, OWN = 0.27, 0.465
# Inches between methods: the least, at which values are turned upright; the least for values side by side; the most.
NARROWEST, HORIZONTAL, WIDEST = 0.46, 0.78, 1.4
MARGIN, GAP = 0.7, 0.1  # inches: the axis at the left, and between two networks
LEGEND = 2.35  # inches: a column of the legend


def draw_figure_2(summary: pd.DataFrame, paper: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw accuracy before and after the saccade and the Pointing Game as bars, in one column of panels per network.

    Cued methods are in the upper panel, uncued ones in the lower. Networks that do not fit side by side continue below; if
    the width is not enough for one network, the figure is wider.

    summary: rows of one view, as in summary.csv.
    paper: the paper's values to be marked, as from `labelmaps.protocol.verdicts.find_marks`; may be empty.
    width: of the figure, in inches.

    Raises `ValueError` if the summary has neither a cued nor an uncued method.
    """
    models = list(dict.fromkeys(summary["model"]))
    cues = [cue for cue in style.CUE_LABELS if cue in set(summary["cue"])]
    if not cues:
        raise ValueError("the summary holds no cued and no uncued method: there is no saccade to draw")
    methods = summary[summary["cue"] != "baseline"]
    n_methods = int(methods.groupby(["model", "cue"]).size().max())
    n_columns = int(np.clip((width - MARGIN) / (GAP + n_methods * NARROWEST), 1, len(models)))
    n_blocks = math.ceil(len(models) / n_columns)
    n_columns = math.ceil(len(models) / n_blocks)
    panel_width = (width - MARGIN) / n_columns - GAP
    spacing = float(np.clip(panel_width / n_methods, NARROWEST, WIDEST))
    width = max(MARGIN + n_columns * (GAP + n_methods * spacing), min(2 * LEGEND, width))
    longest_name = methods["variant"].map(style.method_name).str.len().max()
    is_horizontal = bool(spacing >= max(HORIZONTAL, style.CHARACTER * longest_name))
    headings = [
        style.network_lines(
            summary[summary["model"] == model].iloc[0], int(n_methods * spacing / style.CHARACTER)
        )
        for model in models
    ]
    n_lines = max(map(len, headings))
    block_height = 0.15 * n_lines + (1.8 if is_horizontal else 2.2) * len(cues)
    with mpl.rc_context(style.CHART):
        figure, axes = plt.subplots(
            n_blocks * len(cues),
            n_columns,
            figsize=(width, 0.6 + n_blocks * block_height),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for (block, column), model, heading in zip_longest(np.ndindex(n_blocks, n_columns), models, headings):
            panels = axes[block * len(cues) : (block + 1) * len(cues), column]
            if model is None:
                for panel in panels:
                    panel.remove()
                continue
            rows = summary[summary["model"] == model]
            for panel, cue in zip(panels, cues, strict=True):
                draw_panel(panel, rows, cue, paper, n_methods, is_horizontal=is_horizontal)
                if column == 0:
                    panel.set_ylabel(f"{style.CUE_LABELS[cue]}\n% of {style.unit_of(summary)}")
            heading += [""] * (n_lines - len(heading))  # so that the networks' names are on one line
            panels[0].set_title("\n".join(heading), fontsize=style.NAMES, parse_math=False)
        figure.legend(
            *make_legend_entries(summary, paper),
            loc="outside lower center",
            ncols=min(max(int(width / LEGEND), 1), 3),
            frameon=False,
            handlelength=1.7,
        )
    return figure


def draw_panel(
    axes: Axes, summary: pd.DataFrame, cue: str, paper: pd.DataFrame, n_methods: int, *, is_horizontal: bool
) -> None:
    """Draw one network's methods of one cue as groups of bars, with 95 % intervals and the paper's values.

    summary: the network's rows, of all cues.
    paper: the paper's values, as in `draw_figure_2`.
    n_methods: the largest number of methods in any panel, so that bars are equally wide in all.
    is_horizontal: whether values and names are written horizontally; otherwise they are turned, which takes less width.
    """
    methods = summary[summary["cue"] == cue].reset_index(drop=True)
    paper_values = methods[PAPER_KEY].merge(paper, how="left", on=PAPER_KEY)
    centre = summary[summary["variant"] == "center"]
    for measure, (_, line) in BASELINES.items():
        for value in centre[measure].dropna():
            axes.axhline(100 * value, **line, linewidth=0.9, zorder=0)
    for offset, (measure, (_, colour)) in zip((-1, 0, 1), MEASURES.items(), strict=True):
        x = np.arange(len(methods)) + offset * BAR
        value, low, high = style.percent(methods, measure)
        axes.bar(x, value, BAR * 0.94, color=colour, linewidth=0)
        axes.vlines(x, low, high, **INTERVAL, path_effects=CASING, zorder=3)
        theirs = (100 * paper_values[measure]).where(value.notna())
        axes.plot(x, theirs, **DIAMOND, zorder=4)
        top = np.fmax(high, theirs)
        for bar_x, bar_top, bar_value in zip(x, top, value, strict=True):
            if np.isfinite(bar_value):
                label = axes.annotate(
                    f"{bar_value:.1f}", (bar_x, bar_top), (0, 5), textcoords="offset points"
                )
                label.set(
                    ha="center", fontsize=6.5, color=colour, rotation=0 if is_horizontal else 90, zorder=5
                )
                label.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.5})
    value, low, high = style.percent(methods, "accuracy_own")
    x = np.arange(len(methods)) + OWN
    axes.vlines(x, low, high, **INTERVAL, path_effects=CASING, zorder=3)
    axes.plot(x, value, **TRIANGLE, zorder=4, clip_on=False)
    names = [style.method_name(variant) for variant in methods["variant"]]
    rotation: dict[str, Any] = {}
    if not is_horizontal:
        rotation = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "linespacing": 0.9}
        names = [name.replace(" ", "\n") for name in names]
    axes.set_xticks(range(len(methods)), names, parse_math=False, **rotation)
    axes.tick_params(axis="x", length=0, labelsize=style.NAMES)
    middle = (len(methods) - 1) / 2
    axes.set(xlim=(middle - n_methods / 2, middle + n_methods / 2), ylim=(0, 108 if is_horizontal else 116))
    axes.set_yticks(range(0, 101, 20))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_bounds(0, 100)


def make_legend_entries(summary: pd.DataFrame, paper: pd.DataFrame) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the bars, lines and markers that occur in the figure.

    summary: the rows of all networks. paper: the paper's values, as in `draw_figure_2`.
    """
    centre, methods = summary[summary["variant"] == "center"], summary[summary["cue"] != "baseline"]
    entries: list[tuple[Artist, str]] = [
        (Patch(color=colour), label)
        for measure, (label, colour) in MEASURES.items()
        if methods[measure].notna().any()
    ]
    entries.append((Line2D([], [], **INTERVAL), "95 % interval"))
    for measure, (label, line) in BASELINES.items():
        if centre[measure].notna().any():
            entries.append((Line2D([], [], **line, linewidth=0.9), label))
    if len(methods[PAPER_KEY].merge(paper, on=PAPER_KEY)):
        entries.append((Line2D([], [], **DIAMOND), "the paper (same architecture)"))
    if methods["accuracy_own"].notna().any():
        entries.append((Line2D([], [], **TRIANGLE), "accuracy of the method’s own label"))
    return [handle for handle, _ in entries], [label for _, label in entries]
