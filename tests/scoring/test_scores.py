"""Accuracy before and after the saccade, and the outcome of the Pointing Game."""

import numpy as np
import pandas as pd
import pytest

from labelmaps.scoring.scores import compute_scores, is_in_outer_ring

BOX = np.array([[10, 20, 30, 60]], np.float32)
TWO_BOXES = np.array([[0, 0, 5, 5], [50, 50, 90, 70]], np.float32)
NO_BOX = np.zeros((0, 4), np.float32)


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
    scores = compute_scores(*four_images)
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
            "outer_ring": [True, True, False, True],
        }
    )
    pd.testing.assert_frame_equal(scores, expected, check_dtype=False)


@pytest.mark.parametrize(("grid", "outer"), [(1, []), (3, range(3)), (7, [0, 6])])
def test_the_outer_ring_is_the_grids_edge_where_there_is_something_inside(grid, outer):
    row, column = np.mgrid[:grid, :grid].reshape(2, -1)
    found = is_in_outer_ring(row, column, grid, grid).reshape(grid, grid)
    assert found.sum() == (4 * (grid - 1) if grid > 1 else 0)
    assert not found[grid // 2, grid // 2]
    assert all(found[i, j] for i in outer for j in range(grid) if i in (0, grid - 1) or j in (0, grid - 1))


def test_tolerance_reaches_every_image(four_images):
    assert compute_scores(*four_images, tolerance=50)["pointing"].tolist() == [
        "hit",
        "hit",
        "skipped",
        "hit",
    ]


def test_the_order_of_the_rows_counts_and_not_their_index(four_images):
    fixations, *rest = four_images
    relabelled = compute_scores(fixations.set_axis([30, 10, 20, 0]), *rest)
    pd.testing.assert_frame_equal(relabelled, compute_scores(fixations, *rest))


def test_a_missing_fixation_or_box_list_is_an_error(four_images):
    fixations, label, boxes, top_label = four_images
    with pytest.raises((ValueError, IndexError)):
        compute_scores(fixations[:3], label, boxes, top_label)
    with pytest.raises((ValueError, IndexError)):
        compute_scores(fixations, label, boxes[:3], top_label)


def test_outcomes_are_text_even_where_there_is_no_image(four_images):
    fixations, label, boxes, top_label = four_images
    scores = compute_scores(fixations[:0], label[:0], boxes[:0], top_label[:0])
    assert len(scores) == 0
    for table in (scores, compute_scores(*four_images)):
        assert (table.dtypes[["pointing", "reason"]] == pd.Series(["hit"]).dtype).all()
