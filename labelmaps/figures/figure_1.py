"""The paper's Figure 1: the fixation of each method on one image, and the network's label of the view there."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke, withStroke
from PIL import Image

from labelmaps.figures import style
from labelmaps.figures.figure_1_data import Example, Saccade, Scanpath, SeenView
from labelmaps.figures.layout import (
    GAP,
    GREY,
    LARGEST_IMAGE,
    MARGIN,
    TEXT_SIZE,
    Line,
    Page,
    draw_box,
    fit,
    sum_heights,
)

# Lengths in inches.
NARROWEST_PANEL, WIDEST_PANEL = 1.05, 1.9  # methods that would need narrower panels continue below
TALLEST, FLATTEST = 1.5, 0.35  # height of the upper panels, in units of their width
LARGE = 8.0  # points: the size of titles
LEGEND = {4: 6.2, 2: 4.2, 1: 0.0}  # number of the legend's columns → the width that they need
LEGEND_LINE = 0.16  # the height of a line of the legend

HEAT, HEAT_ALPHA = "viridis", 0.55
# The grey value that is drawn as black; it lies below 0, so that dark parts of the image stay lighter than black under the
# map.
BLACK = -80
RIGHT, WRONG, UNJUDGED = (
    ("✓ ", "#00694C"),
    ("✗ ", "#B3301C"),
    ("", "black"),
)  # the last where no label is given
# White under a dark edge can be seen on any image.
BOX_STYLE: dict[str, Any] = {
    "edgecolor": "white",
    "linewidth": 1.0,
    "path_effects": [withStroke(linewidth=2.0, foreground="black")],
}
FAINT_BOX_STYLE: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.7, "alpha": 0.6}
EXTENT_STYLE: dict[str, Any] = {
    "edgecolor": "white",
    "linewidth": 0.8,
    "linestyle": (0, (3, 2)),
    "path_effects": [
        Stroke(linewidth=1.4, foreground="black", dashes={"dash_offset": 0, "dash_list": None}),
        Normal(),
    ],
}
POINT_STYLE: dict[str, Any] = {
    "linestyle": "",
    "marker": "o",
    "markersize": 4.5,
    "markerfacecolor": "none",
    "markeredgecolor": "white",
    "markeredgewidth": 1.2,
    "path_effects": [withStroke(linewidth=2.6, foreground="black")],
    "clip_on": False,
}

# A scanpath's line and its fixations, drawn over a wider white line (path effects would take most of the time), and their
# numbers.
CASING_STYLE: dict[str, Any] = {"linewidth": 2.4, "clip_on": False}
PATH_STYLE: dict[str, Any] = {
    "linewidth": 1.1,
    "marker": "o",
    "markersize": 6.5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.6,
    "clip_on": False,
}
NUMBER_TEXT: dict[str, Any] = {
    "size": 4.6,
    "weight": "bold",
    "ha": "center",
    "va": "center_baseline",
    "annotation_clip": False,
}
LIGHT = 0.55  # the luma of a colour from which on black text is easier to read on it than white text


def cell_corners(point: np.ndarray, width: int, height: int) -> np.ndarray:
    """Compute the corners of the cells around a map's points, x, y, (row + 1, column + 1, 2), cut at the image's edges.

    point: (row, column, 2), the point x, y of each cell. width, height: of the image. All are in original pixels.

    Borders lie halfway between neighbouring points, and as far beyond the outermost ones. A single row or column fills the
    image.
    """
    for axis, side in enumerate([(0, height), (width, 0)]):
        points = np.moveaxis(point, axis, 0)
        # A single row or column has no neighbour: a step of twice the side makes it fill the image.
        step = np.diff(points, axis=0) if len(points) > 1 else 2 * np.full_like(points, side)
        half = np.concatenate([step[:1], step]) / 2
        borders = np.concatenate([points - half[: len(points)], points[-1:] + half[-1:]])
        point = np.moveaxis(borders, 0, axis)
    return point.clip(0, [width, height])


def draw_figure_1(example: Example, width: float = style.PAGE) -> Figure:
    """Draw the image and each method's map, below each the view that the network received there, and then scanpaths.

    width: the largest width of the figure, in inches; methods that do not fit side by side continue below.
    """
    saccades = example.saccades
    most = max(int((width - 2 * MARGIN + GAP) / (NARROWEST_PANEL + GAP)) - 1, 1)
    n_blocks = math.ceil(len(saccades) / most)
    per_block = math.ceil(len(saccades) / n_blocks)
    panel = min(WIDEST_PANEL, (width - 2 * MARGIN - per_block * GAP) / (1 + per_block))
    image_rows, image_columns = example.pixels.shape[:2]
    upper = panel * min(max(image_rows / image_columns, FLATTEST), TALLEST)

    # A column for the image and x₀, and one for each method.
    views = [example.before, *(saccade.view for saccade in saccades)]
    first = (
        ("the image", "no label is given") if example.label is None else (example.label, "the given label")
    )
    titles = [title(*first, panel)]
    titles += [title(saccade.method, style.CUE_STYLES[saccade.cue][0], panel) for saccade in saccades]
    headings = [note("x₀: before the saccade", panel)]
    for view in views[1:]:
        stays = np.array_equal(view.extent, example.before.extent)
        headings.append(note("the eye stays at x₀" if stays else "after the saccade", panel))
    verdicts = [verdict(view, panel) for view in views]
    for lines, saccade in zip(verdicts[1:], saccades, strict=True):
        lines += remarks(saccade, panel)

    above, between, below = (max(map(sum_heights, texts)) + GAP / 2 for texts in (titles, headings, verdicts))
    block = above + upper + GAP + between + panel + GAP + below + 1.5 * GAP
    page_width = 2 * MARGIN + panel + per_block * (panel + GAP)
    footer = fit(Line(" · ".join(example.notes), color=GREY), page_width - 2 * MARGIN, 3)
    legend_columns = next(columns for columns, needed in LEGEND.items() if page_width > needed)
    legend = math.ceil(len(make_entries(example)) / legend_columns) * LEGEND_LINE
    # Scanpaths stand below, as many side by side as there are panels above.
    columns = 1 + per_block
    path_titles = [title(path.name, count_fixations(path), panel) for path in example.scanpaths]
    path_verdicts = [evidence(path, panel) for path in example.scanpaths]
    path_above, path_below = (
        max(map(sum_heights, texts), default=0) for texts in (path_titles, path_verdicts)
    )
    path_block = path_above + GAP / 2 + upper + GAP + path_below + 1.5 * GAP
    start = MARGIN + n_blocks * block
    end = start + math.ceil(len(example.scanpaths) / columns) * path_block
    page = Page(page_width, end + legend + sum_heights(footer) + MARGIN)

    image = Image.fromarray(example.pixels)
    image.thumbnail((LARGEST_IMAGE, LARGEST_IMAGE))
    for i, view in enumerate(views):
        # The image stands to the left of the first block's methods.
        row, column = divmod(i - 1, per_block) if i else (0, -1)
        left, top = MARGIN + (column + 1) * (panel + GAP), MARGIN + row * block
        page.write(titles[i], left, top + above - GAP / 2 - sum_heights(titles[i]))
        top += above
        axes = page.add_panel(left, top, panel, upper)
        if i:
            draw_map(axes, image.convert("L"), example, saccades[i - 1])
        else:
            draw_image(axes, image, example)
        top += upper + GAP
        page.write(headings[i], left, top)
        top += between
        draw_view(page.add_panel(left, top, panel, panel), view)
        page.write(verdicts[i], left, top + panel + GAP)
    for i, path in enumerate(example.scanpaths):
        row, column = divmod(i, columns)
        left, top = MARGIN + column * (panel + GAP), start + row * path_block
        page.write(path_titles[i], left, top + path_above - sum_heights(path_titles[i]))
        top += path_above + GAP / 2
        draw_path(page.add_panel(left, top, panel, upper), image.convert("L"), example, path)
        page.write(path_verdicts[i], left, top + upper + GAP)
    draw_legend(page, end, legend_columns, example)
    page.write(footer, MARGIN, end + legend)
    return page.figure


def note(text: str, width: float) -> list[Line]:
    """Return a text as one small grey line for above a panel, cut with "…" to a width in inches; nothing is drawn."""
    return fit(Line(text, color=GREY), width, 1)


def title(name: str, below: str, width: float) -> list[Line]:
    """Return the lines of the title above an upper panel, with a small grey line below; width: in inches."""
    return fit(Line(name, LARGE, weight="bold"), width, 2) + note(below, width)


def verdict(view: SeenView, width: float) -> list[Line]:
    """Return the lines below a view: the network's label, whether it is right, its probability, and the given label's."""
    mark, colour = mark_of(view)
    lines = fit(Line(f"{mark}{view.label}", color=colour, weight="bold"), width, 2)
    lines.append(Line(f"p = {view.probability:.2f}"))
    if view.correct is not None and not view.correct:
        lines.append(Line(f"p(given label) = {view.truth:.2f}"))
    return lines


def mark_of(seen: SeenView | Scanpath) -> tuple[str, str]:
    """Return the mark and the colour of a label: right, wrong, or neither where the image has no label."""
    return UNJUDGED if seen.correct is None else RIGHT if seen.correct else WRONG


def count_fixations(path: Scanpath) -> str:
    """Return the number of fixations of a scanpath as text."""
    return f"{len(path.point)} fixation{'' if len(path.point) == 1 else 's'}"


def evidence(path: Scanpath, width: float) -> list[Line]:
    """Return the lines below a scanpath: the label of its accumulated evidence, and whether that is right."""
    mark, colour = mark_of(path)
    label = fit(Line(f"{mark}{path.label}", color=colour, weight="bold"), width, 2)
    return label + note("says the views’ mean", width)


def remarks(saccade: Saccade, width: float) -> list[Line]:
    """Return lines with the method's own label of this image, if it gives one, and that its map is dead, if it is."""
    lines = []
    if saccade.own_label is not None:
        lines += fit(Line(f"its own label: {saccade.own_label}"), width, 2)
    if saccade.dead:
        lines += fit(Line("dead map: stays at the centre"), width, 2)
    return lines


