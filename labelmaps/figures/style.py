"""One style for all figures: colours, names of nulls, and how a figure is saved. A method's colour stands in its module."""

import logging
import textwrap
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from labelmaps import methods
from labelmaps.methods import center, facts_of, spare_colour
from labelmaps.modules import module_names
from labelmaps.storage.files import moved_into_place

# The paper's colours: blue before, red after, black for the Pointing Game; in tones that colour-blind readers distinguish.
BEFORE, AFTER, POINTING = "#0072B2", "#D55E00", "#222222"
CUE_LABELS = {"cued": "cued: told the label", "uncued": "uncued"}
# Cue → its text in legends, and the patch beside the text: filled markers are cued, hollow ones are not.
CUE_STYLES: dict[str, tuple[str, dict[str, Any]]] = {
    "cued": (CUE_LABELS["cued"], {"facecolor": "0.25", "edgecolor": "0.25"}),
    "uncued": (CUE_LABELS["uncued"], {"facecolor": "white", "edgecolor": "0.25"}),
    "baseline": ("the centre: no saccade", {"color": center.COLOUR}),
}
# Null of `labelmaps.scoring.nulls` → its name in figures.
NULL_LABELS = {
    "uniform": "uniform random fixation (expected)",
    "random": "uniform random fixation (one draw)",
    "best_cell": "best constant fixation",
    "decoy_second": "decoy: told x₀’s best other label",
    "decoy_random": "decoy: told a random other label",
    "any_view": "any view",
    "top_n": "label among x₀’s n best, n = labels that the views say",
    "mean_softmax": "mean softmax of all views",
    "mean_softmax_inner": "mean softmax without the outer ring",
    "mean_softmax_temperature": "mean softmax without the outer ring, T of ½, 1, 2, 4, 8 cross-validated",
    "ring_weights": "mean softmax, weights of rings cross-validated",
    "standard_crop": "standard crop",
    "five_crop": "five-crop",
    "ten_crop": "ten-crop",
    "not_looking": "best without looking (of those above)",
    "likelihood_set": "likelihood map, told all acceptable labels",
}
MARKERS = "osD^vP"  # one per network or variant; a seventh has the first marker again
# Settings with which the same data give the same bytes: no dates, no random identifiers. Text is saved as text.
REPRODUCIBLE: dict[Any, Any] = {"svg.hashsalt": "labelmaps", "svg.fonttype": "none", "pdf.fonttype": 42}
# Matplotlib's settings for a figure with axes and ticks: dark grey ink, small letters, long ticks.
INK = "0.15"
CHART: dict[Any, Any] = (
    dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)
    | dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize", "legend.title_fontsize"), 8.64)
    | dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 7.92)
    | dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 1.0)
    | dict.fromkeys(("patch.linewidth", "xtick.minor.width", "ytick.minor.width"), 0.8)
    | dict.fromkeys(("xtick.major.size", "ytick.major.size", "lines.markersize"), 4.8)
    | dict.fromkeys(("xtick.minor.size", "ytick.minor.size"), 3.2)
    | {"lines.linewidth": 1.2, "lines.solid_capstyle": "round", "axes.axisbelow": True, "grid.color": "0.8"}
    | {"patch.edgecolor": "w", "patch.force_edgecolor": True}
    | {"font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"]}
)
UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


@dataclass(frozen=True)
class Size:
    """The width of a figure in inches, and the number of pixels per inch if it is saved as pixels."""

    width: float
    dpi: int


# A slide of 13.3 inches shows its figure, and the letters, twice as large.
SIZES = {"page": Size(7.2, 200), "column": Size(3.5, 300), "slide": Size(6.4, 300)}
PAGE = SIZES["page"].width
WIDE = 6.0  # inches: the width from which on there is room for a legend beside the axes
NAMES, CHARACTER = 7.5, 0.056  # the size of names in points, and the mean width of their characters in inches
VALUE = 6.5  # points: numbers beside marks


