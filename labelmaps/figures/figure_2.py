"""The paper's Figure 2: accuracy before and after the saccade, and the Pointing Game, per method and network."""

import math
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
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
# The centre's row: measure → what the legend says, and how its line looks. Its saccade goes nowhere, so after is before.
BASELINES = {
    "accuracy_after": ("accuracy at the centre (x₀)", {"color": style.BEFORE, "linestyle": (0, (5, 3))}),
    "pointing": ("Pointing Game of the centre", {"color": "0.45", "linestyle": (0, (1, 1.5))}),
}
PAPER_KEY = ["architecture", "variant"]
MARK = {"linestyle": "none", "markerfacecolor": "white"}
DIAMOND = MARK | {"marker": "D", "markersize": 3.7, "markeredgecolor": "black", "markeredgewidth": 0.8}
TRIANGLE = MARK | {"marker": "^", "markersize": 4.2, "markeredgecolor": style.BEFORE, "markeredgewidth": 0.9}
INTERVAL = {"color": "black", "linewidth": 0.9}
CASING = [withStroke(linewidth=2.4, foreground="white")]  # thin lines stay visible on bars of any colour
# In units of the distance between methods: a bar's width, and where the mark of a method's own accuracy stands.
BAR, OWN = 0.27, 0.465
# Inches between methods: enough for values that stand upright, enough for values side by side, and more would look empty.
NARROWEST, LEVEL, WIDEST = 0.46, 0.78, 1.4
MARGIN, GAP = 0.7, 0.1  # inches: the axis at the left, and between two networks
LEGEND = 2.35  # inches: a column of the legend


