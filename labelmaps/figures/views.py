"""A view family on one image: the fixations, and the views that the network receives from them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from PIL import Image

from labelmaps.figures import style
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
from labelmaps.views import Geometry

# Lengths in inches.
PANEL, TALLEST = 2.6, 3.1  # the width of the image's panel, and its largest height
LEFT, BOTTOM = 0.34, 0.3  # space for the numbers of rows and columns
SHEET = style.PAGE - 2 * MARGIN - PANEL - GAP - LEFT  # the largest side of the sheet of views
WIDEST_VIEW = 1.9
LEGEND_LINE = 0.15

SEPARATION = 0.03  # the gap between two views, in units of their side
OUTSIDE = "0.93"  # the colour of the panel outside the image
SIDE = 0.03  # the space around views that leave the image, in units of the panel's side
ROUNDING = 1e-6  # how far a view may leave the image and still count as inside, in units of the panel's side
# The colours of the views on the image, from x₀ outwards; colour-blind readers can distinguish them.
COLOURS = style.BEFORE, style.AFTER, "#009E73", "#882255", "#E69F00", "#CC79A7"
CASING = [withStroke(linewidth=2.8, foreground="white")]
OUTLINE: dict[str, Any] = {"linewidth": 1.4, "path_effects": CASING}
DOT: dict[str, Any] = {"linestyle": "", "marker": "o", "clip_on": False}
# The markers of all fixations, and of those whose views are outlined.
FIXATION: dict[str, Any] = DOT | {
    "markersize": 3,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.6,
}
OUTLINED_FIXATION: dict[str, Any] = DOT | {
    "markersize": 5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.8,
}


def draw_views(image: np.ndarray, geometry: Geometry, views: np.ndarray, notes: Sequence[str]) -> Figure:
    """Draw an image with all fixations and the extents of some views, and beside it all views, row by row.

    image: (H, W, RGB) uint8.
    geometry: the n × n fixations on the image, n odd, and their extents.
    views: (cell, size, size, RGB) uint8, as the network receives them; cells are numbered row by row.
    notes: texts of the footer, such as the family and the image's id.

    Raises `ValueError` unless there are as many views as fixations.
    """
    height, width = image.shape[:2]
    n, size = len(geometry.centre), views.shape[1]
    if len(views) != n * n:
        raise ValueError(f"{len(views)} views of {n * n} fixations")
    cells = telling_cells(n)
    boxes = np.stack([geometry.extent[cell] for cell in cells])
    visible_box = find_visible_box(width, height, geometry.centre.reshape(-1, 2), boxes)
    x0, y0, x1, y1 = visible_box
    panel_height = min(PANEL * (y1 - y0) / (x1 - x0), TALLEST)
    sheet = min(SHEET, n * WIDEST_VIEW)
    title = fit(Line(f"image of {width:,} × {height:,} pixels, {n} × {n} fixations"), PANEL, 2)
    sheet_text = f"what the network receives: {n} × {n} views of {size} × {size} pixels"
    sheet_title = fit(Line(sheet_text), SHEET, 2)
    footer = fit(Line(" · ".join(notes), color=GREY), style.PAGE - 2 * MARGIN, 3)

    above = MARGIN + max(sum_heights(title), sum_heights(sheet_title)) + GAP / 2
    legend = above + panel_height + GAP
    end = max(legend + (1 + len(cells)) * LEGEND_LINE, above + sheet + BOTTOM) + GAP
    page = Page(style.PAGE, end + sum_heights(footer) + MARGIN)
    left = MARGIN + PANEL + GAP + LEFT
    page.write(title, MARGIN, above - GAP / 2 - sum_heights(title))
    page.write(sheet_title, left, above - GAP / 2 - sum_heights(sheet_title))
    draw_image(page.add_panel(MARGIN, above, PANEL, panel_height), image, geometry, cells, visible_box)
    draw_sheet(page.add_panel(left, above, sheet, sheet), views, cells)
    draw_legend(page, legend, n, cells, boxes)
    page.write(footer, MARGIN, end)
    return page.figure


def telling_cells(n: int) -> list[tuple[int, int]]:
    """Choose the cells whose views are outlined: that of x₀ and one in each ring around it, (row, column), x₀ first.

    n: the number of fixations along each axis, odd.

    Each cell is turned by a quarter against the one in the ring before. Up to n = 11 no two cells share a row or a column,
    so that the outlines of views of equal size do not coincide.
    """
    middle = n // 2
    cells = [(middle, middle)]
    for ring in range(1, middle + 1):
        row, column = -((ring + 1) // 2), -ring
        for _ in range((ring - 1) % 4):
            row, column = column, -row
        cells.append((middle + row, middle + column))
    return cells


def find_visible_box(
    width: int, height: int, points: np.ndarray, boxes: np.ndarray
) -> tuple[float, float, float, float]:
    """Find the limits of the image's panel: the box around the image, all points and all boxes, x0, y0, x1, y1.

    width, height: of the image. points: (point, 2), x, y. boxes: (box, 4), x0, y0, x1, y1. All are in original pixels.

    It is the image itself if nothing leaves it; otherwise some space is added on all sides.
    """
    corners = np.concatenate([points, boxes[:, :2], boxes[:, 2:], [[0, 0], [width, height]]])
    start, stop = corners.min(axis=0), corners.max(axis=0)
    side = (stop - start).max()
    # Rounding may put a box along the image's edge a little outside.
    if (start < -ROUNDING * side).any() or (stop > [width, height] + ROUNDING * side).any():
        return *(start - SIDE * side), *(stop + SIDE * side)
    return 0, 0, width, height


def arrange_views(views: np.ndarray) -> np.ndarray:
    """Arrange views side by side, row by row, on white.

    views: (cell, size, size, RGB); the number of cells is a square.

    Returns one picture (side, side, RGB).
    """
    size = views.shape[1]
    n, border = round(len(views) ** 0.5), max(round(SEPARATION * size / 2), 1)
    borders = (border, border)
    tiles = np.pad(views, ((0, 0), borders, borders, (0, 0)), constant_values=255)
    side = size + 2 * border
    return tiles.reshape(n, n, side, side, 3).swapaxes(1, 2).reshape(n * side, n * side, 3)


def draw_image(
    axes: Axes,
    image: np.ndarray,
    geometry: Geometry,
    cells: Sequence[tuple[int, int]],
    visible_box: tuple[float, float, float, float],
) -> None:
    """Draw the image, every fixation, and the extents of some cells' views, in original pixels.

    image: (H, W, RGB) uint8.
    geometry: the fixations on the image, and their extents.
    cells: row and column of the cells whose views are outlined.
    visible_box: x0, y0, x1, y1, the axes' limits.
    """
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST_IMAGE, LARGEST_IMAGE))
    axes.imshow(picture, extent=(0, width, height, 0))
    axes.set_facecolor(OUTSIDE)
    axes.set(xlim=visible_box[::2], ylim=visible_box[:0:-2])
    for cell, colour in zip(cells, COLOURS, strict=False):
        draw_box(axes, geometry.extent[cell], edgecolor=colour, **OUTLINE)
    axes.plot(*geometry.centre.reshape(-1, 2).T, **FIXATION)
    for cell, colour in zip(cells, COLOURS, strict=False):
        axes.plot(*geometry.centre[cell], color=colour, **OUTLINED_FIXATION)


def draw_sheet(axes: Axes, views: np.ndarray, cells: Sequence[tuple[int, int]]) -> None:
    """Draw all views in the arrangement of the grid, and frame some of them in the colours of their outlines on the image.

    views: (cell, size, size, RGB) uint8. cells: row and column of the views that are framed.
    """
    n = round(len(views) ** 0.5)
    axes.imshow(arrange_views(views), extent=(0, n, n, 0))
    inset = SEPARATION / 4
    for (row, column), colour in zip(cells, COLOURS, strict=False):
        frame = column + inset, row + inset, column + 1 - inset, row + 1 - inset
        draw_box(axes, frame, edgecolor=colour, linewidth=1.8)
    numbers = np.arange(n)
    axes.set_xticks(numbers + 0.5, numbers)
    axes.set_yticks(numbers + 0.5, numbers)
    axes.tick_params(length=0, labelsize=TEXT_SIZE, pad=2)
    axes.set_xlabel("column", size=TEXT_SIZE, labelpad=1)
    axes.set_ylabel("row", size=TEXT_SIZE, labelpad=1)


def draw_legend(page: Page, top: float, n: int, cells: Sequence[tuple[int, int]], boxes: np.ndarray) -> None:
    """Draw the legend: the fixations, and colour, cell and size of each outlined view.

    top: the distance from the page's upper edge, in inches.
    n: the number of fixations along each axis.
    cells: row and column of the outlined views.
    boxes: (view, 4), the extents of these views, x0, y0, x1, y1, in original pixels.
    """
    entries: list[tuple[Artist, str]] = [(Line2D([], [], **FIXATION), f"fixations ({n} × {n})")]
    for (row, column), (x0, y0, x1, y1), colour in zip(cells, boxes, COLOURS, strict=False):
        name = "x₀" if row == column == n // 2 else f"row {row}, column {column}"
        handle = Patch(facecolor="none", edgecolor=colour, linewidth=1.4)
        sides = [f"{side:,.1f}".removesuffix(".0") for side in (x1 - x0, y1 - y0)]
        entries.append((handle, f"{name}: {' × '.join(sides)} pixels"))
    page.figure.legend(
        [handle for handle, _ in entries],
        [label for _, label in entries],
        fontsize=TEXT_SIZE,
        frameon=False,
        loc="upper left",
        borderpad=0,
        borderaxespad=0,
        handlelength=1.4,
        bbox_to_anchor=(MARGIN / page.width, 1 - top / page.height),
    )
