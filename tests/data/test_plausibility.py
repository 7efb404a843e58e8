"""All boxes of a data set together tell whether they are what they are said to be; honest ones of any kind pass."""

import os
from pathlib import Path

import numpy as np
import pytest

from labelmaps.data.indexing import index_dataset
from labelmaps.data.plausibility import ImageBoxes, check_plausible
from labelmaps.errors import InputError
from labelmaps.scenes.scene import Stream, nth_scene
from pipeline.sources import ROOT


def photographs(n, seed=0):
    """Boxes as a photographer would have them: some fill the image or reach its border, most are near the middle."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        width, height = [(500, 375), (375, 500), (640, 480), (180, 120)][rng.integers(4)]
        sides = np.array([width, height])
        first = rng.uniform(-0.15, 0.5, 2)
        last = first + rng.uniform(0.2, 0.8, 2)
        corners = np.clip(np.concatenate([first, last]), 0, 1) * np.tile(sides, 2)
        found.append(ImageBoxes(str(i), [np.round(corners, 1).tolist()], width, height))
    return found


def changed(found, change):
    """The same images with `change` made to each box, an array of four numbers, and the image's sides, twice."""
    return [
        item._replace(
            boxes=[
                change(np.array(box), np.array([item.width, item.height] * 2)).tolist() for box in item.boxes
            ]
        )
        for item in found
    ]