def figure_2(summary: pd.DataFrame, paper: pd.DataFrame, width: float = style.PAGE) -> Figure:
    """Draw the figure: cued methods above, uncued below, a column per network.

    Where the width is not enough for all networks, they go on below; where it is not for one, the figure is wider.

    summary: rows of one view, as in summary.csv. paper: what the paper states, in the columns of resources/paper.csv, for
    the same data set; may be empty. Raises `ValueError` when the summary holds no saccade at all.
    """
    paper = paper.rename(columns={"method": "variant"})  # it has the methods with their default options
    models = list(dict.fromkeys(summary["model"]))
    cues = [cue for cue in style.CUES if cue in set(summary["cue"])]
    if not cues:
        raise ValueError("the summary holds no cued and no uncued method: there is no saccade to draw")
    methods = summary[summary["cue"] != "baseline"]
    widest = int(methods.groupby(["model", "cue"]).size().max())
    across = int(np.clip((width - MARGIN) / (GAP + widest * NARROWEST), 1, len(models)))
    blocks = math.ceil(len(models) / across)
    across = math.ceil(len(models) / blocks)
    room = (width - MARGIN) / across - GAP
    spacing = float(np.clip(room / widest, NARROWEST, WIDEST))
    width = max(MARGIN + across * (GAP + widest * spacing), min(2 * LEGEND, width))
    longest = methods["variant"].map(style.method_name).str.len().max()
    level = spacing >= max(LEVEL, style.CHARACTER * longest)
    headings = [
        style.network_lines(
            summary[summary["model"] == model].iloc[0], int(widest * spacing / style.CHARACTER)
        )
        for model in models
    ]
    lines = max(map(len, headings))
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        figure, axes = plt.subplots(
            blocks * len(cues),
            across,
            figsize=(width, 0.6 + blocks * (0.15 * lines + (1.8 if level else 2.2) * len(cues))),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for (block, column), model, heading in zip_longest(np.ndindex(blocks, across), models, headings):
            panels = axes[block * len(cues) : (block + 1) * len(cues), column]
            if model is None:
                for panel in panels:
                    panel.remove()
                continue
            of_model = summary[summary["model"] == model]
            for panel, cue in zip(panels, cues, strict=True):
                draw_panel(panel, of_model, cue, paper, widest, level=level)
                if column == 0:
                    panel.set_ylabel(f"{style.CUES[cue]}\n% of images")
            # As many lines everywhere, so that the networks' names stand side by side.
            heading += [""] * (lines - len(heading))
            panels[0].set_title("\n".join(heading), fontsize=style.NAMES, parse_math=False)
        figure.legend(
            *legend_entries(summary, paper),
            loc="outside lower center",
            ncols=min(max(int(width / LEGEND), 1), 3),
            frameon=False,
            handlelength=1.7,
        )
    return figure


def draw_panel(
    axes: Axes, summary: pd.DataFrame, cue: str, paper: pd.DataFrame, widest: int, *, level: bool
) -> None:
    """One network's methods of one kind of cue, as groups of bars with 95 % intervals and the paper's values.

    widest: the largest number of methods in a panel, so that bars are equally wide in all. level: there is room for text
    without turning it.
    """
    methods = summary[summary["cue"] == cue].reset_index(drop=True)
    stated = methods[PAPER_KEY].merge(paper, how="left", on=PAPER_KEY)
    centre = summary[summary["variant"] == "center"]
    for measure, (_, look) in BASELINES.items():
        for value in centre[measure].dropna():
            axes.axhline(100 * value, **look, linewidth=0.9, zorder=0)
    for offset, (measure, (_, colour)) in zip((-1, 0, 1), MEASURES.items(), strict=True):
        x = np.arange(len(methods)) + offset * BAR
        value, low, high = style.percent(methods, measure)
        axes.bar(x, value, BAR * 0.94, color=colour, linewidth=0)
        axes.vlines(x, low, high, **INTERVAL, path_effects=CASING, zorder=3)
        theirs = (100 * stated[measure]).where(value.notna())
        axes.plot(x, theirs, **DIAMOND, zorder=4)
        top = np.fmax(high, theirs)
        for bar_x, bar_top, bar_value in zip(x, top, value, strict=True):
            if np.isfinite(bar_value):
                label = axes.annotate(
                    f"{bar_value:.1f}", (bar_x, bar_top), (0, 5), textcoords="offset points"
                )
                label.set(ha="center", fontsize=6.5, color=colour, rotation=0 if level else 90, zorder=5)
                label.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.5})
    value, low, high = style.percent(methods, "accuracy_own")
    x = np.arange(len(methods)) + OWN
    axes.vlines(x, low, high, **INTERVAL, path_effects=CASING, zorder=3)
    axes.plot(x, value, **TRIANGLE, zorder=4, clip_on=False)
    names = [style.method_name(variant) for variant in methods["variant"]]
    turned = {} if level else {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "linespacing": 0.9}
    names = names if level else [name.replace(" ", "\n") for name in names]
    axes.set_xticks(range(len(methods)), names, parse_math=False, **turned)
    axes.tick_params(axis="x", length=0, labelsize=style.NAMES)
    middle = (len(methods) - 1) / 2
    axes.set(xlim=(middle - widest / 2, middle + widest / 2), ylim=(0, 108 if level else 116))
    axes.set_yticks(range(0, 101, 20))
    sns.despine(ax=axes)
    axes.spines["left"].set_bounds(0, 100)


def legend_entries(summary: pd.DataFrame, paper: pd.DataFrame) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else."""
    centre, methods = summary[summary["variant"] == "center"], summary[summary["cue"] != "baseline"]
    entries = [
        (Patch(color=colour), label)
        for measure, (label, colour) in MEASURES.items()
        if methods[measure].notna().any()
    ]
    entries.append((Line2D([], [], **INTERVAL), "95 % interval"))
    for measure, (label, look) in BASELINES.items():
        if centre[measure].notna().any():
            entries.append((Line2D([], [], **look, linewidth=0.9), label))
    if len(methods[PAPER_KEY].merge(paper, on=PAPER_KEY)):
        entries.append((Line2D([], [], **DIAMOND), "the paper (same architecture)"))
    if methods["accuracy_own"].notna().any():
        entries.append((Line2D([], [], **TRIANGLE), "accuracy of the method’s own label"))
    return [handle for handle, _ in entries], [label for _, label in entries]
