"""What the workflow's scripts decide themselves."""

import numpy as np
import pandas as pd
import pytest

from labelmaps.statistics import mean_interval, paired_difference, proportion
from workflow.scripts.calibrate import readings_of
from workflow.scripts.score_nulls import best_of_n_table
from workflow.scripts.summarise_sweep import accuracies


def outcomes(**arrivals):
    """A table of outcomes on three images: arrival → gradcam's."""
    tables = [
        pd.DataFrame({"arrival": arrival, "image": ["a", "b", "c"], "before": True, "gradcam": right})
        for arrival, right in arrivals.items()
    ]
    return pd.concat(tables, ignore_index=True)


def of_arrival(right):
    return pd.DataFrame({"before": True, "gradcam": right}, pd.Index(["a", "b", "c"], name="image"))


def test_ways_to_arrive_that_agree_on_every_image_are_one_reading():
    readings = readings_of("zoom", outcomes(nearest=[True, False, True], index=[True, False, True]))
    assert list(readings) == ["zoom"]
    pd.testing.assert_frame_equal(readings["zoom"], of_arrival([True, False, True]))


def test_ways_to_arrive_that_differ_are_a_reading_each():
    """They differ on single images, with as many right."""
    readings = readings_of("zoom", outcomes(nearest=[True, False, True], index=[True, True, False]))
    assert list(readings) == ["zoom, nearest view", "zoom, view by index"]
    pd.testing.assert_frame_equal(readings["zoom, nearest view"], of_arrival([True, False, True]))
    pd.testing.assert_frame_equal(readings["zoom, view by index"], of_arrival([True, True, False]))


def test_a_single_way_to_arrive_is_one_reading():
    readings = readings_of("zoom_3x3", outcomes(nearest=[True, False, True]))
    assert list(readings) == ["zoom_3x3"]
    pd.testing.assert_frame_equal(readings["zoom_3x3"], of_arrival([True, False, True]))


CURVES = ["best_of_n", "any_of_n", "top_n"]
COLUMNS = ["n", *(f"{curve}{end}" for curve in CURVES for end in ("", "_low", "_high"))]


def test_the_curves_by_hand():
    """Three views of two images: the first has its best two right, the second its worst; x₀ ranks k* first, and third."""
    log_likelihood = np.log([[0.5, 0.9, 0.1], [0.8, 0.1, 0.4]])
    correct = np.array([[True, True, False], [False, True, False]])
    table = best_of_n_table(log_likelihood, correct, np.array([0, 2]))
    assert list(table) == COLUMNS
    assert table["n"].tolist() == [1, 2, 3]
    # Of two views drawn, the better is right: always in the first image, never in the second.
    np.testing.assert_allclose(table["best_of_n"], [(2 / 3 + 1 / 3) / 2, (1 + 0) / 2, (1 + 0) / 2])
    np.testing.assert_allclose(table["any_of_n"], [(2 / 3 + 1 / 3) / 2, (1 + 2 / 3) / 2, 1])
    np.testing.assert_allclose(table["top_n"], [1 / 2, 1 / 2, 1])


def test_the_curves_end_at_what_is_known_without_drawing():
    generator = np.random.default_rng(0)
    n_images, n_views = 50, 9
    log_likelihood = -generator.random((n_images, n_views))
    correct = generator.random((n_images, n_views)) < 0.4 + 0.3 * log_likelihood
    rank = generator.integers(0, 30, n_images)
    table = best_of_n_table(log_likelihood, correct, rank)
    assert len(table) == n_views
    first, last = table.iloc[0], table.iloc[-1]
    best = correct[np.arange(n_images), log_likelihood.argmax(axis=1)]  # where the likelihood map is largest
    expected = {"best_of_n": best, "any_of_n": correct.any(axis=1), "top_n": rank < n_views}
    for curve, right in expected.items():
        interval = last[[curve, f"{curve}_low", f"{curve}_high"]]
        np.testing.assert_allclose(interval.astype(float), proportion(right.sum(), n_images), err_msg=curve)
    for curve in ("best_of_n", "any_of_n"):
        interval = first[[curve, f"{curve}_low", f"{curve}_high"]]
        np.testing.assert_allclose(interval.astype(float), mean_interval(correct.mean(axis=1)), err_msg=curve)
    assert first["top_n"] == np.mean(rank == 0)
    for curve in CURVES:
        assert (table[f"{curve}_low"] <= table[curve]).all()
        assert (table[curve] <= table[f"{curve}_high"]).all()


@pytest.mark.parametrize("right", [True, False])
def test_the_curves_stay_between_0_and_1(right):
    log_likelihood = np.random.default_rng(0).random((4, 49))
    table = best_of_n_table(log_likelihood, np.full((4, 49), right), np.zeros(4, int))
    np.testing.assert_allclose(table["best_of_n"], float(right))
    assert table.drop(columns="n").to_numpy().min() >= 0
    assert table.drop(columns="n").to_numpy().max() <= 1


def test_a_sweeps_accuracies_by_hand():
    before = np.array([True, True, False, False, False])
    after = np.array([True, False, True, True, False])
    result = accuracies(before, after)
    measures = {
        "accuracy_before": proportion(2, 5),
        "accuracy_after": proportion(3, 5),
        "gain": paired_difference(before, after),
    }
    assert list(result) == [f"{name}{end}" for name in measures for end in ("", "_low", "_high")]
    assert [result[name] for name in measures] == pytest.approx([0.4, 0.6, 0.2])
    np.testing.assert_allclose(list(result.values()), np.concatenate(list(measures.values())))
