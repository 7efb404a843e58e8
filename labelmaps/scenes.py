"""Synthetic scenes: one object of a known class somewhere among clutter and look-alikes, with its exact box.

Everything is drawn here from a random generator, so that the workflow runs with no download. Shapes are polygons
in unit coordinates (x to the right, y down, the object fills about [-1, 1] of its longer side). A `Pen` maps them to
a supersampled picture, `_sprite` lights that picture and gives it a shadow, and `compose_scene` lays sprites on a
textured ground. Adding a class is adding a drawing and its line in `DRAWINGS`.
"""

import csv
import math
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFilter

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]

SUPERSAMPLE = 3  # sprites are drawn this many times larger, then averaged
JPEG_QUALITY = 90
OBJECT_SIZE = (0.24, 0.72)  # the object's longer side, as a fraction of the image's shorter side
CENTRE_BIAS = 2.5  # places follow Beta(b, b) between the borders: photographers prefer the middle
VISIBLE = 0.75  # what comes in front of the object leaves at least this share of it in sight

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
# The two colours of the ground, and how much wider than high its grain is.
GROUNDS = (
    ((70, 98, 46), (142, 166, 84), 1.0),  # meadow
    ((176, 150, 110), (224, 204, 164), 1.5),  # sand
    ((54, 104, 122), (132, 178, 186), 4.0),  # water
    ((88, 68, 48), (150, 122, 88), 1.0),  # forest floor
    ((120, 82, 50), (186, 142, 98), 8.0),  # planks
    ((96, 100, 106), (168, 170, 168), 1.0),  # slate
    ((188, 200, 212), (238, 240, 242), 2.0),  # snow
    ((58, 64, 88), (122, 118, 134), 2.0),  # dusk
)


class Stream(IntEnum):
    """What a scene is for. Each purpose has its own random stream, so no training scene is ever evaluated."""

    EVALUATION = 0
    TRAINING = 1


class Scene(NamedTuple):
    """A picture (height, width, 3) uint8, the object's box (x0, y0, x1, y1) and its label index."""

    image: np.ndarray
    box: Box
    label: int


# ------------------------------------------------------------------------------------------------------- the pen


class Pen:
    """Draws polygons given in unit coordinates into a square, supersampled, transparent picture.

    Args:
        size: side of the unit box [-1, 1] in pixels of the scene.
        transform: (2, 2) matrix from unit coordinates to turned, squeezed or mirrored ones.
    """

    def __init__(self, size: float, transform: np.ndarray):
        self.scale = 0.5 * size * SUPERSAMPLE
        self.matrix = self.scale * transform.T
        self.centre = math.ceil(0.75 * size) * SUPERSAMPLE  # room for turned corners
        # What is drawn is opaque, so the picture is premultiplied as it stands: "RGBa".
        self.picture = Image.new("RGBa", (2 * self.centre, 2 * self.centre))
        self.draw = ImageDraw.Draw(self.picture)

    def _pixels(self, points: ArrayLike) -> list[float]:
        return (np.asarray(points, float) @ self.matrix + self.centre).ravel().tolist()

    def shape(self, points: ArrayLike, colour: Colour) -> None:
        """Fill the polygon `points` (n, 2)."""
        self.draw.polygon(self._pixels(points), fill=colour)

    def blob(self, points: ArrayLike, colour: Colour) -> None:
        """Fill the smooth closed curve through `points` (n, 2)."""
        self.shape(_smooth(points), colour)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0.0) -> None:
        """Fill an ellipse of radii (rx, ry) around (x, y), turned by `turn` radians."""
        self.shape(_arc(x, y, rx, ry, 0, 2 * np.pi, turn), colour)

    def stroke(self, points: ArrayLike, width: float, colour: Colour) -> None:
        """Draw a line through `points` (n, 2), `width` units wide."""
        self.draw.line(
            self._pixels(points), fill=colour, width=max(1, round(width * self.scale)), joint="curve"
        )


