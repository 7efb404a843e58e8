import re
import subprocess
import sys
from collections import Counter
from subprocess import DEVNULL, PIPE

import numpy as np
import pytest
from PIL import Image, ImageFilter

from labelmaps.data.classes import read_classes
from labelmaps.scenes import scene
from labelmaps.scenes.scene import Stream, compose_scene, draw_scene, nth_label, nth_scene, write_scenes
from labelmaps.scenes.things import CLASSES, DRAWINGS

LABELS = range(len(CLASSES))


@pytest.mark.parametrize("label", LABELS)
def test_boxes_are_tight_and_inside(label):
    image, mask = compose_scene(np.random.default_rng(label), label)
    again, (x0, y0, x1, y1) = draw_scene(np.random.default_rng(label), label)
    height, width, _ = image.shape
    assert np.array_equal(image, again)
    assert mask.shape == (height, width)
    assert 0 <= x0 < x1 < width
    assert 0 <= y0 < y1 < height
    inside = mask[y0 : y1 + 1, x0 : x1 + 1]
    assert inside.sum() == mask.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()  # noqa: PT018


@pytest.mark.parametrize("seed", range(6))
def test_the_mask_is_what_is_seen_of_the_object(monkeypatch, seed):
    monkeypatch.setitem(DRAWINGS, "apple", lambda pen, rng: pen.disc(0, 0, 0.9, 0.5, (230, 0, 230)))
    image, mask = compose_scene(np.random.default_rng(seed), 0)
    red, green, blue = image.astype(int).transpose(2, 0, 1)
    assert ((red - green > 40) & (blue - green > 40))[mask].mean() > 0.95
    mask_and_its_rim = np.asarray(
        Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(3)), bool
    )
    assert not ((red > 110) & (blue > 110) & (green < 50))[
        ~mask_and_its_rim
    ].any()  # nothing else is as magenta


@pytest.mark.slow
def test_even_the_largest_object_lies_whole_in_the_scene(monkeypatch, thorough):
    monkeypatch.setattr(scene, "OBJECT_SIZE", (0.7199, 0.72))
    for seed in range(42) if thorough else range(14, 28):  # three objects of each class, or one
        image, (x0, y0, x1, y1) = draw_scene(np.random.default_rng(seed), seed % len(CLASSES))
        assert x1 - x0 + 1 < image.shape[1]
        assert y1 - y0 + 1 < image.shape[0]


@pytest.mark.slow
def test_sizes_vary_around_400_by_300(thorough):
    shapes = [nth_scene(5, Stream.EVALUATION, i).image.shape for i in range(40 if thorough else 20)]
    assert all(200 <= min(shape[:2]) <= max(shape[:2]) <= 460 and shape[2] == 3 for shape in shapes)
    landscape = sum(width > height for height, width, _ in shapes)
    portrait = sum(width < height for height, width, _ in shapes)
    assert landscape > portrait > 0


def test_labels_are_balanced_and_shuffled():
    labels = [nth_label(3, Stream.EVALUATION, i) for i in range(100 * len(CLASSES) + 5)]
    counts = Counter(labels)
    assert set(counts) == set(LABELS)
    assert max(counts.values()) - min(counts.values()) == 1
    runs = {tuple(labels[i : i + len(CLASSES)]) for i in range(0, 100 * len(CLASSES), len(CLASSES))}
    assert len(runs) == 100


@pytest.mark.parametrize(
    "other", [(1, Stream.TRAINING, 4), (2, Stream.EVALUATION, 4), (1, Stream.EVALUATION, 5)]
)
def test_streams_seeds_and_indices_share_no_scene(other):
    scene = nth_scene(1, Stream.EVALUATION, 4)
    assert np.array_equal(scene.image, nth_scene(1, Stream.EVALUATION, 4).image)
    assert not np.array_equal(scene.image, nth_scene(*other).image)


def test_a_longer_set_begins_with_the_shorter_one(tmp_path):
    for name, n, seed in (("short", 3, 7), ("long", 5, 7), ("other", 3, 8)):
        write_scenes(tmp_path / name, n, seed, workers=1)
    names = [f"scene_{i:08d}.JPEG" for i in (1, 2, 3)]
    short, long, other = (
        [(tmp_path / folder / "images" / name).read_bytes() for name in names]
        for folder in ("short", "long", "other")
    )
    assert short == long
    assert all(a != b for a, b in zip(short, other, strict=True))
    rows = (tmp_path / "short" / "boxes.csv").read_bytes()
    assert (tmp_path / "long" / "boxes.csv").read_bytes().startswith(rows)
    assert len(list((tmp_path / "long" / "images").iterdir())) == 5


def test_the_files_are_in_imagenets_formats(tmp_path):
    write_scenes(tmp_path, 2, seed=9, workers=1)
    header, *rows = (tmp_path / "boxes.csv").read_text().splitlines()
    assert header == "ImageId,PredictionString"
    for i, row in enumerate(rows):
        scene = nth_scene(9, Stream.EVALUATION, i)
        match = re.fullmatch(r"(scene_\d{8}),(s\d\d) (\d+) (\d+) (\d+) (\d+) ", row)
        assert match[1] == f"scene_{i + 1:08d}"
        assert match[2] == CLASSES[scene.label][0]
        assert tuple(map(int, match.groups()[2:])) == scene.box
        with Image.open(tmp_path / "images" / f"{match[1]}.JPEG") as image:
            assert image.size == scene.image.shape[1::-1]
            assert np.abs(np.asarray(image, int) - scene.image).mean() < 8
    assert len(rows) == 2
    assert read_classes(tmp_path / "classes.txt") == list(CLASSES)


@pytest.mark.slow
def test_processes_that_draw_end_with_a_killed_parent():
    draw = "from labelmaps.scenes.scene import Stream, draw_scenes\n"
    draw += "if __name__ == '__main__':\n    for _ in draw_scenes(0, Stream.TRAINING, 100_000, 2): print(flush=True)"
    with subprocess.Popen([sys.executable, "-c", draw], stdout=PIPE, stderr=DEVNULL) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.kill()
        parent.communicate(timeout=30)  # until the last of them, whose output this is, too, has closed it
