"""Groups of images by hand and against a loop; gains in them are those of the images that belong to them."""

import math

import numpy as np
import pandas as pd
import pytest

from labelmaps.data.boxes import Boxes
from labelmaps.scoring.groups import centre_distance, gains_table, list_groups
from labelmaps.scoring.statistics import mean_interval, paired_difference, proportion
from labelmaps.scoring.summary import summarise

NO_BOX = np.empty((0, 4))
# Images of 100 × 200.
BOXES = [
    np.array([[0, 0, 100, 200]]),  # all of it
    np.array([[40, 80, 60, 120], [0, 0, 10, 20]]),  # .04 + .01 of it; the first is central
    np.array(
        [[60, 100, 80, 180], [0, 0, 20, 20], [0, 180, 20, 200]]
    ),  # .08 + .02 + .02; nearest (70, 140): .2, .2
    NO_BOX,
    np.array([[0, 0, 100, 110]]),  # .55; at (50, 55): 0, −.225
    np.array([[5, 5, 107, 197]]) - [2, 0, 2, 0],  # 3 to 105, .97 × .96 of it; at (54, 101): .04, .005
]
WIDTH, HEIGHT = np.full(6, 100), np.full(6, 200)


def levels(groups):
    return {name: [None if pd.isna(level) else level for level in group] for name, group in groups.items()}


def test_groups_by_hand():
    groups = levels(list_groups(BOXES, WIDTH, HEIGHT))
    assert groups == {
        "all": ["all"] * 6,
        "share": ["> 75 %", "< 10 %", "10–25 %", None, "50–75 %", "> 75 %"],
        "distance": ["< 0.05", "< 0.05", "> 0.2", None, "> 0.2", "< 0.05"],
        "mask": ["full", "not full", "not full", None, "not full", "full"],
        "boxes": ["1", "2", "3 or more", None, "1", "1"],
    }


@pytest.mark.parametrize(
    ("distance", "level"),
    [
        (0, "< 0.05"),
        (0.04, "< 0.05"),
        (0.05, "0.05–0.1"),
        (0.1, "0.1–0.2"),
        (0.19, "0.1–0.2"),
        (0.2, "> 0.2"),
    ],
)
@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_edges_of_distance_begin_a_bin(distance, level, dx, dy):
    x, y = 500 + 1000 * distance * dx, 250 + 500 * distance * dy
    groups = list_groups([np.array([[x - 10, y - 10, x + 10, y + 10]])], np.array([1000]), np.array([500]))
    assert groups["distance"].tolist() == [level]


def test_distances_equal_a_loop():
    random = np.random.default_rng(0)
    corners = [np.sort(random.integers(0, 90, (n, 2, 2)), axis=1).reshape(n, 4) for n in (1, 3, 2, 1, 5)]
    width, height = random.integers(90, 200, (2, 5))
    expected = [
        min(math.hypot((a + c) / 2 / w - 0.5, (b + d) / 2 / h - 0.5) for a, b, c, d in boxes)
        for boxes, w, h in zip(corners, width, height, strict=True)
    ]
    np.testing.assert_allclose(centre_distance(Boxes.of(corners), width, height), expected)


def test_without_boxes_only_the_factors_that_there_are():
    none = [NO_BOX] * 3
    assert list(list_groups(none, WIDTH[:3], HEIGHT[:3])) == ["all"]
    factors = pd.DataFrame({"dark": pd.array([True, None, False], "boolean")})
    groups = levels(list_groups(none, WIDTH[:3], HEIGHT[:3], factors))
    assert groups == {"all": ["all"] * 3, "dark": ["yes", None, "no"]}


def test_gains_by_hand():
    before = np.array([1, 0, 0, 1, 1, 0], bool)
    after = np.array([0, 1, 1, 1, 1, 0], bool)
    factors = pd.DataFrame({"dark": pd.array([True, True, None, False, True, True], "boolean")})
    table = gains_table(before, after, list_groups(BOXES, WIDTH, HEIGHT, factors))
    assert list(table)[:3] == ["factor", "level", "n_images"]
    rows = table.set_index(["factor", "level"])
    assert rows["n_images"].to_dict() == {
        ("all", "all"): 6,
        ("share", "< 10 %"): 1,
        ("share", "10–25 %"): 1,
        ("share", "50–75 %"): 1,
        ("share", "> 75 %"): 2,
        ("distance", "< 0.05"): 3,
        ("distance", "> 0.2"): 2,
        ("mask", "not full"): 3,
        ("mask", "full"): 2,
        ("boxes", "1"): 3,
        ("boxes", "2"): 1,
        ("boxes", "3 or more"): 1,
        ("dark", "yes"): 4,
        ("dark", "no"): 1,
    }
    full = rows.loc[("mask", "full")]  # the first and the last image
    ends = ("", "_low", "_high")
    assert [full[f"accuracy_before{end}"] for end in ends] == pytest.approx(proportion(1, 2))
    assert [full[f"accuracy_after{end}"] for end in ends] == pytest.approx(proportion(0, 2))
    expected = paired_difference(np.array([True, False]), np.array([False, False]))
    assert [full[f"gain{end}"] for end in ends] == pytest.approx(expected)
    assert rows["gain"]["dark", "yes"] == pytest.approx(0)  # −1 + 1 + 0 + 0 of four
    assert rows["gain"]["all", "all"] == pytest.approx(1 / 6)
    of_levels = table[table["factor"] == "boxes"]
    assert (of_levels["gain"] * of_levels["n_images"]).sum() == pytest.approx(1)  # of the five with a box


def test_all_images_have_the_summarys_numbers_and_levels_add_up():
    random = np.random.default_rng(1)
    n = 300
    before, after = random.random((2, n)) < 0.6
    boxes = [np.sort(random.random((k, 2, 2)) * 100, axis=1).reshape(k, 4) for k in random.integers(0, 4, n)]
    side = np.full(n, 100)
    table = gains_table(before, after, list_groups(boxes, side, side))
    scores = pd.DataFrame({"label": 0, "correct_before": before, "correct_after": after, "dead": False})
    none = pd.array([None] * n, "Int16")
    nothing = {
        "pointing": "skipped",
        "correct_own": none,
        "own_label": none,
        "predicted_after": 0,
        "outer_ring": False,
    }
    summary = summarise(scores.assign(**nothing))
    whole = table[table["factor"] == "all"].iloc[0]
    for name in list(table)[2:]:
        assert whole[name] == pytest.approx(summary[name]), name
    n_boxed = sum(len(some) > 0 for some in boxes)
    for factor, rows in table.groupby("factor"):
        assert rows["n_images"].sum() == (n if factor == "all" else n_boxed)


def test_cases_of_an_image_are_one_image():
    before = np.array([True, True, False, False, True, False])
    after = np.array([False, True, True, True, True, False])
    image = np.array([0, 0, 1, 2, 2, 3])
    table = gains_table(before, after, list_groups(BOXES, WIDTH, HEIGHT), image).set_index(
        ["factor", "level"]
    )
    whole = table.loc[("all", "all")]
    assert (whole["n_images"], whole["n_cases"]) == (4, 6)
    one = table.loc[("boxes", "1")]  # cases 0, 4 and 5, of three images
    assert (one["n_images"], one["n_cases"]) == (3, 3)
    ends = ("", "_low", "_high")
    assert [whole[f"gain{end}"] for end in ends] == pytest.approx(paired_difference(before, after, image))
    assert [whole[f"accuracy_after{end}"] for end in ends] == pytest.approx(mean_interval(after, image))
