"""How each reading of the paper's protocol fits the paper's numbers: the misfit, and every term of it."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from labelmaps.figures import style

# What a column's heading calls a measure, and what the title calls several.
MEASURES = {"accuracy_before": "accuracy", "accuracy_after": "accuracy", "gain": "gain"}
PLURAL = {"accuracy": "accuracies", "gain": "gains"}
PAPER = {"color": style.POINTING, "linewidth": 0.8, "linestyle": (0, (4, 2))}
DOT = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markeredgewidth": 0.8}
MISFIT = "0.25"
SIGNIFICANT = 0.05  # a reading whose p is smaller is drawn hollow
SHARE = "best in: share of the resamples of images in which no reading has a smaller misfit"
BAND = "0.95"  # every other reading's background, to read along
TEXT, HEADING = 6.0, 6.5  # points
# Characters in a line: of the title, a reading's name, a column's heading.
TITLE, READING, HEADER = 105, 40, 12
LINE = 0.105  # inches, of text


def calibration_figure(
    ranking: pd.DataFrame,
    by_term: pd.DataFrame,
    model: str,
    architecture: str,
    weights: str,
    images: str,
) -> Figure:
    """Draw the figure: a row per reading, the best above; a column for the misfit, and one per term.

    ranking, by_term: as from `calibrate`. model, architecture, weights: the network, as in the summary. images: of which
    data set ours are.
    """
    readings = ranking["reading"].tolist()
    terms = [of_term for _, of_term in by_term.groupby("term", sort=False)]
    names = [textwrap.wrap(reading, READING) for reading in readings]
    headers = [header_lines(of_term.iloc[0]) for of_term in terms]
    title = title_lines(ranking, by_term, model, architecture, weights, images)
    depth = max(map(len, headers))
    row = max(0.15, 0.03 + LINE * max(map(len, names)))
    height = row * len(readings) + LINE * (depth + 1.3 * len(title)) + 0.85
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.9):
        figure, axes = plt.subplots(
            1,
            1 + len(terms),
            figsize=(style.PAGE, height),
            sharey=True,
            layout="constrained",
        )
        figure.get_layout_engine().set(w_pad=0.025, wspace=0)
        for ax in axes:
            draw_rows(ax, len(readings))
        draw_misfits(axes[0], ranking)
        axes[0].set_yticks(range(len(readings)), map("\n".join, names), fontsize=TEXT, parse_math=False)
        for name, rank in zip(axes[0].get_yticklabels(), ranking["rank"], strict=True):
            name.set_fontweight("bold" if rank == 1 else "normal")
        for ax, of_term, header in zip(axes[1:], terms, headers, strict=True):
            draw_term(ax, of_term.set_index("reading").loc[readings])
            ax.set_title("\n".join(header), fontsize=HEADING)
        figure.suptitle("\n".join(title), fontsize=HEADING + 0.5, parse_math=False)
        figure.legend(
            *legend_entries(ranking),
            loc="outside lower center",
            ncols=4,
            frameon=False,
            fontsize=HEADING,
            handletextpad=0.5,
        )
    return figure


def title_lines(
    ranking: pd.DataFrame, by_term: pd.DataFrame, model: str, architecture: str, weights: str, images: str
) -> list[str]:
    """The network, its weights, n; of which of the paper's networks the values are; what the shares are."""
    n = ranking["n_images"].iloc[0]
    network = {"model": model, "architecture": architecture, "weights": weights}
    lines = style.network_lines(pd.Series(network | {"n_images": n}), TITLE)
    measures = by_term["measure"].map(MEASURES).map(PLURAL)
    whose = [
        f"{' and '.join(of_network.unique())} of its {network}"
        for network, of_network in measures.groupby(by_term["paper_network"], sort=False)
    ]
    ours = f"our images: {images}; the paper’s, on ImageNet validation: {', '.join(whose)}"
    return [*lines, *textwrap.wrap(ours, TITLE), SHARE]


def header_lines(term: pd.Series) -> list[str]:
    """The heading of a term's column; the last line is the paper's value, in percentage points."""
    of_what = "at x₀" if term["measure"] == "accuracy_before" else style.method_name(term["method"])
    of_what = textwrap.wrap(of_what, HEADER, break_on_hyphens=False)
    return [MEASURES[term["measure"]], *of_what, f"paper {points(term['paper'], term['measure'])}"]


