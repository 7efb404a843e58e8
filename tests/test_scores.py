"""Hits, misses and what is skipped; accuracy before and after the saccade."""

import numpy as np
import pandas as pd
import pytest

from labelmaps.scores import pointing_game, score_fixations

BOX = np.array([[10, 20, 30, 60]], np.float32)
TWO_BOXES = np.array([[0, 0, 5, 5], [50, 50, 90, 70]], np.float32)
NO_BOX = np.zeros((0, 4), np.float32)


@pytest.mark.parametrize("x", [10, 20, 30])
@pytest.mark.parametrize("y", [20, 47.3, 60])
def test_inside_on_the_edges_and_on_the_corners_is_a_hit(x, y):
    assert pointing_game(x, y, BOX) == "hit"


@pytest.mark.parametrize(
    ("x", "y"), [(9.99, 40), (30.01, 40), (20, 19.99), (20, 60.01), (40, 25), (-5, -5), (1e6, 40)]
)
def test_outside_of_the_box_or_of_the_image_is_a_miss(x, y):
    assert pointing_game(x, y, BOX) == "miss"


@pytest.mark.parametrize(
    ("x", "y", "tolerance", "outcome"),
    [
        (5, 40, 5, "hit"),
        (4.9, 40, 5, "miss"),
        (35, 65, 5, "hit"),  # a box is widened, its corners are not rounded
        (35.1, 65, 5, "miss"),
        (20, 15, 5, "hit"),
        (20, 65.1, 5, "miss"),
    ],
)
def test_tolerance_widens_the_box(x, y, tolerance, outcome):
    assert pointing_game(x, y, BOX, tolerance) == outcome


@pytest.mark.parametrize(
    ("x", "y", "outcome"),
    [(3, 3, "hit"), (60, 60, "hit"), (3, 60, "miss"), (60, 3, "miss"), (20, 30, "miss")],
)
def test_any_one_box_suffices_but_the_point_must_be_wholly_in_it(x, y, outcome):
    assert pointing_game(x, y, TWO_BOXES) == outcome


def test_a_box_of_one_pixel_is_hit_at_its_point():
    assert pointing_game(7, 8, np.array([[7, 8, 7, 8]])) == "hit"


@pytest.mark.parametrize("tolerance", [0, 1e9])
@pytest.mark.parametrize("boxes", [NO_BOX, []])
def test_without_a_box_the_image_is_skipped(boxes, tolerance):
    assert pointing_game(20, 40, boxes, tolerance) == "skipped"


@pytest.fixture
def four_images():
    """Views say 7 everywhere, but for x₀ and the selected views."""
    top_label = np.full((4, 3, 3), 7, np.int16)
    top_label[:, 1, 1] = 4, 4, 5, 5
    fixations = pd.DataFrame(
        {"row": [0, 2, 1, 0], "column": [2, 0, 1, 1], "x": [20.0, 3, 0, 60], "y": [40.0, 60, 0, 60]}
    )
    fixations["own_label"] = pd.array([4, None, 4, 5], "Int16")
    fixations["dead"] = [False, False, True, False]
    top_label[0, 0, 2], top_label[1, 2, 0], top_label[3, 0, 1] = 6, 4, 2
    return fixations, np.array([4, 4, 4, 2], np.int16), [BOX, TWO_BOXES, NO_BOX, TWO_BOXES], top_label


def test_scores_by_hand(four_images):
    scores = score_fixations(*four_images)
    expected = pd.DataFrame(
        {
            "label": [4, 4, 4, 2],
            "predicted_before": [4, 4, 5, 5],
            "predicted_after": [6, 4, 5, 2],
            "correct_before": [True, True, False, False],
            "correct_after": [False, True, False, True],
            "own_label": pd.array([4, None, 4, 5], "Int16"),
            "correct_own": pd.array([True, None, True, False], "boolean"),
            "pointing": ["hit", "miss", "skipped", "hit"],
            "reason": ["", "", "no box", ""],
            "dead": [False, False, True, False],
        }
    )
    pd.testing.assert_frame_equal(scores, expected, check_dtype=False)


def test_tolerance_reaches_every_image(four_images):
    assert score_fixations(*four_images, tolerance=50)["pointing"].tolist() == [
        "hit",
        "hit",
        "skipped",
        "hit",
    ]


def test_the_order_of_the_rows_counts_and_not_their_index(four_images):
    fixations, *rest = four_images
    relabelled = score_fixations(fixations.set_axis([30, 10, 20, 0]), *rest)
    pd.testing.assert_frame_equal(relabelled, score_fixations(fixations, *rest))


def test_a_missing_fixation_or_box_list_is_an_error(four_images):
    fixations, label, boxes, top_label = four_images
    with pytest.raises((ValueError, IndexError)):
        score_fixations(fixations[:3], label, boxes, top_label)
    with pytest.raises((ValueError, IndexError)):
        score_fixations(fixations, label, boxes[:3], top_label)