def method_name(variant: str) -> str:
    """Return the name of a method with its options in figures: "DFF, components=3" for the variant "dff components=3"."""
    method, *options = variant.split()
    return ", ".join([facts_of(method).name if is_method(method) else method, *options])


def method_colour(variant: str) -> str:
    """Return the colour of a method in all figures; it does not depend on the method's options."""
    method = variant.split()[0]
    return facts_of(method).colour if is_method(method) else spare_colour(method)


def is_method(name: str) -> bool:
    """Return whether a method has this name. Tables that were made elsewhere may contain a method without a module here."""
    return name in module_names(methods)


def percent(table: pd.DataFrame, measure: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return a measure of each row and the lower and upper end of its interval, in percent."""
    return 100 * table[measure], 100 * table[f"{measure}_low"], 100 * table[f"{measure}_high"]


def unit_of(table: pd.DataFrame) -> str:
    """Return the unit of a table's shares: "images", or "cases" where images show several classes."""
    return "cases" if "n_cases" in table else "images"


def network_lines(row: pd.Series, width: int) -> list[str]:
    """Return a network's name, weights and number of images in lines of at most `width` characters.

    row: one row of the summary. The numbers of images with boxes and of cases are added if the row has them.
    """
    architecture = "" if row["architecture"] == row["model"] else f"{row['architecture']}, "
    n = f"n = {row['n_images']:,} images"
    if row.get("n_pointing", row["n_images"]) != row["n_images"]:
        n += f", {row['n_pointing']:,} with\N{NO-BREAK SPACE}boxes"
    if "n_cases" in row:
        n += f", {row['n_cases']:,} cases"
    parts = row["model"], architecture + row["weights"], n
    lines = [line for part in parts for line in textwrap.wrap(part, width)]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def prepare() -> None:
    """Set matplotlib up to draw without a display, and reproducibly; call it before the first figure.

    Settings of a user's matplotlibrc are reset, which matplotlib reads from the working folder or the home folder on import.
    """
    mpl.use("agg")
    mpl.rcdefaults()
    mpl.rcParams.update(REPRODUCIBLE)
    logging.getLogger("fontTools").setLevel(
        logging.WARNING
    )  # otherwise every PDF's letters are listed in the log


@contextmanager
def undisturbed() -> Generator[None]:
    """Draw as after `prepare` inside the `with` block; matplotlib keeps its backend, and is afterwards as it was before."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(REPRODUCIBLE)
        yield


def draw(figure: Callable[[float], Figure], paths: Sequence[Path], sizes: Sequence[str]) -> None:
    """Save a figure in each size, in the format of each path's suffix.

    figure: a function that draws it, given the width in inches. paths: the same number for each size, in the order of the
    sizes.
    sizes: keys of `SIZES`.
    """
    each = len(paths) // len(sizes)
    for i, size in enumerate(sizes):
        drawn = figure(SIZES[size].width)
        save(drawn, paths[i * each : (i + 1) * each], SIZES[size].dpi)
        plt.close(drawn)  # otherwise pyplot keeps all figures in memory


def save(
    figure: Figure, paths: Iterable[Path], dpi: int = SIZES["page"].dpi, compress_level: int = 6
) -> None:
    """Save a figure in the format of each path's suffix: pdf, svg or png.

    dpi: the number of pixels per inch, for png. compress_level: from 0 to 9, for png. Levels above 2 take longer and hardly
    make photographs smaller.
    """
    for path in paths:
        kind, picture = path.suffix[1:], BytesIO()
        options: dict[str, Any] = {"pil_kwargs": {"compress_level": compress_level}} if kind == "png" else {}
        # Save to memory: if a file could not be written, matplotlib might hide the reason behind an error of its own.
        figure.savefig(picture, format=kind, dpi=dpi, metadata=UNDATED[kind], **options)
        with moved_into_place(path) as temporary:
            temporary.write_bytes(picture.getbuffer())