def _arc(x, y, rx, ry, start, stop, turn=0.0) -> np.ndarray:
    """Points (32, 2) of an ellipse's arc from angle `start` to `stop` (radians, clockwise as y points down)."""
    t = np.linspace(start, stop, 32)
    along, across = rx * np.cos(t), ry * np.sin(t)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([x + c * along - s * across, y + s * along + c * across], axis=1)


def _smooth(points: ArrayLike, steps: int = 8) -> np.ndarray:
    """Closed Catmull-Rom curve through `points` (n, 2): (n * steps, 2)."""
    p1 = np.asarray(points, float)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def _tint(rng: np.random.Generator, colour: Colour, spread: int = 16) -> Colour:
    """The colour, a little lighter or darker, a little off in hue."""
    shift = rng.integers(-spread, spread + 1) + rng.integers(-spread // 2, spread // 2 + 1, 3)
    return tuple(int(v) for v in np.clip(np.add(colour, shift), 0, 255))


def _paint(rng: np.random.Generator) -> Colour:
    return _tint(rng, PALETTE[rng.integers(len(PALETTE))])


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    return tuple(round((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))


# --------------------------------------------------------------------------------------- the classes' drawings


def _apple(pen: Pen, rng: np.random.Generator) -> None:
    skin = _paint(rng)
    side = [(0.3, -0.62), (0.75, -0.55), (0.95, -0.05), (0.75, 0.6), (0.3, 0.92)]
    pen.blob([(0, -0.42), *side, (0, 0.82), *[(-x, y) for x, y in side[::-1]]], skin)
    pen.disc(-0.42, -0.22, 0.14, 0.26, _mix(skin, (255, 255, 255), 0.45), 0.4)
    pen.stroke([(0, -0.42), (0.04, -0.7), (0.14, -0.95)], 0.1, WOOD)
    if rng.random() < 0.7:
        pen.disc(0.36, -0.8, 0.28, 0.12, _tint(rng, LEAF), -0.35)


def _pear(pen: Pen, rng: np.random.Generator) -> None:
    skin = _paint(rng)
    side = [(0.24, -0.6), (0.32, -0.2), (0.64, 0.25), (0.6, 0.75), (0.25, 0.98)]
    pen.blob([(0, -0.7), *side, (0, 0.95), *[(-x, y) for x, y in side[::-1]]], skin)
    pen.disc(-0.26, 0.28, 0.12, 0.3, _mix(skin, (255, 255, 255), 0.45), 0.3)
    pen.stroke([(0, -0.65), (0.05, -0.85), (0.16, -1)], 0.1, WOOD)


def _cherries(pen: Pen, rng: np.random.Generator) -> None:
    skin = _paint(rng)
    for x, y in ((-0.5, 0.5), (0.45, 0.6)):
        pen.stroke([(x, y), (0.5 * x, -0.25), (0.1, -0.9)], 0.08, _mix(LEAF, WOOD, 0.4))
        pen.disc(x, y, 0.42, 0.4, skin)
        pen.disc(x - 0.14, y - 0.14, 0.1, 0.12, _mix(skin, (255, 255, 255), 0.5))
    pen.disc(0.46, -0.74, 0.38, 0.17, _tint(rng, LEAF), 0.25)


def _mushroom(pen: Pen, rng: np.random.Generator) -> None:
    cap = _paint(rng)
    pen.blob([(-0.2, 0), (0.2, 0), (0.25, 0.6), (0.32, 0.95), (-0.32, 0.95), (-0.25, 0.6)], _tint(rng, CREAM))
    pen.shape([*_arc(0, 0.05, 0.95, 0.95, np.pi, 2 * np.pi), *_arc(0, 0.05, 0.95, 0.2, 0, np.pi)], cap)
    spot = _mix(cap, CREAM, rng.uniform(0.5, 1.0))
    for x, y, r in ((-0.5, -0.25, 0.15), (0.02, -0.55, 0.17), (0.46, -0.2, 0.14), (-0.05, -0.08, 0.11)):
        pen.disc(x, y, r, 0.8 * r, spot)


def _daisy(pen: Pen, rng: np.random.Generator) -> None:
    petal = _paint(rng)
    n = int(rng.integers(8, 14))
    for turn in 2 * np.pi * np.arange(n) / n:
        shade = _mix(petal, DARK, 0.12 * (np.sin(3 * turn) > 0))
        pen.disc(0.62 * np.cos(turn), 0.62 * np.sin(turn), 0.37, 2.1 / n, shade, turn)
    pen.disc(0, 0, 0.28, 0.28, _tint(rng, PALETTE[rng.choice([1, 2, 9])]))


def _tulip(pen: Pen, rng: np.random.Generator) -> None:
    petal, green = _paint(rng), _tint(rng, LEAF)
    pen.stroke([(0, 0), (0.03, 0.5), (0, 1)], 0.11, green)
    pen.blob([(0, 0.95), (0.3, 0.5), (0.55, 0.12), (0.42, 0.6)], green)
    pen.blob([(0, 0.95), (-0.3, 0.6), (-0.5, 0.3), (-0.4, 0.7)], _mix(green, DARK, 0.15))
    pen.shape([(-0.25, -0.2), (0, -1), (0.25, -0.2)], _mix(petal, DARK, 0.2))
    for side in (-1, 1):
        pen.blob([(0, 0.12), (side * 0.42, -0.05), (side * 0.48, -0.92), (side * 0.06, -0.4)], petal)


def _butterfly(pen: Pen, rng: np.random.Generator) -> None:
    wing, spot = _paint(rng), _paint(rng)
    for side in (-1, 1):
        pen.blob([(0, 0), (side * 0.45, -0.85), (side * 0.98, -0.75), (side * 0.75, 0)], wing)
        pen.blob([(0, 0), (side * 0.7, 0.08), (side * 0.72, 0.7), (side * 0.3, 0.75)], _mix(wing, DARK, 0.18))
        pen.disc(side * 0.66, -0.5, 0.16, 0.14, spot)
        pen.disc(side * 0.48, 0.4, 0.12, 0.12, spot)
        pen.stroke([(0, -0.4), (side * 0.2, -0.8)], 0.05, DARK)
    pen.disc(0, 0, 0.09, 0.52, DARK)


def _ladybird(pen: Pen, rng: np.random.Generator) -> None:
    for y in (-0.25, 0.2, 0.6):
        pen.stroke([(-0.88, y + 0.1), (0, y), (0.88, y + 0.1)], 0.08, DARK)
    pen.disc(0, -0.62, 0.4, 0.34, DARK)
    pen.disc(0, 0.15, 0.74, 0.82, _paint(rng))
    pen.stroke([(0, -0.65), (0, 0.95)], 0.07, DARK)
    for side in (-1, 1):
        for x, y in ((0.36, -0.2), (0.45, 0.28), (0.25, 0.62)):
            pen.disc(side * x, y, 0.13, 0.14, DARK)


def _snail(pen: Pen, rng: np.random.Generator) -> None:
    shell, flesh = _paint(rng), _tint(rng, (196, 166, 122))
    foot = [(-0.98, 0.82), (-0.4, 0.5), (0.45, 0.5), (0.55, -0.1), (0.82, -0.2), (0.95, 0.1), (0.8, 0.82)]
    pen.blob(foot, flesh)
    for x in (0.66, 0.92):
        pen.stroke([(0.72, -0.1), (x, -0.55)], 0.07, flesh)
    pen.disc(-0.15, -0.05, 0.66, 0.64, shell)
    turn = np.linspace(0, 5 * np.pi, 60)
    reach = 0.58 * (1 - turn / turn[-1])
    spiral = np.stack([-0.15 + reach * np.cos(turn), -0.05 + reach * np.sin(turn)], axis=1)
    pen.stroke(spiral, 0.08, _mix(shell, DARK, 0.55))


def _fish(pen: Pen, rng: np.random.Generator) -> None:
    skin, stripe = _paint(rng), _paint(rng)
    pen.blob([(-0.5, 0), (-0.95, -0.42), (-0.85, 0), (-0.95, 0.42)], _mix(skin, DARK, 0.2))
    pen.blob([(0.1, -0.3), (-0.35, -0.6), (-0.2, -0.25)], _mix(skin, DARK, 0.2))
    pen.blob(
        [(0.97, 0.02), (0.55, -0.36), (0, -0.42), (-0.6, -0.06), (-0.6, 0.06), (0, 0.42), (0.55, 0.36)], skin
    )
    for x in (-0.2, 0.1):
        pen.shape(_arc(x, 0, 0.08, 0.36, 0, 2 * np.pi), stripe)
    pen.disc(0.62, -0.08, 0.1, 0.1, CREAM)
    pen.disc(0.64, -0.08, 0.05, 0.05, DARK)


def _mug(pen: Pen, rng: np.random.Generator) -> None:
    glaze, band = _paint(rng), _paint(rng)
    pen.stroke(_arc(0.5, 0.1, 0.42, 0.42, -1.7, 1.7), 0.16, _mix(glaze, DARK, 0.15))
    pen.shape([(-0.78, -0.7), *_arc(-0.12, 0.72, 0.58, 0.2, np.pi, 0), (0.54, -0.7)], glaze)
    pen.shape([(-0.74, -0.1), (0.5, -0.1), (0.48, 0.25), (-0.72, 0.25)], band)
    pen.disc(-0.12, -0.7, 0.66, 0.2, _mix(glaze, CREAM, 0.4))
    pen.disc(-0.12, -0.68, 0.54, 0.13, _tint(rng, (86, 58, 40)))


def _umbrella(pen: Pen, rng: np.random.Generator) -> None:
    cloth, other = _paint(rng), _paint(rng)
    pen.stroke([(0, -0.95), (0, 0.7), *_arc(0.16, 0.72, 0.16, 0.2, np.pi, 0.2)], 0.08, WOOD)
    hem = [_arc(x, 0, 0.245, 0.14, 0, -np.pi) for x in (0.735, 0.245, -0.245, -0.735)]
    pen.shape(np.concatenate([_arc(0, 0, 0.98, 0.86, np.pi, 2 * np.pi), *hem]), cloth)
    pen.shape([(0, -0.86), *_arc(0.245, 0, 0.245, 0.14, 0, -np.pi)], other)
    pen.shape([(0, -0.86), *_arc(-0.735, 0, 0.245, 0.14, 0, -np.pi)], other)


def _kite(pen: Pen, rng: np.random.Generator) -> None:
    cloth, other = _paint(rng), _paint(rng)
    tail = np.linspace(0, 1, 16)
    tail = np.stack([0.16 * np.sin(9 * tail), 0.3 + 0.68 * tail], 1)
    pen.stroke(tail, 0.05, DARK)
    for x, y in tail[[8, 13]]:
        pen.shape(
            [(x - 0.16, y - 0.08), (x + 0.16, y + 0.08), (x + 0.16, y - 0.08), (x - 0.16, y + 0.08)], other
        )
    corners = [(0, -1), (0.6, -0.4), (0, 0.34), (-0.6, -0.4)]
    for i, colour in enumerate((cloth, other, cloth, other)):
        pen.shape([corners[i], corners[(i + 1) % 4], (0, -0.4)], colour)
    pen.stroke([corners[0], corners[2]], 0.05, DARK)
    pen.stroke([corners[1], corners[3]], 0.05, DARK)


def _sailboat(pen: Pen, rng: np.random.Generator) -> None:
    hull, sail = _paint(rng), _mix(_paint(rng), CREAM, 0.4)
    pen.stroke([(0.05, -0.98), (0.05, 0.5)], 0.07, WOOD)
    pen.shape([(0.14, -0.9), (0.8, 0.28), (0.14, 0.3)], sail)
    pen.shape([(-0.04, -0.7), (-0.04, 0.3), (-0.62, 0.26)], _mix(sail, DARK, 0.15))
    pen.shape([(-0.95, 0.42), (0.95, 0.42), *_arc(0, 0.42, 0.7, 0.5, 0.3, np.pi - 0.3)], hull)
    pen.shape([(-0.95, 0.42), (0.95, 0.42), (0.88, 0.54), (-0.88, 0.54)], _mix(hull, CREAM, 0.5))


# ------------------------------------------------------- what is no class: look-alikes and clutter on the ground


def _ball(pen: Pen, rng: np.random.Generator) -> None:  # an apple without its stem
    skin = _paint(rng)
    pen.disc(0, 0, 0.9, 0.9, skin)
    pen.blob([(-0.85, -0.2), (0, 0.1), (0.85, -0.2), (0.85, 0.2), (0, 0.5), (-0.85, 0.2)], _paint(rng))
    pen.disc(-0.35, -0.45, 0.18, 0.12, _mix(skin, (255, 255, 255), 0.5), -0.6)


def _berries(pen: Pen, rng: np.random.Generator) -> None:  # cherries without their stalks
    skin = _paint(rng)
    for x, y in ((-0.45, 0.3), (0.45, 0.25), (0.0, -0.4)):
        pen.disc(x, y, 0.46, 0.44, skin)
        pen.disc(x - 0.14, y - 0.14, 0.1, 0.1, _mix(skin, (255, 255, 255), 0.5))


def _egg(pen: Pen, rng: np.random.Generator) -> None:  # spotted as a mushroom's cap or a ladybird
    pen.blob([(0, -0.95), (0.55, -0.2), (0.5, 0.6), (0, 0.9), (-0.5, 0.6), (-0.55, -0.2)], _paint(rng))
    spot = _paint(rng)
    for _ in range(6):
        pen.disc(*rng.uniform(-0.35, 0.35, 2), 0.1, 0.1, spot)


def _shell(pen: Pen, rng: np.random.Generator) -> None:  # a snail has left it
    shell = _paint(rng)
    pen.blob([(-0.8, 0), (-0.1, -0.75), (0.65, -0.35), (0.95, 0.7), (0.1, 0.72), (-0.6, 0.6)], shell)
    for reach in (0.25, 0.5):
        pen.stroke(_arc(-0.1, 0, reach, reach, 0.5, 5.5), 0.07, _mix(shell, DARK, 0.5))


def _jar(pen: Pen, rng: np.random.Generator) -> None:  # a mug without its handle
    glaze = _paint(rng)
    pen.blob([(-0.4, -0.8), (0.4, -0.8), (0.68, 0), (0.5, 0.85), (-0.5, 0.85), (-0.68, 0)], glaze)
    pen.shape([(-0.66, -0.1), (0.66, -0.1), (0.64, 0.3), (-0.64, 0.3)], _paint(rng))
    pen.disc(0, -0.8, 0.42, 0.13, _mix(glaze, DARK, 0.4))


def _pennant(pen: Pen, rng: np.random.Generator) -> None:  # half a sail, half a kite
    pen.stroke([(-0.5, -0.95), (-0.5, 0.95)], 0.09, WOOD)
    pen.shape([(-0.46, -0.9), (0.85, -0.45), (-0.46, 0.0)], _paint(rng))


def _star(pen: Pen, rng: np.random.Generator) -> None:  # a flower with no heart
    turn = np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2, 0.45, 0.95)
    pen.blob(np.stack([reach * np.sin(turn), reach * np.cos(turn)], 1), _paint(rng))


def _scrap(pen: Pen, rng: np.random.Generator) -> None:  # two wings, two fins, a bow
    cloth = _paint(rng)
    pen.blob([(0, 0), (0.9, -0.6), (0.8, 0.1), (0.85, 0.55)], cloth)
    pen.blob([(0, 0), (-0.9, -0.5), (-0.8, 0.1), (-0.8, 0.6)], _mix(cloth, DARK, 0.2))
    pen.disc(0, 0, 0.15, 0.2, _paint(rng))


def _stones(pen: Pen, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(3, 9))):
        x, y = rng.uniform(-0.8, 0.8, 2)
        turn = np.arange(7) * 2 * np.pi / 7
        reach = rng.uniform(0.06, 0.2) * rng.uniform(0.7, 1.1, 7)
        outline = np.stack([x + 1.3 * reach * np.cos(turn), y + reach * np.sin(turn)], 1)
        pen.blob(outline, _tint(rng, (140, 134, 126), 34))


