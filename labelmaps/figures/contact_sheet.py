"""The contact sheet: some images of a data set with their boxes and labels, to be checked before any network runs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from labelmaps.data.batches import read_ahead
from labelmaps.figures import style
from labelmaps.figures.layout import GAP, GREY, MARGIN, UNPRINTABLE, Line, Page, fit, sum_heights

MOST_IMAGES = 36  # on the page
FEWEST_COLUMNS, MOST_COLUMNS = 3, 6
GUTTER = 0.12  # inches: between two columns, and between two rows
TITLE = 9.0  # points
DPI = 150  # few, since the sheet is the first result of a run and should be there soon
PNG_LEVEL = 2  # of compression
# The share of a line's width that text may fill: letters of a PNG begin at whole pixels, so that text may become wider.
PRINTED = 0.94
MAGNIFIED = 3  # magnification from which on the pixels of a small image are drawn as squares
FRAME: dict[str, Any] = {
    "edgecolor": "0.8",
    "linewidth": 0.5,
}  # without it, a white image would have no visible edge
# Thinner than in Figure 1.
BOX: dict[str, Any] = {
    "edgecolor": "white",
    "linewidth": 0.8,
    "path_effects": [withStroke(linewidth=1.8, foreground="black")],
}


@dataclass(frozen=True)
class Picture:
    """One image of the sheet, resized, with its annotations.

    pixels: (H, W, RGB) uint8, as they are drawn. width, height: the size of the image; boxes: (box, 4), x0, y0, x1, y1; both
    in original pixels. label, name: its class, as a number and as text. image: its id.
    """

    pixels: np.ndarray
    width: int
    height: int
    boxes: np.ndarray
    label: int
    name: str
    image: str


def choose_rows(label: Sequence[int] | np.ndarray, n: int = MOST_IMAGES) -> np.ndarray:
    """Choose n images, or all if there are no more, from as many classes as possible and evenly from each.

    label: (image,), of all images. n: the number of images to choose.

    Images of a class are drawn at random, with a fixed seed. If not every class can have one more image, classes at even
    distances get it, among them the first and the last.

    Returns the rows of the chosen images, sorted by label.
    """
    order = np.random.default_rng(0).permutation(len(label))
    drawn = pd.DataFrame({"row": order, "label": np.asarray(label)[order]})
    drawn["turn"] = drawn.groupby("label").cumcount()  # 0 for the first image drawn from its class
    drawn = drawn.sort_values(["turn", "label"])
    n = min(n, len(drawn))
    last = drawn["turn"].iloc[n - 1]
    whole, rest = drawn[drawn["turn"] < last], drawn[drawn["turn"] == last]
    places = np.linspace(0, len(rest) - 1, n - len(whole)).round().astype(int)
    chosen = pd.concat([whole, rest.iloc[places]])
    return chosen.sort_values(["label", "row"])["row"].to_numpy()


def read_pictures(rows: pd.DataFrame, class_names: Sequence[str]) -> list[Picture]:
    """Read the images of some rows of an index, one after another, and resize each to the size at which it is drawn.

    rows: the rows of the index. class_names: the name of every label.

    Raises `InputError` if an image cannot be read, or changed since it was indexed.
    """
    side = round(column_width(len(rows)) * DPI)
    pictures = []
    columns = ["width", "height", "boxes", "label", "image"]
    for row, (pixels, _) in zip(
        rows[columns].itertuples(index=False), read_ahead(rows, depth=1), strict=True
    ):
        width, height, boxes, label, image = row
        drawn = resize(pixels, side)
        pictures.append(Picture(drawn, width, height, boxes, label, class_names[label], image))
    return pictures


def resize(pixels: np.ndarray, side: int) -> np.ndarray:
    """Resize an image (H, W, RGB) uint8 so that its longer side has `side` pixels, and the other at least one.

    Images that are magnified `MAGNIFIED` times or more keep sharp pixels.
    """
    scale = side / max(pixels.shape[:2])
    height, width = (max(round(length * scale), 1) for length in pixels.shape[:2])
    way = Image.Resampling.NEAREST if scale >= MAGNIFIED else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize((width, height), way))


def count_columns(n_images: int) -> int:
    """Return the number of columns of a sheet with n_images images."""
    return min(max(n_images, FEWEST_COLUMNS), MOST_COLUMNS)


def column_width(n_images: int) -> float:
    """Return the width of a column in inches, which is also the longer side of each picture."""
    n_columns = count_columns(n_images)
    return (style.PAGE - 2 * MARGIN - (n_columns - 1) * GUTTER) / n_columns


def draw_contact_sheet(pictures: Sequence[Picture], title: str, counts: Sequence[str]) -> Figure:
    """Draw pictures with their boxes, row by row, and a caption below each: label and class, id, size and number of boxes.

    pictures: as from `read_pictures`. counts: phrases on the whole data set, which stand below the title.
    """
    n_columns, width = count_columns(len(pictures)), column_width(len(pictures))
    heading = fit(Line(title, TITLE, weight="bold"), style.PAGE - 2 * MARGIN, 2)
    heading += fit(Line(" · ".join(counts), color=GREY), style.PAGE - 2 * MARGIN, 5)
    rows = [pictures[i : i + n_columns] for i in range(0, len(pictures), n_columns)]
    captions = [[write_caption(picture, width) for picture in row] for row in rows]
    heights = [max(len(picture.pixels) for picture in row) / DPI for row in rows]
    below = [max(map(sum_heights, row)) + GAP / 2 for row in captions]
    top = MARGIN + sum_heights(heading) + GAP
    page = Page(style.PAGE, top + sum(heights) + sum(below) + (len(rows) - 1) * GUTTER + MARGIN)
    page.write(heading, MARGIN, MARGIN)
    # All pictures are pasted into one: matplotlib would resample each of them for each format.
    canvas = Image.new("RGB", (round(page.width * DPI), round(page.height * DPI)), "white")
    frames, boxes = [], []
    for row, texts, height, text_height in zip(rows, captions, heights, below, strict=True):
        for column, (picture, lines) in enumerate(zip(row, texts, strict=True)):
            left, bottom = MARGIN + column * (width + GUTTER), top + height
            # The lower edges of a row's pictures are on one line.
            corner = round(left * DPI), round(bottom * DPI) - len(picture.pixels)
            canvas.paste(Image.fromarray(picture.pixels), corner)
            frames += find_outlines(picture, np.array([[0, 0, picture.width, picture.height]]), corner)
            boxes += find_outlines(picture, picture.boxes, corner)
            page.write(lines, left, bottom + GAP / 2)
        top += height + text_height + GUTTER
    sheet = page.add_panel(0, 0, page.width, page.height)
    sheet.imshow(canvas, extent=(0, canvas.width, canvas.height, 0), aspect="auto", interpolation="none")
    for outlines, style_of_line in ((frames, FRAME), (boxes, BOX)):
        sheet.add_collection(PolyCollection(outlines, facecolor="none", clip_on=False, **style_of_line))
    sheet.set(xlim=(0, canvas.width), ylim=(canvas.height, 0))
    return page.figure


def find_outlines(picture: Picture, boxes: np.ndarray, corner: tuple[int, int]) -> list[np.ndarray]:
    """Return the corners of boxes on the sheet, (4, 2) x, y for each box, in pixels of the sheet.

    boxes: (box, 4), in original pixels of the image. corner: x, y of the picture's upper left corner on the sheet.
    """
    drawn_height, drawn_width = picture.pixels.shape[:2]
    scale = np.array([drawn_width / picture.width, drawn_height / picture.height])
    x0, y0, x1, y1 = (boxes.reshape(-1, 2, 2) * scale + corner).reshape(-1, 4).T
    return list(np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2))


def write_caption(picture: Picture, width: float) -> list[Line]:
    """Return the caption of a picture as lines: label and class, id, size and number of boxes.

    width: of the lines, in inches.
    """
    n_boxes, width = len(picture.boxes), PRINTED * width
    boxes = "no box" if n_boxes == 0 else "1 box" if n_boxes == 1 else f"{n_boxes} boxes"
    return [
        *fit(Line(f"{picture.label} {picture.name}", weight="bold"), width, 2),
        cut_in_the_middle(Line(picture.image, color=GREY), width),
        *fit(Line(f"{picture.width} × {picture.height}, {boxes}", color=GREY), width, 2),
    ]


def cut_in_the_middle(line: Line, width: float) -> Line:
    """Shorten a line to a width in inches by "…" in its middle, since ids of images differ at their ends.

    Control characters become replacement characters.
    """
    text = " ".join(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line.text).split())
    whole = replace(line, text=text)
    if whole.width <= width:
        return whole
    cuts = [
        replace(line, text=f"{text[: n // 2]}…{text[len(text) - (n + 1) // 2 :]}") for n in range(len(text))
    ]
    return cuts[max(bisect_right(cuts, width, key=lambda cut: cut.width) - 1, 0)]
