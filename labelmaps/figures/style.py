"""One style for all figures: names, colours, and how a figure is saved."""

import logging
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from labelmaps.storage.files import moved_into_place

# The paper's colours: blue before, red after, black for the Pointing Game; in tones that colour-blind readers tell apart.
BEFORE, AFTER, POINTING = "#0072B2", "#D55E00", "#222222"
# Name and colour of each method, the same in every figure (Okabe and Ito's palette, then Tol's).
METHODS = {
    "center": ("centre", "#666666"),
    "likelihood": ("likelihood map", "#E69F00"),
    "gradcam": ("Grad-CAM", "#CC79A7"),
    "max_logit": ("maximum logit", "#56B4E9"),
    "max_softmax": ("maximum softmax", "#88CCEE"),
    "min_entropy": ("minimum entropy", "#44AA99"),
    "igub": ("IGUB", "#009E73"),
    "consensus": ("consensus", "#999933"),
    "dff": ("DFF", "#882255"),
    "hirescam": ("HiResCAM", "#AA4499"),
    "layercam": ("LayerCAM", "#332288"),
    "gradcam_plusplus": ("Grad-CAM++", "#DDCC77"),
    "xgradcam": ("XGradCAM", "#CC6677"),
    "eigencam": ("EigenCAM", "#117733"),
}
OTHER = "#BBBBBB"
CUES = {"cued": "cued: told the label", "uncued": "uncued"}
# What figures call the nulls of `labelmaps.scoring.nulls`.
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
    "standard_crop": "standard crop (256/224)",
}
MARKERS = "osD^vP"  # one per network or variant; of more than these, they come again
# The same data give the same bytes: no dates, no random identifiers; text stays text.
REPRODUCIBLE = {"svg.hashsalt": "labelmaps", "svg.fonttype": "none", "pdf.fonttype": 42}
UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


@dataclass(frozen=True)
class Size:
    """How wide figures are, in inches, and how many pixels an inch has where they are saved as pixels."""

    width: float
    dpi: int


# A slide of 13.3 inches shows its figure, and the letters, twice as large.
SIZES = {"page": Size(7.2, 200), "column": Size(3.5, 300), "slide": Size(6.4, 300)}
PAGE = SIZES["page"].width
WIDE = 6.0  # inches, from which on there is room for something beside the axes
NAMES, CHARACTER = 7.5, 0.056  # of names: size in points, and a character's mean width in inches
VALUE = 6.5  # points: numbers beside marks


def method_name(variant: str) -> str:
    """What figures call a method with these options: "DFF, components=3" for the variant "dff components=3"."""
    method, *options = variant.split()
    return ", ".join([METHODS.get(method, (method, OTHER))[0], *options])


def method_colour(variant: str) -> str:
    """The colour of a method in every figure that tells methods apart by colour, whatever its options."""
    return METHODS.get(variant.split()[0], ("", OTHER))[1]


def percent(table: pd.DataFrame, measure: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """A measure and the ends of its interval, in percent."""
    return 100 * table[measure], 100 * table[f"{measure}_low"], 100 * table[f"{measure}_high"]


def network_lines(row: pd.Series, width: int) -> list[str]:
    """A network's name, weights and number of images, from a row of the summary, in lines of at most `width` characters.

    The images with boxes are told apart where the row says how many there are.
    """
    architecture = "" if row["architecture"] == row["model"] else f"{row['architecture']}, "
    n = f"n = {row['n_images']:,} images"
    if row.get("n_pointing", row["n_images"]) != row["n_images"]:
        n += f", {row['n_pointing']:,} with\N{NO-BREAK SPACE}boxes"
    parts = row["model"], architecture + row["weights"], n
    lines = [line for part in parts for line in textwrap.wrap(part, width)]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def prepare() -> None:
    """Draw without a display, and reproducibly; before the first figure."""
    mpl.use("agg")
    mpl.rcParams.update(REPRODUCIBLE)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # else every PDF fills the log with its letters


def draw(figure: Callable[[float], Figure], paths: Sequence[Path], sizes: Sequence[str]) -> None:
    """Save `figure(width)` in each size, in the format of each path's suffix; as many paths for each size, in order."""
    each = len(paths) // len(sizes)
    for i, size in enumerate(sizes):
        save(figure(SIZES[size].width), paths[i * each : (i + 1) * each], SIZES[size].dpi)


def save(figure: Figure, paths: Iterable[Path], dpi: int = SIZES["page"].dpi) -> None:
    """Save a figure in the format of each path's suffix: pdf, svg or png."""
    for path in paths:
        kind, picture = path.suffix[1:], BytesIO()
        # Not to a file: why that cannot be written, matplotlib may hide behind an error of its own.
        figure.savefig(picture, format=kind, dpi=dpi, metadata=UNDATED[kind])
        with moved_into_place(path) as temporary:
            temporary.write_bytes(picture.getbuffer())