def _leaves(pen: Pen, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform(-0.75, 0.75, 2)
        turn = rng.uniform(0, np.pi)
        colour = _tint(rng, (LEAF, WOOD, (176, 120, 50))[rng.integers(3)], 24)
        pen.disc(x, y, 0.22, 0.09, colour, turn)
        right, down = 0.26 * np.cos(turn), 0.26 * np.sin(turn)
        pen.stroke([(x - right, y - down), (x + right, y + down)], 0.025, _mix(colour, DARK, 0.4))


def _grass(pen: Pen, rng: np.random.Generator) -> None:
    green = _tint(rng, _mix(LEAF, (190, 170, 90), rng.random()), 20)
    for _ in range(int(rng.integers(6, 16))):
        foot, lean, tip = rng.uniform(-0.35, 0.35), rng.uniform(-0.6, 0.6), rng.uniform(-0.95, -0.1)
        blade = [(foot - 0.04, 0.9), (foot + 0.4 * lean, 0.3 + 0.4 * tip), (foot + lean, tip)]
        pen.shape(
            [*blade, (foot + 0.4 * lean + 0.06, 0.3 + 0.4 * tip), (foot + 0.04, 0.9)], _tint(rng, green)
        )


def _twigs(pen: Pen, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(2, 5))):
        start, stop = rng.uniform(-0.9, 0.9, (2, 2))
        middle = (start + stop) / 2 + rng.uniform(-0.15, 0.15, 2)
        bark = _tint(rng, WOOD, 26)
        pen.stroke([start, middle, stop], rng.uniform(0.04, 0.08), bark)
        pen.stroke([middle, middle + rng.uniform(-0.35, 0.35, 2)], 0.035, bark)


