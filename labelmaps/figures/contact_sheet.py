"""The contact sheet: some images of a data set with their boxes and labels, to be looked at before any network runs."""

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

MOST_IMAGES = 36  # a page holds as many
FEWEST_COLUMNS, MOST_COLUMNS = 3, 6
GUTTER = 0.12  # inches: between two columns, and between two rows
TITLE = 9.0  # points
DPI = 150  # pixels an inch, which are enough to see what an image shows: the sheet is drawn before all else, and soon
PNG_LEVEL = 2  # of compression
PRINTED = 0.94  # of a width may be filled: in a PNG letters stand on whole pixels, and so may be wider than they are
MAGNIFIED = 3  # from which on the pixels of a small image are drawn as squares, as they are
FRAME: dict[str, Any] = {"edgecolor": "0.8", "linewidth": 0.5}  # without it, a white image would have no end
# As in Figure 1, thinner.
BOX: dict[str, Any] = {
    "edgecolor": "white",
    "linewidth": 0.8,
    "path_effects": [withStroke(linewidth=1.8, foreground="black")],
}


@dataclass(frozen=True)
class Picture:
    """One image of the sheet.

    pixels: (H, W, RGB) uint8, as they are drawn. width, height: of the image; boxes: (box, 4), x0, y0, x1, y1; both in
    original pixels. label: of the image; name: of its class; image: its id.
    """

    pixels: np.ndarray
    width: int
    height: int
    boxes: np.ndarray
    label: int
    name: str
    image: str


def choose_rows(label: Sequence[int] | np.ndarray, n: int = MOST_IMAGES) -> np.ndarray:
    """Choose n images, or all where there are no more: of as many classes as can be, and as evenly of each.

    label: (image,), of all images. Those of a class are drawn at random, with a fixed seed. Where not every class can have
    its turn, classes are taken at even distances, the first and the last among them.

    Returns the rows of the chosen images, sorted by label.
    """
    order = np.random.default_rng(0).permutation(len(label))
    drawn = pd.DataFrame({"row": order, "label": np.asarray(label)[order]})
    drawn["turn"] = drawn.groupby("label").cumcount()  # 0 for the first that is drawn of its class
    drawn = drawn.sort_values(["turn", "label"])
    n = min(n, len(drawn))
    last = drawn["turn"].iloc[n - 1]
    whole, rest = drawn[drawn["turn"] < last], drawn[drawn["turn"] == last]
    places = np.linspace(0, len(rest) - 1, n - len(whole)).round().astype(int)
    chosen = pd.concat([whole, rest.iloc[places]])
    return chosen.sort_values(["label", "row"])["row"].to_numpy()


def read_pictures(rows: pd.DataFrame, class_names: Sequence[str]) -> list[Picture]:
    """Read the images of these rows of an index, one at a time, and bring them to the size in which they are drawn.

    class_names: of every label. Raises `InputError` if an image cannot be read, or changed since it was indexed.
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
    """Resize an image (H, W, RGB) uint8 so that its longer side has `side` pixels, and the other at least one."""
    scale = side / max(pixels.shape[:2])
    height, width = (max(round(length * scale), 1) for length in pixels.shape[:2])
    way = Image.Resampling.NEAREST if scale >= MAGNIFIED else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize((width, height), way))


def count_columns(n_images: int) -> int:
    """Return the number of columns of a sheet of some images."""
    return min(max(n_images, FEWEST_COLUMNS), MOST_COLUMNS)


def column_width(n_images: int) -> float:
    """Return the width of a column in inches, which is also that of a picture's longer side."""
    n_columns = count_columns(n_images)
    return (style.PAGE - 2 * MARGIN - (n_columns - 1) * GUTTER) / n_columns


def draw_contact_sheet(pictures: Sequence[Picture], title: str, counts: Sequence[str]) -> Figure:
    """Draw pictures with their boxes, row by row, and below each its label, the name of the class, its id, size and boxes.

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
    # One picture of all: matplotlib would resample each of them for each format.
    canvas = Image.new("RGB", (round(page.width * DPI), round(page.height * DPI)), "white")
    frames, boxes = [], []
    for row, texts, height, text_height in zip(rows, captions, heights, below, strict=True):
        for column, (picture, lines) in enumerate(zip(row, texts, strict=True)):
            left, bottom = MARGIN + column * (width + GUTTER), top + height
            # Pictures of a row stand on one line.
            corner = round(left * DPI), round(bottom * DPI) - len(picture.pixels)
            canvas.paste(Image.fromarray(picture.pixels), corner)
            frames += find_outlines(picture, np.array([[0, 0, picture.width, picture.height]]), corner)
            boxes += find_outlines(picture, picture.boxes, corner)
            page.write(lines, left, bottom + GAP / 2)
        top += height + text_height + GUTTER
    sheet = page.add_panel(0, 0, page.width, page.height)
    sheet.imshow(canvas, extent=(0, canvas.width, canvas.height, 0), aspect="auto", interpolation="none")
    for outlines, look in ((frames, FRAME), (boxes, BOX)):
        sheet.add_collection(PolyCollection(outlines, facecolor="none", clip_on=False, **look))
    sheet.set(xlim=(0, canvas.width), ylim=(canvas.height, 0))
    return page.figure


def find_outlines(picture: Picture, boxes: np.ndarray, corner: tuple[int, int]) -> list[np.ndarray]:
    """Find where boxes (box, 4) of an image lie on the sheet; corner: the upper left one of the picture, x, y.

    Returns the corners of each box, (4, 2), in pixels of the sheet.
    """
    drawn_height, drawn_width = picture.pixels.shape[:2]
    scale = np.array([drawn_width / picture.width, drawn_height / picture.height])
    x0, y0, x1, y1 = (boxes.reshape(-1, 2, 2) * scale + corner).reshape(-1, 4).T
    return list(np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2))


def write_caption(picture: Picture, width: float) -> list[Line]:
    """Write what stands below a picture: label and class, id, size and number of boxes, in lines of a width in inches."""
    n_boxes, width = len(picture.boxes), PRINTED * width
    boxes = "no box" if n_boxes == 0 else "1 box" if n_boxes == 1 else f"{n_boxes} boxes"
    return [
        *fit(Line(f"{picture.label} {picture.name}", weight="bold"), width, 2),
        cut_in_the_middle(Line(picture.image, color=GREY), width),
        *fit(Line(f"{picture.width} × {picture.height}, {boxes}", color=GREY), width, 2),
    ]


def cut_in_the_middle(line: Line, width: float) -> Line:
    """Shorten a line to a width in inches, with "…" in its middle, since ids of images differ at their ends.

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
