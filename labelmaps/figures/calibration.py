"""How well each reading of the protocol fits the paper's numbers: its misfit, and each term of the misfit."""

import textwrap
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from labelmaps.figures import style
from labelmaps.protocol.verdicts import REFUSED

# Measure → what the title calls its terms.
MEASURES = {"gain_over_standard_crop": "the gain of x₀ over the standard crop", "gain": "gains over x₀"}
PAPER: dict[str, Any] = {"color": style.POINTING, "linewidth": 0.8, "linestyle": (0, (4, 2))}
DOT: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markeredgewidth": 0.8}
DOT_ON_LINE: dict[str, Any] = DOT | {"linestyle": "-", "linewidth": 1}
MISFIT = "0.25"  # the colour of the misfits
SHARE = "best in: share of the resamples of images in which no reading has a smaller misfit"
BAND = "0.95"  # the background of every other row, which guides the eye
TEXT, HEADING = 6.0, 6.5  # points
# Characters on a line of the title, of a reading's name, and of a column's heading.
TITLE, READING, HEADER = 105, 40, 12
LINE = 0.105  # inches: the height of a line of text


def draw_calibration(
    ranking: pd.DataFrame,
    by_term: pd.DataFrame,
    model: str,
    architecture: str,
    weights: str,
    images: str,
) -> Figure:
    """Draw one row per reading, the best at the top, with a column for the misfit and one for each of its terms.

    ranking, by_term: one network's tables, as from `judge_readings`; the rows of `ranking` are drawn in their order.
    model, architecture, weights: the network's name in the configuration, its architecture and its weights, for the title.
    images: name of the data set of our images.

    The names of the readings of rank 1, which may be several, are bold. Where an obstacle keeps ours from being compared
    with the paper's numbers, all ranks are missing: no name is bold, and the title states the obstacle.
    """
    readings = ranking["reading"].tolist()
    terms = [rows for _, rows in by_term.groupby("term", sort=False)]
    names = [textwrap.wrap(reading, READING) for reading in readings]
    headers = [write_header(rows.iloc[0]) for rows in terms]
    title = write_title(ranking, by_term, model, architecture, weights, images)
    header_depth = max(map(len, headers))
    row_height = max(0.15, 0.03 + LINE * max(map(len, names)))
    height = row_height * len(readings) + LINE * (header_depth + 1.3 * len(title)) + 0.85
    with mpl.rc_context(style.CHART):
        figure, axes = plt.subplots(
            1,
            1 + len(terms),
            figsize=(style.PAGE, height),
            sharey=True,
            layout=ConstrainedLayoutEngine(w_pad=0.025, wspace=0),
        )
        for ax in axes:
            draw_rows(ax, len(readings))
        draw_misfits(axes[0], ranking)
        axes[0].set_yticks(range(len(readings)), map("\n".join, names), fontsize=TEXT, parse_math=False)
        is_best = ranking["rank"].eq(1).fillna(False)  # none where they are not ranked
        for name, best in zip(axes[0].get_yticklabels(), is_best, strict=True):
            name.set_fontweight("bold" if best else "normal")
        for ax, rows, header in zip(axes[1:], terms, headers, strict=True):
            draw_term(ax, rows.set_index("reading").loc[readings])
            ax.set_title("\n".join(header), fontsize=HEADING)
        figure.suptitle("\n".join(title), fontsize=HEADING + 0.5, parse_math=False)
        figure.legend(
            *make_legend_entries(ranking),
            loc="outside lower center",
            ncols=4,
            frameon=False,
            fontsize=HEADING,
            handletextpad=0.5,
        )
    return figure


def write_title(
    ranking: pd.DataFrame, by_term: pd.DataFrame, model: str, architecture: str, weights: str, images: str
) -> list[str]:
    """Return the title's lines: our network, the images, the paper's network for each measure, and what "best in" means.

    The arguments are those of `draw_calibration`. If readings are not ranked, the last line states the reason.
    """
    network = {"model": model, "architecture": architecture, "weights": weights}
    units = ranking.iloc[0].filter(["n_images", "n_cases"]).to_dict()
    lines = style.network_lines(pd.Series(network | units), TITLE)
    measures = by_term["measure"].map(MEASURES)
    paper_values = [
        f"{' and '.join(names.unique())} of its {network}"
        for network, names in measures.groupby(by_term["paper_network"], sort=False)
    ]
    images_line = f"our images: {images}; the paper’s, on ImageNet validation: {', '.join(paper_values)}"
    last = (
        SHARE
        if is_ranked(ranking)
        else f"no reading is ranked, and none refused: {ranking['verdict'].iloc[0]}"
    )
    return [*lines, *textwrap.wrap(images_line, TITLE), *textwrap.wrap(last, TITLE)]


