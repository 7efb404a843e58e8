"""A view family on one image: where its fixations look, and what the network receives from each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from PIL import Image

from labelmaps.figures import style
from labelmaps.figures.layout import GAP, GREY, LARGEST_IMAGE, MARGIN, SMALL, Line, Page, draw_box, fit, room
from labelmaps.views import Geometry

# Lengths in inches.
PANEL, TALLEST = 2.6, 3.1  # the image's panel: its width, and its height at most
LEFT, BOTTOM = 0.34, 0.3  # room for the numbers of rows and columns
SHEET = style.PAGE - 2 * MARGIN - PANEL - GAP - LEFT  # side of the sheet of views
WIDEST_VIEW = 1.9
LEGEND_LINE = 0.15

SEPARATION = 0.03  # of two views, in units of their side
OUTSIDE = "0.93"  # what is not in the image
AROUND = 0.03  # of the panel's side, where a view leaves the image
ROUNDING = 1e-6  # of the panel's side
# Of the views shown on the image, from x₀ outwards; in tones that colour-blind readers tell apart.
COLOURS = style.BEFORE, style.AFTER, "#009E73", "#882255", "#E69F00", "#CC79A7"
CASING = [withStroke(linewidth=2.8, foreground="white")]
OUTLINE = {"linewidth": 1.4, "path_effects": CASING}
POINT = {"linestyle": "", "marker": "o", "clip_on": False}
FIXATION = POINT | {"markersize": 3, "markerfacecolor": "white", "markeredgecolor": "black"}
SHOWN = POINT | {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.8}


def views_figure(image: np.ndarray, geometry: Geometry, views: np.ndarray, notes: Sequence[str]) -> Figure:
    """Draw the image with all fixation points and some views' extents, and beside it all views, row by row.

    image: (H, W, RGB) uint8. geometry: of n × n fixations on it, n odd. views: (cell, size, size, RGB) uint8, as the network
    received them, cells counted row by row. notes: of the footer, as the family and the image's id. Raises `ValueError`
    unless there are as many views as fixations.
    """
    height, width = image.shape[:2]
    n, size = len(geometry.centre), views.shape[1]
    if len(views) != n * n:
        raise ValueError(f"{len(views)} views of {n * n} fixations")
    cells = telling_cells(n)
    boxes = np.stack([geometry.extent[cell] for cell in cells])
    region = seen_region(width, height, geometry.centre.reshape(-1, 2), boxes)
    panel_height = min(PANEL * (region[3] - region[1]) / (region[2] - region[0]), TALLEST)
    sheet = min(SHEET, n * WIDEST_VIEW)
    title = fit(Line(f"image of {width:,} × {height:,} pixels, {n} × {n} fixations"), PANEL, 2)
    received = f"what the network receives: {n} × {n} views of {size} × {size} pixels"
    sheet_title = fit(Line(received), SHEET, 2)
    footer = fit(Line(" · ".join(notes), color=GREY), style.PAGE - 2 * MARGIN, 3)

    above = MARGIN + max(room(title), room(sheet_title)) + GAP / 2
    legend = above + panel_height + GAP
    end = max(legend + (1 + len(cells)) * LEGEND_LINE, above + sheet + BOTTOM) + GAP
    page = Page(style.PAGE, end + room(footer) + MARGIN)
    left = MARGIN + PANEL + GAP + LEFT
    page.write(title, MARGIN, above - GAP / 2 - room(title))
    page.write(sheet_title, left, above - GAP / 2 - room(sheet_title))
    draw_image(page.axes(MARGIN, above, PANEL, panel_height), image, geometry, cells, region)
    draw_sheet(page.axes(left, above, sheet, sheet), views, cells)
    draw_legend(page, legend, n, cells, boxes)
    page.write(footer, MARGIN, end)
    return page.figure


def telling_cells(n: int) -> list[tuple[int, int]]:
    """Row and column of x₀ and of one cell in each ring around it, from ring to ring a quarter turn further.

    Each is shifted along both axes, by other steps than the rest, so that outlines of equal size do not cover one another.
    """
    middle = n // 2
    cells = [(middle, middle)]
    for ring in range(1, middle + 1):
        row, column = -((ring + 1) // 2), -ring
        for _ in range((ring - 1) % 4):
            row, column = column, -row
        cells.append((middle + row, middle + column))
    return cells


def seen_region(
    width: int, height: int, points: np.ndarray, boxes: np.ndarray
) -> tuple[float, float, float, float]:
    """What the image's panel shows, x0, y0, x1, y1 in original pixels: the image, and what leaves it.

    points: (point, 2); boxes: (box, 4).
    """
    shown = np.concatenate([points, boxes[:, :2], boxes[:, 2:], [[0, 0], [width, height]]])
    start, stop = shown.min(axis=0), shown.max(axis=0)
    side = (stop - start).max()
    # Boxes along the image's edges are not computed to the last bit.
    if (start < -ROUNDING * side).any() or (stop > [width, height] + ROUNDING * side).any():
        return *(start - AROUND * side), *(stop + AROUND * side)
    return 0, 0, width, height


def contact_sheet(views: np.ndarray) -> np.ndarray:
    """Views (cell, size, size, RGB) side by side, row by row, on white: one picture (side, side, RGB)."""
    size = views.shape[1]
    n, border = round(len(views) ** 0.5), max(round(SEPARATION * size / 2), 1)
    around = (border, border)
    framed = np.pad(views, ((0, 0), around, around, (0, 0)), constant_values=255)
    side = size + 2 * border
    return framed.reshape(n, n, side, side, 3).swapaxes(1, 2).reshape(n * side, n * side, 3)


def draw_image(
    axes: Axes,
    image: np.ndarray,
    geometry: Geometry,
    cells: Sequence[tuple[int, int]],
    region: tuple[float, float, float, float],
) -> None:
    """The image in original pixels, every fixation point, and the extents of some cells' views."""
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST_IMAGE, LARGEST_IMAGE))
    axes.imshow(picture, extent=(0, width, height, 0))
    axes.set_facecolor(OUTSIDE)
    axes.set(xlim=region[::2], ylim=region[:0:-2])
    for cell, colour in zip(cells, COLOURS, strict=False):
        draw_box(axes, geometry.extent[cell], edgecolor=colour, **OUTLINE)
    axes.plot(*geometry.centre.reshape(-1, 2).T, markeredgewidth=0.6, **FIXATION)
    for cell, colour in zip(cells, COLOURS, strict=False):
        axes.plot(*geometry.centre[cell], color=colour, **SHOWN)