Drawing = Callable[[Pen, np.random.Generator], None]
DRAWINGS: dict[str, Drawing] = {
    "apple": _apple,
    "pear": _pear,
    "cherries": _cherries,
    "mushroom": _mushroom,
    "daisy": _daisy,
    "tulip": _tulip,
    "butterfly": _butterfly,
    "ladybird": _ladybird,
    "snail": _snail,
    "fish": _fish,
    "mug": _mug,
    "umbrella": _umbrella,
    "kite": _kite,
    "sailboat": _sailboat,
}
LOOKALIKES: Sequence[Drawing] = (_ball, _berries, _egg, _shell, _jar, _pennant, _star, _scrap)
CLUTTER: Sequence[Drawing] = (_stones, _leaves, _grass, _twigs)
CLASSES: tuple[tuple[str, str], ...] = tuple((f"s{i:02d}", name) for i, name in enumerate(DRAWINGS, start=1))


# ----------------------------------------------------------------------------------------------------- the scene


class _Sprite(NamedTuple):
    colour: np.ndarray  # (height, width, 3), 0..255, premultiplied by alpha
    alpha: np.ndarray  # (height, width), 0..1
    shadow: np.ndarray  # (height, width), 0..1


def _sprite(
    drawing: Drawing, size: float, tilt: float, light: np.ndarray, rng: np.random.Generator
) -> _Sprite:
    """Draw one thing, about `size` pixels long, turned by up to `tilt` radians and lit from `light` (x, y)."""
    turn, mirror, squeeze = rng.uniform(-tilt, tilt), rng.choice([-1, 1]), rng.uniform(0.8, 1.0)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    pen = Pen(size, turned @ np.diag([mirror * squeeze, 1.0]))
    drawing(pen, rng)
    x0, y0, x1, y1 = pen.picture.getbbox()
    margin = math.ceil(0.15 * size) * SUPERSAMPLE  # room for the shadow
    picture = pen.picture.crop((x0 - margin, y0 - margin, x1 + margin, y1 + margin)).reduce(SUPERSAMPLE)
    pixels = np.asarray(picture, np.float32)
    # A blurred silhouette serves as the height of a cushion: its slope towards the light gives the shading.
    soft = picture.getchannel("a").filter(ImageFilter.GaussianBlur(0.05 * size))
    height = np.asarray(soft, np.float32) / 255
    down, right = np.gradient(height)
    shading = 1 - 0.12 * (size * (light[0] * right + light[1] * down)).clip(-4, 4)
    drop = np.rint(-0.06 * size * light).astype(int)
    shadow = np.roll(height, (drop[1], drop[0]), axis=(0, 1))
    alpha = pixels[..., 3:] / 255
    return _Sprite(np.minimum(pixels[..., :3] * shading[..., None], 255 * alpha), alpha[..., 0], shadow)


