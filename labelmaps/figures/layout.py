"""Pages whose panels and lines of text are placed in inches, for figures that show images."""

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

GAP, MARGIN = 0.08, 0.03  # inches: between two panels, and at the page's edges
TEXT_SIZE = 6.5  # points: the usual size of type
LINE_SPACING = 1.25  # the height of a line, in units of the size of type
POINTS_PER_INCH = 72
LARGEST_IMAGE = 800  # pixels: the longer side of an image; finer detail would be lost in print
GREY = "#555555"
# Names of files and classes may contain control characters, which SVG does not allow.
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Line:
    """One line of text with its font.

    size: of the type, in points. weight: "normal" or "bold".
    """

    text: str
    size: float = TEXT_SIZE
    color: str = "black"
    weight: str = "normal"

    @property
    def height(self) -> float:
        """Height of the line with its spacing, in inches."""
        return self.size * LINE_SPACING / POINTS_PER_INCH

    @property
    def width(self) -> float:
        """Width of the rendered text, in inches."""
        font = FontProperties(size=self.size, weight=self.weight)
        return text_to_path.get_text_width_height_descent(self.text, font, ismath=False)[0] / POINTS_PER_INCH


def fit(line: Line, width: float, n_lines: int) -> list[Line]:
    """Wrap a text to at most `n_lines` lines, and cut it with "…" if it is longer.

    line: the text and its font. width: of the lines, in inches.

    Control characters become replacement characters.
    Returns at least one line; a text without words gives an empty one.
    """
    text = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line.text)
    words, lines = text.split(), [replace(line, text="")]
    while words:
        longer = replace(line, text=f"{lines[-1].text} {words[0]}".strip())
        if longer.width <= width:
            lines[-1] = longer
            del words[0]
        elif lines[-1].text and len(lines) < n_lines:
            lines.append(replace(line, text=""))
        else:
            cuts = [replace(line, text=f"{longer.text[:n]}…") for n in range(len(longer.text))]
            return [*lines[:-1], cuts[max(bisect(cuts, width, key=lambda cut: cut.width) - 1, 0)]]
    return lines


class Page:
    """A figure whose panels and texts are placed in inches from the upper left corner.

    width, height: of the page, in inches.
    """

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = plt.figure(figsize=(width, height))

    def add_panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes without ticks and frame.

        left, top: the distances of the upper left corner from the page's left and upper edge; all in inches.
        """
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        return axes

    def write(self, lines: Sequence[Line], left: float, top: float) -> None:
        """Write lines one below another.

        left, top: the distances of the first line's upper left corner from the page's left and upper edge, in inches.
        """
        for line in lines:
            self.figure.text(
                left / self.width,
                1 - (top + line.height / 2) / self.height,
                line.text,
                va="center_baseline",
                size=line.size,
                color=line.color,
                weight=line.weight,
                parse_math=False,  # names of classes and files may contain $
            )
            top += line.height


def sum_heights(lines: Sequence[Line]) -> float:
    """Compute the height of lines that are written one below another, in inches."""
    return sum(line.height for line in lines)


def draw_box(axes: Axes, box: Sequence[float] | np.ndarray, **outline: Any) -> None:
    """Draw the outline of a box, even beyond the edges of the axes.

    box: x0, y0, x1, y1, in the axes' units. outline: options of the `Rectangle`, such as edgecolor.
    """
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, clip_on=False, **outline))