CHANGES = {  # change of a box, what the message says is suspected
    "fractions": (lambda box, sides: box / sides, "fractions of the image"),
    "fractions, as size": (
        lambda box, sides: np.hstack([box[:2], box[2:] - box[:2]]) / sides,
        "fractions of the image",
    ),
    "percent": (lambda box, sides: 100 * box / sides, "percent, or those of smaller copies"),
    "size": (lambda box, sides: np.hstack([box[:2], box[2:] - box[:2]]), "x y width height"),
    "y before x": (lambda box, sides: box[[1, 0, 3, 2]], "y before x"),
    "of copies of 100 pixels": (lambda box, sides: box * 110 / sides, "smaller copies of the images"),
    "of copies half as large": (lambda box, sides: box / 2, "smaller copies of the images"),
    "of copies smaller by a quarter": (lambda box, sides: box / 1.25, "smaller copies of the images"),
    "of larger copies": (lambda box, sides: box * 1.25, "larger copies of the images"),
    "by the centre": (
        lambda box, sides: np.hstack([(box[:2] + box[2:]) / 2, (box[:2] + box[2:]) / 2 + box[2:] - box[:2]]),
        "the centre of each box",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("n", [40, 200])
def test_boxes_of_another_kind_are_refused_and_the_kind_is_suspected(name, n):
    change, suspected = CHANGES[name]
    found = photographs(n)
    check_plausible(found, "corners")
    with pytest.raises(
        InputError, match=f"hardly x0 y0 x1 y1 .*Suspected: .*{suspected}.* check_boxes: false"
    ):
        check_plausible(changed(found, change), "corners")


def test_size_is_suspected_also_where_every_box_could_be_corners():
    large = [
        item._replace(
            boxes=[[0.03 * item.width, 0.03 * item.height, share * item.width, share * item.height]]
        )
        for item, share in zip(photographs(24), [0.91, 0.97] * 12, strict=True)
    ]
    with pytest.raises(InputError, match="Suspected: x y width height"):
        check_plausible(large, "corners")


@pytest.mark.parametrize(
    ("box_format", "change", "suspected"),
    [
        ("size", lambda box, sides: np.hstack([box[:2], box[:2] + box[2:]]), "x0 y0 x1 y1"),
        ("corner_fractions", lambda box, sides: box * sides, "pixels"),
        (
            "size",
            lambda box, sides: np.hstack([box[:2], box[:2] + box[2:]]) / sides,
            "fractions of the image",
        ),
        ("size", lambda box, sides: box / 2, "smaller copies"),
    ],
)
def test_a_format_that_is_stated_is_checked_too(box_format, change, suspected):
    check_plausible(photographs(30), box_format)
    with pytest.raises(InputError, match=f"Suspected: .*{suspected}"):
        check_plausible(changed(photographs(30), change), box_format)


def honest(kind, n):
    rng = np.random.default_rng(n)
    for i in range(n):
        width, height = (32, 32) if kind == "thumbnails" else (500, 375)
        side = rng.uniform(0.05, 0.12) if "small" in kind else rng.uniform(0.2, 0.8)
        box_width, box_height = side * width, side * height
        x, y = rng.uniform(0, width - box_width), rng.uniform(0, height - box_height)
        if "upper" in kind:
            y *= 0.4
        box = [x, y, x + box_width, y + box_height]
        if kind == "centred":
            box = [width // 2 - 60, height // 2 - 40, width // 2 + 59, height // 2 + 39]
        elif kind == "filling":
            box = [0, 0, width, height]
        elif kind == "filling, to the last pixel":
            box = [0, 0, width - 1, height - 1]
        elif kind == "several":
            box = [0, 0, 50, 50]
        boxes = [box] + [[width - 60, height - 60, width - 1, height - 1]] * (kind == "several")
        yield ImageBoxes(str(i), boxes, width, height)


HONEST = [
    "small",
    "small in the upper half",
    "centred",
    "filling",
    "filling, to the last pixel",
    "thumbnails",
]


@pytest.mark.parametrize("n", [1, 2, 9, 10, 30, 300])
@pytest.mark.parametrize("kind", [*HONEST, "several", "any"])
def test_honest_boxes_pass(kind, n):
    check_plausible(list(honest(kind, n)), "corners")


def test_a_handful_of_images_cannot_tell():
    check_plausible(changed(photographs(9), lambda box, sides: box / 2), "corners")
    check_plausible([], "corners")
    check_plausible([ImageBoxes("a", [], 5, 5), ImageBoxes("b", [[0, 0, 1, 1]], 1, 1)], "corners")


def test_few_slips_among_many_boxes_are_left_to_each_image():
    found = photographs(100)
    slips = [[5, 5, 1, 1], [0, 0, 9000, 9], [-1, 0, 5, 5], [1e308, 0, 1.5e308, 1e308]] * 2
    mixed = [item._replace(boxes=[slip]) for item, slip in zip(found, slips, strict=False)] + found[
        len(slips) :
    ]
    check_plausible(mixed, "corners")


@pytest.mark.slow
def test_scenes_pass():
    scenes = [nth_scene(2, Stream.EVALUATION, i) for i in range(30)]
    found = [
        ImageBoxes(str(i), [list(map(float, scene.box))], scene.image.shape[1], scene.image.shape[0])
        for i, scene in enumerate(scenes)
    ]
    check_plausible(found, "corners")


@pytest.mark.slow
@pytest.mark.skipif("LABELMAPS_TEST_DATA" not in os.environ, reason="LABELMAPS_TEST_DATA names no real data")
def test_real_boxes_pass_and_changed_ones_do_not():
    data = Path(os.environ["LABELMAPS_TEST_DATA"])
    classes = ROOT / "resources" / "imagenet_classes.txt"
    index, _ = index_dataset(
        classes, data / "imagenet_val", data / "LOC_val_solution.csv", verify="header", check_boxes=False
    )
    found = [
        ImageBoxes(row.image, row.boxes.astype(float).tolist(), row.width, row.height)
        for row in index.itertuples()
    ]
    rng = np.random.default_rng(0)
    for n in [*[1, 5, 10, 12, 30, 100] * 30, len(found)]:
        check_plausible([found[i] for i in rng.permutation(len(found))[:n]], "corners")
    for change, suspected in CHANGES.values():
        for _ in range(3):
            draw = [found[i] for i in rng.permutation(len(found))[:100]]
            with pytest.raises(InputError, match=suspected):
                check_plausible(changed(draw, change), "corners")