class _Stage:
    """A scene while it is being laid out, from the back to the front.

    Attributes:
        canvas: (height, width, 3) float32, 0..255.
        visible: (height, width) float32, how much of each pixel the object covers, in sight.
        light: (x, y), the unit vector towards the light.
    """

    def __init__(self, rng: np.random.Generator):
        angle = rng.uniform(-2.6, -0.5)  # from above
        self.light = np.array([np.cos(angle), np.sin(angle)], np.float32)
        self.canvas = _ground(rng, *_canvas_size(rng), self.light)
        self.visible = np.zeros(self.canvas.shape[:2], np.float32)
        self.least = 0.0  # how many pixels of the object must stay in sight
        self.rng = rng

    def strew(self, drawings: Sequence[Drawing], n: int, sizes: tuple[float, float]) -> None:
        """Lay `n` things anywhere, even across a border; `sizes` are fractions of the shorter side."""
        height, width = self.visible.shape
        for _ in range(n):
            drawing = drawings[self.rng.integers(len(drawings))]
            sprite = _sprite(
                drawing, min(width, height) * self.rng.uniform(*sizes), 0.5, self.light, self.rng
            )
            rows, columns = sprite.alpha.shape
            x, y = self.rng.uniform(0, (width, height)) - (columns / 2, rows / 2)
            self._lay(sprite, round(x), round(y))

    def lay_object(self, drawing: Drawing) -> None:
        """Lay the object, whole inside the scene."""
        height, width = self.visible.shape
        size = min(width, height) * math.exp(self.rng.uniform(*map(math.log, OBJECT_SIZE)))
        sprite = _sprite(drawing, size, 0.4, self.light, self.rng)
        x0, y0, x1, y1 = box_of(sprite.alpha >= 0.5)
        place = self.rng.beta(CENTRE_BIAS, CENTRE_BIAS, 2)
        x, y = place * (width - 1 - x1 + x0, height - 1 - y1 + y0) - (x0, y0)
        here, there = self._lay(sprite, round(x), round(y))
        self.visible[here] = sprite.alpha[there]
        self.least = VISIBLE * self.visible.sum()

    def _lay(self, sprite: _Sprite, x: int, y: int) -> tuple[tuple, tuple]:
        """Paint a sprite with its corner at (x, y), unless it would hide too much of the object.

        Returns:
            The slices (rows, columns) of the scene and of the sprite where the two meet.
        """
        rows, columns = sprite.alpha.shape
        height, width = self.visible.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + columns, width), min(y + rows, height)
        here, there = np.s_[y0:y1, x0:x1], np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        see_through = 1 - sprite.alpha[there]
        visible = self.visible[here] * see_through
        if self.visible.sum() - self.visible[here].sum() + visible.sum() >= self.least:
            self.visible[here] = visible
            self.canvas[here] *= (see_through * (1 - 0.45 * sprite.shadow[there]))[..., None]
            self.canvas[here] += sprite.colour[there]
        return here, there


