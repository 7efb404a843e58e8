"""Synthetic scenes, each with one object of a known class among clutter and lookalikes, and with its exact box.

All scenes are drawn with a random generator, so that the workflow runs without a download. Shapes are polygons in unit
coordinates (x to the right, y down; the longer side of a thing is about [-1, 1]). A `Pen` draws them into a supersampled
image, `_draw_sprite` adds shading and a shadow, and `compose_scene` puts such sprites on a textured ground. To add a class,
add a drawing and its line in `DRAWINGS`.
"""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import IntEnum
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from labelmaps.scenes.pen import SUPERSAMPLE, Pen, tint
from labelmaps.scenes.things import CLASSES, CLUTTER, DRAWINGS, LOOKALIKES, Drawing

Box = tuple[int, int, int, int]

JPEG_QUALITY = 90
OBJECT_SIZE = (0.24, 0.72)  # the object's longer side, as a fraction of the image's shorter side
CENTRE_BIAS = 2.5  # b: places follow Beta(b, b) between the borders, since photographers prefer the middle
MIN_VISIBLE = 0.75  # the least visible fraction of the object; things that would hide more are not drawn

# The two colours of each ground, and the ratio of width to height of its grain.
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
    """The purpose of a scene. Each has its own random stream, so that no scene is used both to train and to evaluate."""

    EVALUATION = 0
    TRAINING = 1


class Scene(NamedTuple):
    """An image (row, column, RGB) uint8, the box (x0, y0, x1, y1) of its object in pixels, and its label."""

    image: np.ndarray
    box: Box
    label: int


class _Sprite(NamedTuple):
    """The pixels of one thing, with their transparency and its shadow."""

    colour: np.ndarray  # (row, column, RGB), 0 to 255, multiplied by alpha
    alpha: np.ndarray  # (row, column), 0 to 1
    shadow: np.ndarray  # (row, column), 0 to 1


def _draw_sprite(
    drawing: Drawing, size: float, tilt: float, light: np.ndarray, rng: np.random.Generator
) -> _Sprite:
    """Draw one thing, about `size` pixels long, turned by up to `tilt` radians and lit from the direction `light` (x, y)."""
    turn, mirror, squeeze = rng.uniform(-tilt, tilt), rng.choice([-1, 1]), rng.uniform(0.8, 1.0)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    pen = Pen(size, turned @ np.diag([mirror * squeeze, 1.0]))
    drawing(pen, rng)
    box = pen.picture.getbbox()
    assert box is not None  # every drawing covers some pixels
    x0, y0, x1, y1 = box
    margin = math.ceil(0.15 * size) * SUPERSAMPLE  # room for the shadow
    picture = pen.picture.crop((x0 - margin, y0 - margin, x1 + margin, y1 + margin)).reduce(SUPERSAMPLE)
    pixels = np.asarray(picture, np.float32)
    # Shaded like a cushion: the blurred silhouette is its height, and slopes towards the light are brighter.
    soft = picture.getchannel("a").filter(ImageFilter.GaussianBlur(0.05 * size))
    height = np.asarray(soft, np.float32) / 255
    down, right = np.gradient(height)
    shading = 1 - 0.12 * (size * (light[0] * right + light[1] * down)).clip(-4, 4)
    drop = np.rint(-0.06 * size * light).astype(int)
    shadow = np.roll(height, (drop[1], drop[0]), axis=(0, 1))
    alpha = pixels[..., 3:] / 255
    return _Sprite(np.minimum(pixels[..., :3] * shading[..., None], 255 * alpha), alpha[..., 0], shadow)