def draw_image(axes: Axes, image: Image.Image, example: Example) -> None:
    """Draw the image with its boxes; the panel's coordinates are the original pixels."""
    height, width = example.pixels.shape[:2]
    axes.imshow(image, extent=(0, width, height, 0))
    for box in example.boxes:
        draw_box(axes, box, **BOX_STYLE)


def draw_map(axes: Axes, grey: Image.Image, example: Example, saccade: Saccade) -> None:
    """Draw a method's map over the grey image, its most salient point, and the extent of the view selected there."""
    height, width = example.pixels.shape[:2]
    axes.imshow(grey, extent=(0, width, height, 0), cmap="gray", vmin=BLACK, vmax=255)
    axes.autoscale(False)
    x, y = np.moveaxis(cell_corners(saccade.point, width, height), -1, 0)
    axes.pcolormesh(x, y, saccade.saliency, cmap=HEAT, alpha=HEAT_ALPHA, rasterized=True)
    for box in example.boxes:
        draw_box(axes, box, **FAINT_BOX_STYLE)
    draw_box(axes, saccade.view.extent, **EXTENT_STYLE)
    axes.plot(saccade.x, saccade.y, **POINT_STYLE)


def draw_path(axes: Axes, grey: Image.Image, example: Example, path: Scanpath) -> None:
    """Draw a scanpath over the grey image: its numbered fixations, joined by a line."""
    height, width = example.pixels.shape[:2]
    axes.imshow(grey, extent=(0, width, height, 0), cmap="gray", vmin=BLACK, vmax=255)
    axes.autoscale(False)
    for box in example.boxes:
        draw_box(axes, box, **FAINT_BOX_STYLE)
    x, y = path.point.T
    axes.plot(x, y, color="white", **CASING_STYLE)
    axes.plot(x, y, color=path.colour, **PATH_STYLE)
    red, green, blue = to_rgb(path.colour)
    is_light = 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT
    for i, place in enumerate(path.point, start=1):
        axes.annotate(f"{i}", place, color="black" if is_light else "white", **NUMBER_TEXT)