def draw_sheet(axes: Axes, views: np.ndarray, cells: Sequence[tuple[int, int]]) -> None:
    """All views in the grid's arrangement; those of some cells in frames of the colours that they have on the image."""
    n = round(len(views) ** 0.5)
    axes.imshow(contact_sheet(views), extent=(0, n, n, 0))
    inset = SEPARATION / 4
    for (row, column), colour in zip(cells, COLOURS, strict=False):
        frame = column + inset, row + inset, column + 1 - inset, row + 1 - inset
        draw_box(axes, frame, edgecolor=colour, linewidth=1.8)
    numbers = np.arange(n)
    axes.set_xticks(numbers + 0.5, numbers)
    axes.set_yticks(numbers + 0.5, numbers)
    axes.tick_params(length=0, labelsize=SMALL, pad=2)
    axes.set_xlabel("column", size=SMALL, labelpad=1)
    axes.set_ylabel("row", size=SMALL, labelpad=1)


def draw_legend(page: Page, top: float, n: int, cells: Sequence[tuple[int, int]], boxes: np.ndarray) -> None:
    """What the points and the colours mean, and how large the views are."""
    entries = [(Line2D([], [], markeredgewidth=0.6, **FIXATION), f"fixations ({n} × {n})")]
    for (row, column), (x0, y0, x1, y1), colour in zip(cells, boxes, COLOURS, strict=False):
        name = "x₀" if row == column == n // 2 else f"row {row}, column {column}"
        handle = Patch(facecolor="none", edgecolor=colour, linewidth=1.4)
        sides = [f"{side:,.1f}".removesuffix(".0") for side in (x1 - x0, y1 - y0)]
        entries.append((handle, f"{name}: {' × '.join(sides)} pixels"))
    page.figure.legend(
        [handle for handle, _ in entries],
        [label for _, label in entries],
        fontsize=SMALL,
        frameon=False,
        loc="upper left",
        borderpad=0,
        borderaxespad=0,
        handlelength=1.4,
        bbox_to_anchor=(MARGIN / page.width, 1 - top / page.height),
    )