class _Stage:
    """A scene to which things are added from back to front.

    canvas: (row, column, RGB) float32, 0 to 255.
    visible: (row, column) float32, the fraction of each pixel that the object covers and that nothing hides.
    min_visible: the least sum of `visible` that things in front of the object must leave.
    light: (x, y), the unit vector towards the light.
    """

    def __init__(self, rng: np.random.Generator):
        angle = rng.uniform(-2.6, -0.5)  # from above
        self.light = np.array([np.cos(angle), np.sin(angle)], np.float32)
        self.canvas = _draw_ground(rng, *_choose_size(rng), self.light)
        self.visible = np.zeros(self.canvas.shape[:2], np.float32)
        self.min_visible = 0.0  # there is no object yet
        self.rng = rng

    def strew(self, drawings: Sequence[Drawing], n: int, sizes: tuple[float, float]) -> None:
        """Put `n` randomly chosen drawings at random places, which may reach beyond the borders.

        drawings: those from which is chosen. sizes: the smallest and the largest size, as fractions of the image's shorter
        side.
        """
        height, width = self.visible.shape
        for _ in range(n):
            drawing = drawings[int(self.rng.integers(len(drawings)))]
            sprite = _draw_sprite(
                drawing, min(width, height) * self.rng.uniform(*sizes), 0.5, self.light, self.rng
            )
            rows, columns = sprite.alpha.shape
            x, y = self.rng.uniform(0, (width, height)) - (columns / 2, rows / 2)
            self._lay(sprite, round(x), round(y))

    def lay_object(self, drawing: Drawing) -> None:
        """Put the object at a random place where it is entirely inside the scene."""
        height, width = self.visible.shape
        smallest, largest = OBJECT_SIZE
        size = min(width, height) * math.exp(self.rng.uniform(math.log(smallest), math.log(largest)))
        sprite = _draw_sprite(drawing, size, 0.4, self.light, self.rng)
        x0, y0, x1, y1 = box_of(sprite.alpha >= 0.5)
        place = self.rng.beta(CENTRE_BIAS, CENTRE_BIAS, 2)
        x, y = place * (width - 1 - x1 + x0, height - 1 - y1 + y0) - (x0, y0)
        here, there = self._lay(sprite, round(x), round(y))
        self.visible[here] = sprite.alpha[there]
        self.min_visible = MIN_VISIBLE * self.visible.sum()

    def _lay(self, sprite: _Sprite, x: int, y: int) -> tuple[tuple, tuple]:
        """Paint a sprite with its upper left corner at (x, y), unless it would hide too much of the object.

        Returns the slices (rows, columns) of the scene and of the sprite where the two overlap.
        """
        rows, columns = sprite.alpha.shape
        height, width = self.visible.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + columns, width), min(y + rows, height)
        here, there = np.s_[y0:y1, x0:x1], np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        see_through = 1 - sprite.alpha[there]
        visible = self.visible[here] * see_through
        if self.visible.sum() - self.visible[here].sum() + visible.sum() >= self.min_visible:
            self.visible[here] = visible
            self.canvas[here] *= (see_through * (1 - 0.45 * sprite.shadow[there]))[..., None]
            self.canvas[here] += sprite.colour[there]
        return here, there


def _draw_noise(
    rng: np.random.Generator, width: int, height: int, grain: float, stretch: float
) -> np.ndarray:
    """Draw smooth noise (height, width) of about −1 to 1, with features `grain` pixels high and `stretch` times wider."""
    shape = int(height / grain) + 2, int(width / (grain * stretch)) + 2
    coarse = Image.fromarray(2 * rng.random(shape, np.float32) - 1)
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _draw_ground(rng: np.random.Generator, width: int, height: int, light: np.ndarray) -> np.ndarray:
    """Draw a textured ground (row, column, RGB) float32, about 0 to 255, brighter towards the light."""
    *colours, stretch = GROUNDS[rng.integers(len(GROUNDS))]
    dark, bright = (np.array(tint(rng, colour), np.float32) for colour in colours)
    texture = 0.5 + 0.1 * (2 * rng.random((height, width), np.float32) - 1)
    for grain, strength in ((90, 0.4), (24, 0.2), (6, 0.1)):
        texture += strength * _draw_noise(rng, width, height, grain, stretch)
    across, down = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    falloff = 1 + 0.12 * (light[0] * across + light[1] * down[:, None])
    return (dark + texture[..., None] * (bright - dark)) * falloff[..., None]


def _choose_size(rng: np.random.Generator) -> tuple[int, int]:
    """Choose width and height at random, around 400 × 300 pixels; two thirds of the images are wider than high."""
    long = int(rng.integers(360, 461))
    short = round(long / rng.choice([1.0, 1.25, 4 / 3, 1.5, 16 / 9]))
    return (long, short) if rng.random() < 0.67 else (short, long)