def _noise(rng: np.random.Generator, width: int, height: int, grain: float, stretch: float) -> np.ndarray:
    """Smooth noise (height, width) in about -1..1, with features of `grain` pixels, `stretch` times wider."""
    shape = int(height / grain) + 2, int(width / (grain * stretch)) + 2
    coarse = Image.fromarray(2 * rng.random(shape, np.float32) - 1)
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _ground(rng: np.random.Generator, width: int, height: int, light: np.ndarray) -> np.ndarray:
    """A textured ground (height, width, 3) float32, 0..255, brighter towards the light."""
    dark, bright, stretch = GROUNDS[rng.integers(len(GROUNDS))]
    dark, bright = np.float32(_tint(rng, dark)), np.float32(_tint(rng, bright))
    texture = 0.5 + 0.1 * (2 * rng.random((height, width), np.float32) - 1)
    for grain, strength in ((90, 0.4), (24, 0.2), (6, 0.1)):
        texture += strength * _noise(rng, width, height, grain, stretch)
    across, down = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    falloff = 1 + 0.12 * (light[0] * across + light[1] * down[:, None])
    return (dark + texture[..., None] * (bright - dark)) * falloff[..., None]


def _canvas_size(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height around 400 x 300 pixels; two in three are landscape."""
    long = int(rng.integers(360, 461))
    short = round(long / rng.choice([1.0, 1.25, 4 / 3, 1.5, 16 / 9]))
    return (long, short) if rng.random() < 0.67 else (short, long)


def compose_scene(rng: np.random.Generator, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a scene and the mask of its object.

    Args:
        rng: source of every choice.
        label: index into `CLASSES`.

    Returns:
        The picture (height, width, 3) uint8 and the visible object (height, width) bool: the pixels that the object
        covers by half or more and that nothing in front of it hides.
    """
    stage = _Stage(rng)
    stage.strew(CLUTTER, rng.integers(3, 8), (0.2, 0.6))
    stage.strew(LOOKALIKES, rng.integers(2, 6), (0.08, 0.3))
    stage.lay_object(tuple(DRAWINGS.values())[label])
    stage.strew(LOOKALIKES, rng.integers(0, 3), (0.08, 0.25))
    stage.strew(CLUTTER, rng.integers(1, 4), (0.2, 0.5))
    film = 12 * rng.random((*stage.visible.shape, 1), np.float32) - 6  # a camera's grain
    return (stage.canvas + film).clip(0, 255).round().astype(np.uint8), stage.visible >= 0.5


def box_of(mask: np.ndarray) -> Box:
    """Tight box (x0, y0, x1, y1) of a mask (height, width): first and last column and row, counted from 0."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def draw_scene(rng: np.random.Generator, label: int) -> tuple[np.ndarray, Box]:
    """Draw one object among clutter.

    Args:
        rng: source of every choice.
        label: index into `CLASSES`.

    Returns:
        The picture (height, width, 3) uint8, and the tight box (x0, y0, x1, y1) of what is visible of the object,
        in pixels, inclusive, counted from 0.
    """
    image, mask = compose_scene(rng, label)
    return image, box_of(mask)


# -------------------------------------------------------------------------------------------------------- the set


def nth_label(seed: int, stream: Stream, index: int) -> int:
    """Label of scene `index`: every run of `len(CLASSES)` scenes is a shuffle of all the classes."""
    run, place = divmod(index, len(CLASSES))
    shuffle = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, 0, run)))
    return int(shuffle.permutation(len(CLASSES))[place])


def nth_scene(seed: int, stream: Stream, index: int) -> Scene:
    """Draw scene `index` (from 0) of a set. It depends on nothing else: a longer set begins with the shorter one."""
    label = nth_label(seed, stream, index)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, 1, index)))
    return Scene(*draw_scene(rng, label), label)


def write_scenes(folder: Path, n: int, seed: int) -> None:
    """Write an evaluation set in the formats of ImageNet's: same seed, same bytes.

    Args:
        folder: receives `images/scene_00000001.JPEG`…, `boxes.csv` (Kaggle's `ImageId,PredictionString`, each string
            `id x0 y0 x1 y1 ` with its trailing blank) and `classes.txt` (lines `id name`, in the order of the labels).
        n: number of scenes.
        seed: of the scenes; a training set of the same seed shares none of them.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("".join(f"{id} {name}\n" for id, name in CLASSES))
    with (folder / "boxes.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["ImageId", "PredictionString"])
        for index in range(n):
            scene = nth_scene(seed, Stream.EVALUATION, index)
            name = f"scene_{index + 1:08d}"
            Image.fromarray(scene.image).save(images / f"{name}.JPEG", quality=JPEG_QUALITY)
            rows.writerow([name, " ".join(map(str, (CLASSES[scene.label][0], *scene.box))) + " "])
