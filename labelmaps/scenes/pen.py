"""A pen that draws smooth shapes into a transparent image, and its colours."""

import math

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255

SUPERSAMPLE = 3  # sprites are drawn this many times larger, then averaged

DARK = (40, 34, 32)
LEAF = (84, 132, 58)
WOOD = (122, 88, 56)
CREAM = (240, 228, 200)

# Classes and distractors share these colours: no class is recognised by its colour alone.
PALETTE = (
    (196, 52, 44),
    (222, 122, 40),
    (236, 190, 62),
    (132, 168, 66),
    (58, 128, 112),
    (66, 112, 176),
    (122, 84, 158),
    (206, 104, 140),
    (226, 214, 196),
    (146, 96, 62),
)


class Pen:
    """A pen that draws polygons, given in unit coordinates, into a square, supersampled, transparent image.

    size: side of the unit box [-1, 1], in pixels of the scene.
    transform: (2, 2) matrix from unit coordinates to turned, squeezed or mirrored ones.
    """

    def __init__(self, size: float, transform: np.ndarray):
        self.scale = 0.5 * size * SUPERSAMPLE
        self.matrix = self.scale * transform.T
        self.centre = math.ceil(0.75 * size) * SUPERSAMPLE  # room for turned corners
        # All colours are opaque, so they need no multiplication by alpha, which is what "RGBa" stands for.
        self.picture = Image.new("RGBa", (2 * self.centre, 2 * self.centre))
        self.draw = ImageDraw.Draw(self.picture)

    def _pixels(self, points: ArrayLike) -> list[float]:
        """Convert points (n, 2) from unit coordinates to pixels of the supersampled image: x, y of each in turn."""
        return (np.asarray(points, float) @ self.matrix + self.centre).ravel().tolist()

    def shape(self, points: ArrayLike, colour: Colour) -> None:
        """Fill the polygon with the corners `points` (n, 2)."""
        self.draw.polygon(self._pixels(points), fill=colour)

    def blob(self, points: ArrayLike, colour: Colour) -> None:
        """Fill the smooth closed curve through `points` (n, 2)."""
        self.shape(_smooth(points), colour)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0.0) -> None:
        """Fill an ellipse of radii (rx, ry) around (x, y), turned by `turn` radians."""
        self.shape(arc(x, y, rx, ry, 0, 2 * np.pi, turn), colour)

    def stroke(self, points: ArrayLike, width: float, colour: Colour) -> None:
        """Draw a line through `points` (n, 2), `width` wide in unit coordinates."""
        self.draw.line(
            self._pixels(points), fill=colour, width=max(1, round(width * self.scale)), joint="curve"
        )


def arc(x, y, rx, ry, start, stop, turn=0.0) -> np.ndarray:
    """Compute 32 points (32, 2) on an arc of an ellipse.

    x, y: the centre. rx, ry: the radii. start, stop: the first and the last angle in radians, clockwise, as y points down.
    turn: the angle by which the ellipse is turned, in radians.
    """
    t = np.linspace(start, stop, 32)
    along, across = rx * np.cos(t), ry * np.sin(t)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([x + c * along - s * across, y + s * along + c * across], axis=1)


def _smooth(points: ArrayLike, steps: int = 8) -> np.ndarray:
    """Compute a closed Catmull-Rom curve through `points` (n, 2), with `steps` points for each of them, (n · steps, 2)."""
    p1 = np.asarray(points, float)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def tint(rng: np.random.Generator, colour: Colour, spread: int = 16) -> Colour:
    """Vary the brightness of a colour at random, by up to `spread` of 255, and each channel by up to half of that."""
    shift = rng.integers(-spread, spread + 1) + rng.integers(-spread // 2, spread // 2 + 1, 3)
    red, green, blue = (int(v) for v in np.clip(np.add(colour, shift), 0, 255))
    return red, green, blue


def choose_paint(rng: np.random.Generator) -> Colour:
    """Choose a colour of the palette at random, and vary it."""
    return tint(rng, PALETTE[rng.integers(len(PALETTE))])


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix two colours; `share` is the fraction of `other`."""
    red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))
    return red, green, blue