def compose_scene(rng: np.random.Generator, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a scene and the mask of its object.

    rng: the source of all random choices. label: index into `CLASSES`.

    Returns the image (row, column, RGB) uint8 and the mask (row, column) bool of the visible object: the pixels that it
    covers by half or more and that nothing in front of it hides.
    """
    stage = _Stage(rng)
    stage.strew(CLUTTER, int(rng.integers(3, 8)), (0.2, 0.6))
    stage.strew(LOOKALIKES, int(rng.integers(2, 6)), (0.08, 0.3))
    stage.lay_object(tuple(DRAWINGS.values())[label])
    stage.strew(LOOKALIKES, int(rng.integers(0, 3)), (0.08, 0.25))
    stage.strew(CLUTTER, int(rng.integers(1, 4)), (0.2, 0.5))
    film = 12 * rng.random((*stage.visible.shape, 1), np.float32) - 6  # like the grain of a film
    return (stage.canvas + film).clip(0, 255).round().astype(np.uint8), stage.visible >= 0.5


def box_of(mask: np.ndarray) -> Box:
    """Compute the tight box (x0, y0, x1, y1) of a mask (row, column): its first and last column and row, counted from 0."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def draw_scene(rng: np.random.Generator, label: int) -> tuple[np.ndarray, Box]:
    """Draw a scene and the box of its object.

    rng: the source of all random choices. label: index into `CLASSES`.

    Returns the image (row, column, RGB) uint8 and the tight box of the visible object, as from `box_of`.
    """
    image, mask = compose_scene(rng, label)
    return image, box_of(mask)


def nth_label(seed: int, stream: Stream, index: int) -> int:
    """Compute the label of scene `index` (from 0) of the set with this seed and purpose.

    Each run of `len(CLASSES)` scenes shows every class once, in random order.
    """
    run, place = divmod(index, len(CLASSES))
    shuffle = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, 0, run)))
    return int(shuffle.permutation(len(CLASSES))[place])


def nth_scene(seed: int, stream: Stream, index: int) -> Scene:
    """Draw scene `index` (from 0) of a set.

    It depends on the arguments alone, so a longer set begins with the scenes of a shorter one.
    """
    label = nth_label(seed, stream, index)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, 1, index)))
    return Scene(*draw_scene(rng, label), label)


def draw_scenes(seed: int, stream: Stream, n: int, workers: int) -> Iterator[Scene]:
    """Draw the first `n` scenes of a stream, in order, in `workers` processes; with one worker, in this process."""
    draw = partial(nth_scene, seed, stream)
    if workers == 1:
        yield from map(draw, range(n))
        return
    # Processes are spawned, not forked, because torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with_parent) as pool:
        yield from pool.map(draw, range(n), chunksize=10)


def _end_with_parent() -> None:
    """Make this process end when its parent process does: a parent that is killed cannot end it."""

    def wait() -> None:
        parent = parent_process()
        assert parent is not None  # this is the process of a pool
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def write_scenes(folder: Path, n: int, seed: int, workers: int) -> None:
    """Write a set of scenes for evaluation in the formats of ImageNet; the same seed gives the same bytes.

    folder: receives `images/scene_00000001.JPEG` and so on, `boxes.csv` (Kaggle's `ImageId,PredictionString`, where each
        string is `id x0 y0 x1 y1 ` with a trailing blank) and `classes.txt` (lines `id name`, in the order of the labels).
    n: the number of scenes.
    seed: of the random stream of evaluation; a training set of the same seed contains none of these scenes.
    workers: the number of processes that draw them.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("".join(f"{id} {name}\n" for id, name in CLASSES), encoding="utf-8")
    with (folder / "boxes.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["ImageId", "PredictionString"])
        for index, scene in enumerate(draw_scenes(seed, Stream.EVALUATION, n, workers)):
            name = f"scene_{index + 1:08d}"
            Image.fromarray(scene.image).save(images / f"{name}.JPEG", quality=JPEG_QUALITY)
            rows.writerow([name, " ".join(map(str, (CLASSES[scene.label][0], *scene.box))) + " "])
