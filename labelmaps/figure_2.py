"""The paper's Figure 2: accuracy before and after the saccade, and the Pointing Game, per method and network."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from labelmaps import style

MEASURES = {
    "accuracy_before": ("accuracy before the saccade (x₀)", style.BEFORE),
    "accuracy_after": ("accuracy after the saccade", style.AFTER),
    "pointing": ("Pointing Game", style.POINTING),
}
ROWS = {"cued": "cued: told the label", "uncued": "uncued"}
PAPER_KEY = ["architecture", "variant"]
BAR = 0.27  # width, in units of the distance between methods


def figure_2(summary: pd.DataFrame, paper: pd.DataFrame) -> Figure:
    """Draw the figure: cued methods above, uncued below, a column per network.

    summary: rows of one view, as in summary.csv. paper: what the paper states, in the columns of resources/paper.csv, for
    the same data set; may be empty. Raises `ValueError` when the summary holds no saccade at all.
    """
    paper = paper.rename(
        columns={"method": "variant"}
    )  # it states the values of the methods' default options
    models = list(dict.fromkeys(summary["model"]))
    cues = [cue for cue in ROWS if cue in set(summary["cue"])]
    if not cues:
        raise ValueError("the summary holds no cued and no uncued method: there is no saccade to draw")
    widest = int(summary[summary["cue"] != "baseline"].groupby(["model", "cue"]).size().max())
    with sns.axes_style("ticks"), sns.plotting_context("paper"):
        figure, axes = plt.subplots(
            len(cues),
            len(models),
            figsize=(max(6.5, 0.7 + len(models) * (0.3 + 1.4 * widest)), 1.1 + 2.2 * len(cues)),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for column, model in enumerate(models):
            of_model = summary[summary["model"] == model]
            for row, cue in enumerate(cues):
                draw_panel(axes[row, column], of_model, cue, paper, widest)
            axes[0, column].set_title(title(of_model.iloc[0]), fontsize="medium")
        for row, cue in enumerate(cues):
            axes[row, 0].set_ylabel(f"{ROWS[cue]}\n% of images")
        figure.legend(
            *legend_entries(summary, paper),
            loc="outside lower center",
            ncols=3,
            frameon=False,
        )
    return figure


def title(row: pd.Series) -> str:
    """Heading of a network's column."""
    n = f"n = {row['n_images']:,} images"
    if row["n_pointing"] != row["n_images"]:
        n += f", {row['n_pointing']:,} with boxes"
    architecture = "" if row["architecture"] == row["model"] else f"{row['architecture']}, "
    return f"{row['model']}\n{architecture}{row['weights']}, {n}"


def draw_panel(axes: Axes, summary: pd.DataFrame, cue: str, paper: pd.DataFrame, widest: int) -> None:
    """One network's methods of one kind of cue, as groups of bars with 95 % intervals and the paper's values.

    widest: the largest number of methods in a panel, so that bars are equally wide in all.
    """
    methods = summary[summary["cue"] == cue].reset_index(drop=True)
    stated = methods[PAPER_KEY].merge(paper, how="left", on=PAPER_KEY)
    for offset, (measure, (_, colour)) in zip((-1, 0, 1), MEASURES.items(), strict=True):
        x = np.arange(len(methods)) + offset * BAR
        value = 100 * methods[measure]
        low, high = 100 * methods[f"{measure}_low"], 100 * methods[f"{measure}_high"]
        axes.bar(x, value, BAR * 0.94, color=colour, linewidth=0)
        axes.errorbar(x, value, [value - low, high - value], fmt="none", ecolor="0.55", elinewidth=1.2)
        axes.scatter(x, 100 * stated[measure], marker="D", s=22, color="white", edgecolor="black", zorder=3)
        top = np.fmax(high, 100 * stated[measure])
        for bar_x, bar_top, bar_value in zip(x, top, value, strict=True):
            if np.isfinite(bar_value):
                label = axes.annotate(
                    f"{bar_value:.1f}", (bar_x, bar_top), (0, 4), textcoords="offset points"
                )
                label.set(ha="center", fontsize=6.5, color=colour, bbox={"color": "white", "pad": 0.5})
    baseline = summary.loc[summary["variant"] == "center", "pointing"]
    if len(baseline):
        axes.axhline(100 * baseline.iloc[0], color="0.45", linestyle=":", linewidth=1.2, zorder=0)
    axes.set_xticks(range(len(methods)), [style.method_name(method) for method in methods["method"]])
    axes.tick_params(axis="x", length=0)
    middle = (len(methods) - 1) / 2
    axes.set(xlim=(middle - widest / 2, middle + widest / 2), ylim=(0, 108), yticks=range(0, 101, 20))
    sns.despine(ax=axes)


def legend_entries(summary: pd.DataFrame, paper: pd.DataFrame) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else."""
    entries = [(Patch(color=colour), label) for label, colour in MEASURES.values()]
    entries.append((Line2D([], [], color="0.55"), "95 % interval"))
    if "center" in set(summary["variant"]):
        entries.append((Line2D([], [], color="0.45", linestyle=":"), "Pointing Game of the centre"))
    if len(summary[PAPER_KEY].merge(paper, on=PAPER_KEY)):
        diamond = Line2D([], [], linestyle="", marker="D", markerfacecolor="white", markeredgecolor="black")
        entries.append((diamond, "the paper (same architecture)"))
    return [handle for handle, _ in entries], [label for _, label in entries]