def points(value: float, measure: str) -> str:
    """A fraction in percentage points, a gain with its sign."""
    return f"{100 * value:{'+' if measure == 'gain' else ''}.1f}".replace("-", "−")


def draw_rows(axes: Axes, n: int) -> None:
    """The ground of a column: a row per reading, the first above, every other one shaded."""
    for y in range(1, n, 2):
        axes.axhspan(y - 0.5, y + 0.5, color=BAND, linewidth=0, zorder=0)
    axes.set_ylim(n - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, pad=5)
    axes.tick_params(axis="x", labelsize=TEXT, length=2, pad=1.5)
    sns.despine(ax=axes, left=True)


def draw_misfits(axes: Axes, ranking: pd.DataFrame) -> None:
    """The misfits, on an axis that is logarithmic from 1 on, and in figures; beside them the share of resamples won."""
    misfit, y = ranking["misfit"], np.arange(len(ranking))
    is_compatible = ranking["p"] >= SIGNIFICANT
    for fits, face in ((True, MISFIT), (False, "white")):
        axes.plot(
            misfit.where(is_compatible == fits),
            y,
            **DOT,
            color=MISFIT,
            markerfacecolor=face,
            clip_on=False,
            zorder=3,
        )
    end = max(1.2 * misfit.max(), 10)
    decades = int(np.log10(end))
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, end)
    axes.set_xticks([0, *10 ** np.arange(0, decades + 1, 1 + decades // 3)])
    axes.set_xticks(10 ** np.arange(0, decades + 1), minor=True)
    axes.tick_params(axis="x", which="minor", length=1.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    write_column(axes, 27, "misfit", [f"{value:,.{0 if value >= 1000 else 1}f}" for value in misfit])
    write_column(axes, 56, "best in", [f"{100 * share:.0f} %" for share in ranking["best_share"]])


def write_column(axes: Axes, offset: float, heading: str, values: list[str]) -> None:
    """A value per reading in figures, ending so many points to the right of the axes."""
    look = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "fontsize": TEXT,
    }
    axes.annotate(heading, (1, -0.5), (offset, 3), va="bottom", **look)
    for row, value in enumerate(values):
        axes.annotate(value, (1, row), (offset, 0), va="center_baseline", **look)


def draw_term(axes: Axes, of_term: pd.DataFrame) -> None:
    """One term of every reading, with its 95 % interval, and the paper's value as a line; percentage points."""
    first = of_term.iloc[0]
    colour, y = style.method_colour(first["method"]), np.arange(len(of_term))
    axes.axvline(100 * first["paper"], **PAPER, zorder=1)
    axes.hlines(y, 100 * of_term["ours_low"], 100 * of_term["ours_high"], color=colour, linewidth=1)
    axes.plot(100 * of_term["ours"], y, **DOT, color=colour, zorder=3)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 3, 4, 5, 10]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(
            lambda x, _: f"{x:{'+' if first['measure'] == 'gain' and x else ''}.0f}".replace("-", "−")
        )
    )


def legend_entries(ranking: pd.DataFrame) -> tuple[list, list[str]]:
    """Handles and labels of what the figure shows, and of nothing else."""
    compatible = Line2D([], [], **DOT, color=MISFIT)
    incompatible = Line2D([], [], **DOT, color=MISFIT, markerfacecolor="white")
    ours = Line2D([], [], **DOT | {"linestyle": "-"}, color=MISFIT, linewidth=1)
    entries = [
        (compatible, f"misfit, p ≥ {SIGNIFICANT}", (ranking["p"] >= SIGNIFICANT).any()),
        (incompatible, f"misfit, p < {SIGNIFICANT}", (ranking["p"] < SIGNIFICANT).any()),
        (ours, "ours, 95 % interval (percentage points)", True),
        (Line2D([], [], **PAPER), "the paper", True),
    ]
    shown = [(handle, label) for handle, label, is_shown in entries if is_shown]
    return [handle for handle, _ in shown], [label for _, label in shown]
