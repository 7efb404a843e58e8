"""Pages on which images and lines of text have their place in inches."""

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

GAP, MARGIN = 0.08, 0.03  # inches
SMALL = 6.5  # the usual size of type, in points
SPACING = 1.25  # of lines, in units of the size of type
POINTS = 72  # to the inch
LARGEST_IMAGE = 800  # pixels; more would be lost in print
GREY = "#555555"
# Names of files and classes may hold control characters, which no SVG may.
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Line:
    """One line of text; size in points."""

    text: str
    size: float = SMALL
    color: str = "black"
    weight: str = "normal"

    @property
    def height(self) -> float:
        """Room that it takes, in inches."""
        return self.size * SPACING / POINTS

    @property
    def width(self) -> float:
        """In inches."""
        font = FontProperties(size=self.size, weight=self.weight)
        return text_to_path.get_text_width_height_descent(self.text, font, ismath=False)[0] / POINTS


def fit(line: Line, width: float, n_lines: int) -> list[Line]:
    """A text on at most `n_lines` lines of `width` inches; where it does not fit, it ends in "…".

    Control characters become replacement characters.
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
    """A figure on which things have their place in inches from the upper left corner."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = plt.figure(figsize=(width, height))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """A panel without ticks and frame."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        return axes

    def write(self, lines: Sequence[Line], left: float, top: float) -> None:
        """Lines one below another, from `top` downwards."""
        for line in lines:
            self.figure.text(
                left / self.width,
                1 - (top + line.height / 2) / self.height,
                line.text,
                va="center_baseline",
                size=line.size,
                color=line.color,
                weight=line.weight,
                parse_math=False,  # names of classes and files may hold $
            )
            top += line.height


def room(lines: Sequence[Line]) -> float:
    """Height of lines one below another, in inches."""
    return sum(line.height for line in lines)


def draw_box(axes: Axes, box: np.ndarray, **style) -> None:
    """The outline x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, clip_on=False, **style))