def is_ranked(ranking: pd.DataFrame) -> bool:
    """Return whether the readings could be compared with the paper's numbers, so that no rank is missing."""
    return bool(ranking["rank"].notna().all())


def write_header(term: pd.Series) -> list[str]:
    """Return the lines of a column's heading: what gains, and the paper's value in percentage points.

    term: one row of the term's table, with method and paper, a gain as for `draw_term`.
    """
    is_x0 = term["method"] == "center"
    name = "x₀ over the standard crop" if is_x0 else style.method_name(term["method"])
    return [
        *([] if is_x0 else ["gain"]),
        *textwrap.wrap(name, HEADER, break_on_hyphens=False),
        f"paper {format_points(term['paper'])}",
    ]


def format_points(value: float) -> str:
    """Format a gain, a fraction, in percentage points with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def draw_rows(axes: Axes, n: int) -> None:
    """Prepare a column for n rows of height 1: the first row, at y = 0, is at the top, and every second one is shaded."""
    for y in range(1, n, 2):
        axes.axhspan(y - 0.5, y + 0.5, color=BAND, linewidth=0, zorder=0)
    axes.set_ylim(n - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, pad=5)
    axes.tick_params(axis="x", labelsize=TEXT, length=2, pad=1.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def draw_misfits(axes: Axes, ranking: pd.DataFrame) -> None:
    """Draw the misfits as dots, and write beside the axes the misfits and the share of resamples in which each is the least.

    The axis is linear up to 1 and logarithmic above. Dots of readings that the paper's numbers refuse are hollow.
    """
    misfit, y = ranking["misfit"], np.arange(len(ranking))
    is_refused = ranking["p"] < REFUSED
    for dots, face in ((~is_refused, MISFIT), (is_refused, "white")):
        axes.plot(
            misfit.where(dots),
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
    write_column(
        axes,
        27 if is_ranked(ranking) else 36,
        "misfit",
        [f"{value:,.{0 if value >= 1000 else 1}f}" for value in misfit],
    )
    if is_ranked(ranking):
        write_column(axes, 56, "best in", [f"{100 * share:.0f} %" for share in ranking["best_share"]])


def write_column(axes: Axes, offset: float, heading: str, values: list[str]) -> None:
    """Write one value per row beside the axes, aligned at the right.

    offset: the distance from the axes' right edge to the right end of the values, in points.
    """
    text: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "fontsize": TEXT,
    }
    axes.annotate(heading, (1, -0.5), (offset, 3), va="bottom", **text)
    for row, value in enumerate(values):
        axes.annotate(value, (1, row), (offset, 0), va="center_baseline", **text)


def draw_term(axes: Axes, term: pd.DataFrame) -> None:
    """Draw one term, a gain in accuracy, of every reading with its 95 % interval, and the paper's value as a vertical line.

    term: one row per reading, from the top: method and paper, the same in all rows, ours, ours_low and ours_high. The method
    gives the colour. A value is the method's gain over x₀, or that of x₀ over the standard crop, as a fraction; the axis is
    in percentage points.
    """
    first = term.iloc[0]
    colour, y = style.method_colour(first["method"]), np.arange(len(term))
    axes.axvline(100 * first["paper"], **PAPER, zorder=1)
    axes.hlines(y, 100 * term["ours_low"], 100 * term["ours_high"], color=colour, linewidth=1)
    axes.plot(100 * term["ours"], y, **DOT, color=colour, zorder=3)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 3, 4, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:{'+' if x else ''}.0f}".replace("-", "−")))


def make_legend_entries(ranking: pd.DataFrame) -> tuple[list[Artist], list[str]]:
    """Return handles and texts of the marks that occur in the figure."""
    compatible = Line2D([], [], **DOT, color=MISFIT)
    incompatible = Line2D([], [], **DOT, color=MISFIT, markerfacecolor="white")
    ours = Line2D([], [], **DOT_ON_LINE, color=MISFIT)
    entries: list[tuple[Artist, str, bool]] = [
        (compatible, f"misfit, p ≥ {REFUSED}", (ranking["p"] >= REFUSED).any()),
        (incompatible, f"misfit, p < {REFUSED}", (ranking["p"] < REFUSED).any()),
        (compatible, "misfit", not is_ranked(ranking)),
        (ours, "ours, 95 % interval (percentage points)", True),
        (Line2D([], [], **PAPER), "the paper", True),
    ]
    handles = [handle for handle, _, occurs in entries if occurs]
    return handles, [label for _, label, occurs in entries if occurs]
