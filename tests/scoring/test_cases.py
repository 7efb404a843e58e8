"""Images of several classes: accuracy by any class, TorchRay's Pointing Game, and intervals and tests of images."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.study import NO_BOX
from labelmaps.scoring.best_of_n import best_of_n_table
from labelmaps.scoring.pointing import DIFFICULT, hits, list_subsets
from labelmaps.scoring.scores import compute_scores
from labelmaps.scoring.statistics import (
    class_mean,
    cluster_bootstrap,
    mcnemar,
    mean_interval,
    number_images,
    paired_difference,
    paired_mean_difference,
    proportion,
)
from labelmaps.scoring.summary import compare_pairs, pointing_table, summarise, summarise_null

# Two images of 100 × 100. In the first are class 0, in a box, and class 1, in a quarter of it; in the second class 0 alone.
BOXES = [np.array([[0, 0, 20, 30]]), np.array([[50, 50, 100, 100]]), np.array([[10, 10, 30, 30]])]
LABEL, IMAGE, SIDES = np.array([0, 1, 0]), np.array([0, 0, 1]), np.full(3, 100)


def test_number_images():
    assert number_images(["a", "b", "c"]) is None
    assert number_images([]) is None
    assert number_images(["a", "a", "b", "c", "c"]).tolist() == [0, 0, 1, 2, 2]


def test_a_disc_reaches_less_far_than_a_wider_box_beside_a_corner_and_not_as_far_as_the_tolerance():
    box = [np.array([[50, 50, 100, 100]])]
    for point, disc, wider in [
        ((60, 60), 1, 1),
        ((50, 50), 1, 1),
        ((40, 60), 1, 1),
        ((40, 40), 1, 1),  # √200 = 14.1
        ((39, 39), 0, 1),  # √242 = 15.6
        ((35, 60), 0, 1),  # as far as the tolerance
        ((35.1, 60), 1, 1),
        ((34, 60), 0, 0),
    ]:
        x, y = np.array([[value] for value in point], float)
        assert [hits(x, y, box, 15, rule=rule)[0] for rule in ("disc", "any")] == [disc, wider], point
    assert hits(np.array([49.0]), np.array([60.0]), box, rule="disc")[0] == 0
    assert hits(np.array([50.0]), np.array([60.0]), box, rule="disc")[0] == 1
    assert np.isnan(hits(np.array([50.0]), np.array([60.0]), [NO_BOX], 15, rule="disc")[0])


def test_difficult_cases_cover_less_than_a_quarter_beside_another_class():
    subsets = list_subsets(BOXES, SIDES, SIDES, IMAGE)
    assert subsets[DIFFICULT].tolist() == [
        True,
        False,
        False,
    ]  # a quarter is not less, and no distractor in the second
    smaller = [BOXES[0], np.array([[50, 50, 100, 99]]), NO_BOX]
    assert list_subsets(smaller, SIDES, SIDES, IMAGE)[DIFFICULT].tolist() == [True, True, False]
    assert DIFFICULT not in list_subsets(BOXES, SIDES, SIDES)


def test_the_arithmetic_of_torchray_by_hand():
    points = {"m": (np.array([30.0, 39, 45]), np.array([20.0, 39, 20]))}
    grid = np.full((3, 1, 1, 2), 50.0)
    table = pointing_table(points, BOXES, SIDES, SIDES, grid, LABEL, IMAGE)
    rows = table.set_index(["method", "rule", "tolerance", "subset"])
    # With 15 pixels: 10 beside its box, hit; √242 beside the corner, missed; 15 beside its box, missed.
    found = rows.loc["m", "disc", 15, "all"]
    assert (found["n"], found["n_cases"]) == (2, 3)
    assert found["pointing"] == pytest.approx(1 / 3)
    assert found["class_mean"] == pytest.approx((1 / 2 + 0) / 2)
    assert (rows.loc["m", "disc", 0, "all"][["pointing", "class_mean"]] == 0).all()
    assert rows.loc["m", "any", 15, "all"]["class_mean"] == 1
    found = rows.loc["m", "disc", 15, "difficult"]
    assert found[["n", "n_cases", "pointing", "class_mean"]].tolist() == [1, 1, 1, 1]
    assert rows.loc["uniform", "any", 0, "all"]["class_mean"] == 0.5


def test_where_each_image_shows_one_class_the_table_is_as_it_was():
    points = {"m": (np.array([30.0, 39, 45]), np.array([20.0, 39, 20]))}
    table = pointing_table(points, BOXES, SIDES, SIDES, np.full((3, 1, 1, 2), 50.0))
    assert set(table["rule"]) == {"any", "first", "cells"}
    assert "difficult" not in set(table["subset"])
    assert "class_mean" not in table


def test_class_mean_by_hand():
    hit, label = np.array([1.0, 0, 1, 1, 0]), np.array([0, 0, 0, 7, 7])
    value, low, high = class_mean(hit, label, np.array([0, 1, 2, 0, 1]))
    assert value == pytest.approx((2 / 3 + 1 / 2) / 2)
    # Residuals by image: (1/3)/6 + (1/2)/4, (−2/3)/6 − (1/2)/4, (1/3)/6; their deviation times √3 and Student's 4.303.
    residuals = np.array([1 / 18 + 1 / 8, -1 / 9 - 1 / 8, 1 / 18])
    half = 4.302653 * residuals.std(ddof=1) * np.sqrt(3)
    assert (low, high) == pytest.approx((max(value - half, 0), min(value + half, 1)))
    assert np.isnan(class_mean(hit[:0], label[:0], label[:0])).all()
    assert class_mean(np.zeros(4), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])) == proportion(0, 2)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=12).filter(
        lambda rows: len(rows) > 1
    ),
    st.integers(2, 4),
)
def test_cases_that_repeat_their_image_add_nothing(rows, times):
    before, after = np.array(rows).T
    image = np.arange(len(rows))
    b, a, i = (np.repeat(values, times) for values in (before, after, image))
    assert mean_interval(a, i) == pytest.approx(mean_interval(after))
    assert paired_difference(b, a, i) == pytest.approx(paired_difference(before, after))
    assert mcnemar(b, a, i) == mcnemar(before, after)
    shares = np.linspace(0.1, 0.7, len(rows))
    assert mean_interval(np.repeat(shares, times), i) == pytest.approx(mean_interval(shares))
    expected = paired_mean_difference(before, shares)
    assert paired_mean_difference(b, np.repeat(shares, times), i) == pytest.approx(expected)
    for function in (paired_difference, paired_mean_difference):  # no image twice: the very same
        assert function(before, after, image) == function(before, after)
    assert mean_interval(after, image) == mean_interval(after)


def test_wilsons_interval_has_the_images_design_effect_by_hand():
    # Three images of 3, 3 and 2 cases: all right, all wrong, half. Residuals (t − 4/8 n) / (8/3): ±0.5625, 0.
    values, image = np.array([1, 1, 1, 0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1, 2, 2])
    n = 0.25 / (2 * 0.5625**2 / 3 / 3)
    assert mean_interval(values, image) == pytest.approx(proportion(n / 2, n))
    assert mean_interval(np.ones(8, int), image) == proportion(3, 3)
    assert mean_interval(np.array([0, 1, 0]), np.zeros(3, int)) == pytest.approx(
        (1 / 3, *proportion(1 / 3, 1)[1:])
    )


def test_an_image_counts_once_in_mcnemars_test():
    before = np.array([0, 0, 1, 1, 1, 0, 0], bool)
    after = np.array([1, 1, 0, 0, 0, 1, 0], bool)
    image = np.array([0, 0, 0, 1, 2, 3, 3])  # net + 1, − 1, − 1, + 1
    assert mcnemar(before, after, image)[:2] == (2, 2)
    assert mcnemar(before, after)[:2] == (3, 3)


def test_intervals_are_those_of_a_bootstrap_over_images():
    random = np.random.default_rng(0)
    count = random.integers(1, 5, 400)
    image = np.repeat(np.arange(400), count)
    ease = np.repeat(random.random(400), count)  # of an image: its cases go together
    before, after = (random.random(len(image)) < level * ease for level in (0.6, 1.0))
    nothing = np.zeros(len(image))
    for found, bootstrapped in [
        (mean_interval(after, image), cluster_bootstrap(nothing, after, image, 4000, 0)),
        (paired_difference(before, after, image), cluster_bootstrap(before, after, image, 4000, 0)),
        (mean_interval(ease, image), cluster_bootstrap(nothing, ease, image, 4000, 0)),
    ]:
        assert found[1:] == pytest.approx(bootstrapped, abs=0.006)
    low, high = mean_interval(after)[1:]
    assert mean_interval(after, image)[2] - mean_interval(after, image)[1] > 1.15 * (high - low)


def scores_of(image=IMAGE):
    top_label = np.zeros((3, 3, 3), np.int16)
    top_label[:, 1, 1] = 1, 1, 1  # x₀
    top_label[0, 0, 0], top_label[1, 0, 0], top_label[2, 0, 0] = 0, 0, 1
    fixations = pd.DataFrame(
        {
            "row": 0,
            "column": 0,
            "x": 5.0,
            "y": 5.0,
            "dead": False,
            "own_label": pd.array([pd.NA] * 3, "Int16"),
        },
        index=range(3),
    )
    return compute_scores(fixations, LABEL, BOXES, top_label, image=image)


def test_a_case_is_right_by_its_class_and_beside_by_any_of_its_images():
    scores = scores_of()
    assert scores["correct_before"].tolist() == [False, True, False]
    assert scores["correct_before_any"].tolist() == [True, True, False]
    assert scores["correct_after"].tolist() == [True, False, False]
    assert scores["correct_after_any"].tolist() == [True, True, False]
    assert scores["pointing"].tolist() == ["hit", "miss", "miss"]  # each by the boxes of its own class
    assert scores_of(None).equals(scores.drop(columns=["correct_before_any", "correct_after_any"]))


def test_the_summary_counts_images_and_cases():
    summary = summarise(scores_of().assign(image=["a", "a", "b"]))
    assert (summary["n_images"], summary["n_cases"], summary["n_pointing"]) == (2, 3, 2)
    assert summary["accuracy_after"] == pytest.approx(1 / 3)
    assert summary["accuracy_after_any"] == summary["accuracy_before_any"] == 1 / 2  # of two images, one
    assert summary["accuracy_after_any_low"] == proportion(1, 2)[1]
    assert summary["gain"] == 0
    assert (summary["corrected"], summary["broken"], summary["p_mcnemar"]) == (0, 0, 1)
    without = summarise(scores_of(None).assign(image=["a", "b", "c"]))
    assert "n_cases" not in without
    assert "accuracy_after_any" not in without
    null = pd.DataFrame({"image": ["a", "a", "b"], "label": LABEL, "correct_before": [0, 1, 0]})
    null = null.assign(correct_after=[0.5, 0.25, 1], hit=[np.nan, 0, 1], said_decoy=np.nan)
    found = summarise_null(null)
    assert (found["n_images"], found["n_cases"], found["n_pointing"]) == (2, 3, 2)


def test_pairs_and_curves_are_of_images():
    outcomes = pd.DataFrame({"a": [True, True, False, True], "b": [False, False, False, True]})
    (pair,) = compare_pairs(outcomes, np.array([0, 0, 1, 2])).to_dict("records")
    assert (pair["n_images"], pair["first_only"], pair["second_only"]) == (3, 1, 0)
    assert pair["difference"] == 0.5
    correct = np.array([[True, False], [True, False], [False, False]])
    curve = best_of_n_table(np.zeros((3, 2)), correct, np.zeros(3, int), np.array([0, 0, 1]))
    assert curve["n_images"].tolist() == [2, 2]
    assert curve["any_of_n"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert curve["any_of_n_high"].tolist()[0] == 1