def draw_view(axes: Axes, view: SeenView) -> None:
    """Draw a view as the network received it, in a frame whose colour shows whether the label is right."""
    axes.imshow(view.pixels)
    axes.spines[:].set(visible=True, color=mark_of(view)[1], linewidth=1.5)


def make_entries(example: Example) -> dict[str, Any]:
    """Make the entries of the legend, which explain the outlines, the point and the colours: text → what it explains."""
    box, extent = (Patch(facecolor="0.6", **style) for style in (BOX_STYLE, EXTENT_STYLE))
    scale = tuple(Patch(color=colour) for colour in plt.get_cmap(HEAT)(np.linspace(0, 1, 16)))
    return {
        **({"box": box} if len(example.boxes) else {}),
        "most salient point": Line2D([], [], **POINT_STYLE),
        "view selected there": extent,
        "saliency: low to high, each map on its own scale": scale,
    }


def draw_legend(page: Page, top: float, columns: int, example: Example) -> None:
    """Draw the legend of the outlines, the point and the colours.

    top: the distance from the page's upper edge, in inches. columns: the number of the legend's columns.
    """
    entries = make_entries(example)
    page.figure.legend(
        list(entries.values()),
        list(entries),
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        ncols=columns,
        fontsize=TEXT_SIZE,
        frameon=False,
        loc="upper left",
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.5,
        handletextpad=0.6,
        bbox_to_anchor=(2 * MARGIN / page.width, 1 - top / page.height),
    )
