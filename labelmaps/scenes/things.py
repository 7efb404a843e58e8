"""The drawings of things in the scenes: one per class, lookalikes of the classes, and clutter."""

from collections.abc import Callable, Sequence

import numpy as np

from labelmaps.scenes.pen import CREAM, DARK, LEAF, PALETTE, WOOD, Pen, arc, choose_paint, mix, tint


def _apple(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an apple."""
    skin = choose_paint(rng)
    side = [(0.3, -0.62), (0.75, -0.55), (0.95, -0.05), (0.75, 0.6), (0.3, 0.92)]
    pen.blob([(0, -0.42), *side, (0, 0.82), *[(-x, y) for x, y in side[::-1]]], skin)
    pen.disc(-0.42, -0.22, 0.14, 0.26, mix(skin, (255, 255, 255), 0.45), 0.4)
    pen.stroke([(0, -0.42), (0.04, -0.7), (0.14, -0.95)], 0.1, WOOD)
    if rng.random() < 0.7:
        pen.disc(0.36, -0.8, 0.28, 0.12, tint(rng, LEAF), -0.35)


def _pear(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a pear."""
    skin = choose_paint(rng)
    side = [(0.24, -0.6), (0.32, -0.2), (0.64, 0.25), (0.6, 0.75), (0.25, 0.98)]
    pen.blob([(0, -0.7), *side, (0, 0.95), *[(-x, y) for x, y in side[::-1]]], skin)
    pen.disc(-0.26, 0.28, 0.12, 0.3, mix(skin, (255, 255, 255), 0.45), 0.3)
    pen.stroke([(0, -0.65), (0.05, -0.85), (0.16, -1)], 0.1, WOOD)


def _cherries(pen: Pen, rng: np.random.Generator) -> None:
    """Draw two cherries."""
    skin = choose_paint(rng)
    for x, y in ((-0.5, 0.5), (0.45, 0.6)):
        pen.stroke([(x, y), (0.5 * x, -0.25), (0.1, -0.9)], 0.08, mix(LEAF, WOOD, 0.4))
        pen.disc(x, y, 0.42, 0.4, skin)
        pen.disc(x - 0.14, y - 0.14, 0.1, 0.12, mix(skin, (255, 255, 255), 0.5))
    pen.disc(0.46, -0.74, 0.38, 0.17, tint(rng, LEAF), 0.25)


def _mushroom(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a mushroom."""
    cap = choose_paint(rng)
    pen.blob([(-0.2, 0), (0.2, 0), (0.25, 0.6), (0.32, 0.95), (-0.32, 0.95), (-0.25, 0.6)], tint(rng, CREAM))
    pen.shape([*arc(0, 0.05, 0.95, 0.95, np.pi, 2 * np.pi), *arc(0, 0.05, 0.95, 0.2, 0, np.pi)], cap)
    spot = mix(cap, CREAM, rng.uniform(0.5, 1.0))
    for x, y, r in ((-0.5, -0.25, 0.15), (0.02, -0.55, 0.17), (0.46, -0.2, 0.14), (-0.05, -0.08, 0.11)):
        pen.disc(x, y, r, 0.8 * r, spot)


def _daisy(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a daisy."""
    petal = choose_paint(rng)
    n = int(rng.integers(8, 14))
    for turn in 2 * np.pi * np.arange(n) / n:
        shade = mix(petal, DARK, 0.12 * (np.sin(3 * turn) > 0))
        pen.disc(0.62 * np.cos(turn), 0.62 * np.sin(turn), 0.37, 2.1 / n, shade, turn)
    pen.disc(0, 0, 0.28, 0.28, tint(rng, PALETTE[rng.choice([1, 2, 9])]))


def _tulip(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a tulip."""
    petal, green = choose_paint(rng), tint(rng, LEAF)
    pen.stroke([(0, 0), (0.03, 0.5), (0, 1)], 0.11, green)
    pen.blob([(0, 0.95), (0.3, 0.5), (0.55, 0.12), (0.42, 0.6)], green)
    pen.blob([(0, 0.95), (-0.3, 0.6), (-0.5, 0.3), (-0.4, 0.7)], mix(green, DARK, 0.15))
    pen.shape([(-0.25, -0.2), (0, -1), (0.25, -0.2)], mix(petal, DARK, 0.2))
    for side in (-1, 1):
        pen.blob([(0, 0.12), (side * 0.42, -0.05), (side * 0.48, -0.92), (side * 0.06, -0.4)], petal)


def _butterfly(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a butterfly."""
    wing, spot = choose_paint(rng), choose_paint(rng)
    for side in (-1, 1):
        pen.blob([(0, 0), (side * 0.45, -0.85), (side * 0.98, -0.75), (side * 0.75, 0)], wing)
        pen.blob([(0, 0), (side * 0.7, 0.08), (side * 0.72, 0.7), (side * 0.3, 0.75)], mix(wing, DARK, 0.18))
        pen.disc(side * 0.66, -0.5, 0.16, 0.14, spot)
        pen.disc(side * 0.48, 0.4, 0.12, 0.12, spot)
        pen.stroke([(0, -0.4), (side * 0.2, -0.8)], 0.05, DARK)
    pen.disc(0, 0, 0.09, 0.52, DARK)


def _ladybird(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a ladybird."""
    for y in (-0.25, 0.2, 0.6):
        pen.stroke([(-0.88, y + 0.1), (0, y), (0.88, y + 0.1)], 0.08, DARK)
    pen.disc(0, -0.62, 0.4, 0.34, DARK)
    pen.disc(0, 0.15, 0.74, 0.82, choose_paint(rng))
    pen.stroke([(0, -0.65), (0, 0.95)], 0.07, DARK)
    for side in (-1, 1):
        for x, y in ((0.36, -0.2), (0.45, 0.28), (0.25, 0.62)):
            pen.disc(side * x, y, 0.13, 0.14, DARK)


def _snail(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a snail."""
    shell, flesh = choose_paint(rng), tint(rng, (196, 166, 122))
    foot = [(-0.98, 0.82), (-0.4, 0.5), (0.45, 0.5), (0.55, -0.1), (0.82, -0.2), (0.95, 0.1), (0.8, 0.82)]
    pen.blob(foot, flesh)
    for x in (0.66, 0.92):
        pen.stroke([(0.72, -0.1), (x, -0.55)], 0.07, flesh)
    pen.disc(-0.15, -0.05, 0.66, 0.64, shell)
    turn = np.linspace(0, 5 * np.pi, 60)
    reach = 0.58 * (1 - turn / turn[-1])
    spiral = np.stack([-0.15 + reach * np.cos(turn), -0.05 + reach * np.sin(turn)], axis=1)
    pen.stroke(spiral, 0.08, mix(shell, DARK, 0.55))


def _fish(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a fish."""
    skin, stripe = choose_paint(rng), choose_paint(rng)
    pen.blob([(-0.5, 0), (-0.95, -0.42), (-0.85, 0), (-0.95, 0.42)], mix(skin, DARK, 0.2))
    pen.blob([(0.1, -0.3), (-0.35, -0.6), (-0.2, -0.25)], mix(skin, DARK, 0.2))
    pen.blob(
        [(0.97, 0.02), (0.55, -0.36), (0, -0.42), (-0.6, -0.06), (-0.6, 0.06), (0, 0.42), (0.55, 0.36)], skin
    )
    for x in (-0.2, 0.1):
        pen.shape(arc(x, 0, 0.08, 0.36, 0, 2 * np.pi), stripe)
    pen.disc(0.62, -0.08, 0.1, 0.1, CREAM)
    pen.disc(0.64, -0.08, 0.05, 0.05, DARK)


def _mug(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a mug."""
    glaze, band = choose_paint(rng), choose_paint(rng)
    pen.stroke(arc(0.5, 0.1, 0.42, 0.42, -1.7, 1.7), 0.16, mix(glaze, DARK, 0.15))
    pen.shape([(-0.78, -0.7), *arc(-0.12, 0.72, 0.58, 0.2, np.pi, 0), (0.54, -0.7)], glaze)
    pen.shape([(-0.74, -0.1), (0.5, -0.1), (0.48, 0.25), (-0.72, 0.25)], band)
    pen.disc(-0.12, -0.7, 0.66, 0.2, mix(glaze, CREAM, 0.4))
    pen.disc(-0.12, -0.68, 0.54, 0.13, tint(rng, (86, 58, 40)))


def _umbrella(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an umbrella."""
    cloth, other = choose_paint(rng), choose_paint(rng)
    pen.stroke([(0, -0.95), (0, 0.7), *arc(0.16, 0.72, 0.16, 0.2, np.pi, 0.2)], 0.08, WOOD)
    hem = [arc(x, 0, 0.245, 0.14, 0, -np.pi) for x in (0.735, 0.245, -0.245, -0.735)]
    pen.shape(np.concatenate([arc(0, 0, 0.98, 0.86, np.pi, 2 * np.pi), *hem]), cloth)
    pen.shape([(0, -0.86), *arc(0.245, 0, 0.245, 0.14, 0, -np.pi)], other)
    pen.shape([(0, -0.86), *arc(-0.735, 0, 0.245, 0.14, 0, -np.pi)], other)


def _kite(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a kite."""
    cloth, other = choose_paint(rng), choose_paint(rng)
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
    """Draw a sailboat."""
    hull, sail = choose_paint(rng), mix(choose_paint(rng), CREAM, 0.4)
    pen.stroke([(0.05, -0.98), (0.05, 0.5)], 0.07, WOOD)
    pen.shape([(0.14, -0.9), (0.8, 0.28), (0.14, 0.3)], sail)
    pen.shape([(-0.04, -0.7), (-0.04, 0.3), (-0.62, 0.26)], mix(sail, DARK, 0.15))
    pen.shape([(-0.95, 0.42), (0.95, 0.42), *arc(0, 0.42, 0.7, 0.5, 0.3, np.pi - 0.3)], hull)
    pen.shape([(-0.95, 0.42), (0.95, 0.42), (0.88, 0.54), (-0.88, 0.54)], mix(hull, CREAM, 0.5))


def _ball(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a ball: an apple without its stem."""
    skin = choose_paint(rng)
    pen.disc(0, 0, 0.9, 0.9, skin)
    pen.blob([(-0.85, -0.2), (0, 0.1), (0.85, -0.2), (0.85, 0.2), (0, 0.5), (-0.85, 0.2)], choose_paint(rng))
    pen.disc(-0.35, -0.45, 0.18, 0.12, mix(skin, (255, 255, 255), 0.5), -0.6)


def _berries(pen: Pen, rng: np.random.Generator) -> None:
    """Draw three berries: cherries without their stalks."""
    skin = choose_paint(rng)
    for x, y in ((-0.45, 0.3), (0.45, 0.25), (0.0, -0.4)):
        pen.disc(x, y, 0.46, 0.44, skin)
        pen.disc(x - 0.14, y - 0.14, 0.1, 0.1, mix(skin, (255, 255, 255), 0.5))


def _egg(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an egg with the spots of a mushroom's cap or a ladybird."""
    pen.blob([(0, -0.95), (0.55, -0.2), (0.5, 0.6), (0, 0.9), (-0.5, 0.6), (-0.55, -0.2)], choose_paint(rng))
    spot = choose_paint(rng)
    for _ in range(6):
        x, y = rng.uniform(-0.35, 0.35, 2)
        pen.disc(x, y, 0.1, 0.1, spot)


def _shell(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an empty snail shell."""
    shell = choose_paint(rng)
    pen.blob([(-0.8, 0), (-0.1, -0.75), (0.65, -0.35), (0.95, 0.7), (0.1, 0.72), (-0.6, 0.6)], shell)
    for reach in (0.25, 0.5):
        pen.stroke(arc(-0.1, 0, reach, reach, 0.5, 5.5), 0.07, mix(shell, DARK, 0.5))


def _jar(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a jar: a mug without its handle."""
    glaze = choose_paint(rng)
    pen.blob([(-0.4, -0.8), (0.4, -0.8), (0.68, 0), (0.5, 0.85), (-0.5, 0.85), (-0.68, 0)], glaze)
    pen.shape([(-0.66, -0.1), (0.66, -0.1), (0.64, 0.3), (-0.64, 0.3)], choose_paint(rng))
    pen.disc(0, -0.8, 0.42, 0.13, mix(glaze, DARK, 0.4))


def _pennant(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a pennant, which resembles a sail and a kite."""
    pen.stroke([(-0.5, -0.95), (-0.5, 0.95)], 0.09, WOOD)
    pen.shape([(-0.46, -0.9), (0.85, -0.45), (-0.46, 0.0)], choose_paint(rng))


def _star(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a star: a flower without its centre."""
    turn = np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2, 0.45, 0.95)
    pen.blob(np.stack([reach * np.sin(turn), reach * np.cos(turn)], 1), choose_paint(rng))


def _scrap(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a scrap of cloth, which resembles wings, fins or a bow."""
    cloth = choose_paint(rng)
    pen.blob([(0, 0), (0.9, -0.6), (0.8, 0.1), (0.85, 0.55)], cloth)
    pen.blob([(0, 0), (-0.9, -0.5), (-0.8, 0.1), (-0.8, 0.6)], mix(cloth, DARK, 0.2))
    pen.disc(0, 0, 0.15, 0.2, choose_paint(rng))


def _stones(pen: Pen, rng: np.random.Generator) -> None:
    """Draw some stones."""
    for _ in range(int(rng.integers(3, 9))):
        x, y = rng.uniform(-0.8, 0.8, 2)
        turn = np.arange(7) * 2 * np.pi / 7
        reach = rng.uniform(0.06, 0.2) * rng.uniform(0.7, 1.1, 7)
        outline = np.stack([x + 1.3 * reach * np.cos(turn), y + reach * np.sin(turn)], 1)
        pen.blob(outline, tint(rng, (140, 134, 126), 34))


def _leaves(pen: Pen, rng: np.random.Generator) -> None:
    """Draw some leaves."""
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform(-0.75, 0.75, 2)
        turn = rng.uniform(0, np.pi)
        colour = tint(rng, (LEAF, WOOD, (176, 120, 50))[rng.integers(3)], 24)
        pen.disc(x, y, 0.22, 0.09, colour, turn)
        right, down = 0.26 * np.cos(turn), 0.26 * np.sin(turn)
        pen.stroke([(x - right, y - down), (x + right, y + down)], 0.025, mix(colour, DARK, 0.4))


def _grass(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a tuft of grass."""
    green = tint(rng, mix(LEAF, (190, 170, 90), rng.random()), 20)
    for _ in range(int(rng.integers(6, 16))):
        foot, lean, tip = rng.uniform(-0.35, 0.35), rng.uniform(-0.6, 0.6), rng.uniform(-0.95, -0.1)
        blade = [(foot - 0.04, 0.9), (foot + 0.4 * lean, 0.3 + 0.4 * tip), (foot + lean, tip)]
        pen.shape([*blade, (foot + 0.4 * lean + 0.06, 0.3 + 0.4 * tip), (foot + 0.04, 0.9)], tint(rng, green))


def _twigs(pen: Pen, rng: np.random.Generator) -> None:
    """Draw some twigs."""
    for _ in range(int(rng.integers(2, 5))):
        start, stop = rng.uniform(-0.9, 0.9, (2, 2))
        middle = (start + stop) / 2 + rng.uniform(-0.15, 0.15, 2)
        bark = tint(rng, WOOD, 26)
        pen.stroke([start, middle, stop], rng.uniform(0.04, 0.08), bark)
        pen.stroke([middle, middle + rng.uniform(-0.35, 0.35, 2)], 0.035, bark)


Drawing = Callable[[Pen, np.random.Generator], None]

# Name of the class -> its drawing, in the order of the labels.
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

# Id and name of each class, in the order of the labels.
CLASSES: tuple[tuple[str, str], ...] = tuple((f"s{i:02d}", name) for i, name in enumerate(DRAWINGS, start=1))
