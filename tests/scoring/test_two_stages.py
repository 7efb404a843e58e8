"""A look in two stages: bounds from other images, what the second stage is needed for, and the table beside all views."""

import numpy as np
import pytest

from helpers.methods import add_method
from helpers.study import random_label_maps
from labelmaps import views
from labelmaps.methods import load_method
from labelmaps.scoring.scanpaths import divide_into_folds
from labelmaps.scoring.two_stages import (
    ALWAYS,
    BELOW,
    NEVER,
    QUANTILES,
    find_best,
    find_bounds,
    look_in_two_stages,
    needs_outer_views,
    outer_views,
    two_stages_table,
)


def grid(inner, outer, n=3):
    """A map whose middle has one value, and whose first outer view another; all others are −9."""
    values = np.full((n, n), -9.0)
    values[n // 2, n // 2], values[0, 0] = inner, outer
    return values


def test_bounds_are_those_of_the_other_folds():
    best, fold = np.array([1.0, 2, 3, 9]), np.array([0, 0, 1, 2])
    assert find_bounds(best, fold, 1.0).tolist() == [9, 9, 9, 3]
    assert find_bounds(best, fold, 0.5).tolist() == [6, 6, 2, 2]  # medians of 3, 9; of 1, 2, 9; of 1, 2, 3
    assert find_bounds(best[:2], fold[:2], 1.0).tolist() == [np.inf, np.inf]  # nothing is known of others


def test_the_second_stage_is_needed_below_the_bound_by_hand():
    # The middle's values and the ring's best; bounds by the largest of the other images': 4, 4, 4, 3, 4.
    values = np.stack([grid(5, 1), grid(2, 3), grid(2, 1), grid(3, 4), grid(4, 0)]).reshape(5, -1)
    view, needs_ring = look_in_two_stages(values, outer_views(3, 3), np.arange(5), 1.0)
    assert needs_ring.tolist() == [False, True, True, False, False]
    assert view.tolist() == [
        4,
        0,
        4,
        4,
        4,
    ]  # image 3 misses its ring: that is where a bound from others fails


def test_the_best_view_is_the_first_of_ties_and_x0_where_all_are_alike():
    is_outer = outer_views(5, 5)
    assert is_outer.sum() == 16
    values = np.zeros((3, 25))
    values[0, [7, 8]] = 1  # two inner views
    values[1, 0] = 1  # an outer view: the inner ones are alike
    for among, expected in ((~is_outer, [7, 12, 12]), (np.ones(25, bool), [7, 0, 12])):
        assert find_best(values, among)[0].tolist() == expected
    assert find_best(values, ~is_outer)[1].tolist() == [1, 0, 0]


def test_the_table_by_hand():
    # Of the same five images the ring's view is right in images 1 and 3, the middle in images 0 and 1.
    saliency = np.stack([grid(5, 1), grid(2, 3), grid(2, 1), grid(3, 4), grid(4, 0)])
    is_right = np.zeros((5, 3, 3), bool)
    is_right[[1, 3], 0, 0] = is_right[[0, 1], 1, 1] = True
    table = two_stages_table(saliency, is_right)
    assert table["ring"].tolist() == [ALWAYS, *[BELOW] * len(QUANTILES), NEVER]
    rows = table.set_index(table["quantile"].where(table["quantile"].notna(), table["ring"]))
    names = ["passes", "accuracy", "change", "same_view"]
    assert rows.loc[ALWAYS, names].tolist() == [9, 0.6, 0, 1]  # 0, 1 and 3 are right
    assert rows.loc[1.0, names].tolist() == pytest.approx([1 + 8 * 0.4, 0.4, -0.2, 0.8])
    assert rows.loc[NEVER, names].tolist() == pytest.approx([1, 0.4, -0.2, 0.6])
    assert set(table["n_images"]) == {5}
    assert (table["change_low"] <= table["change"]).all()
    assert (table["change_high"] >= table["change"]).all()
    assert "n_cases" not in table


def brute_force(saliency, is_right, image, quantile):
    """Mean passes, accuracy and equal choices, with a loop for everything."""
    n, size, _ = saliency.shape
    fold = [int(i * 5 // (max(image) + 1)) for i in image]
    inner = [(r, c) for r in range(1, size - 1) for c in range(1, size - 1)]
    every = [(r, c) for r in range(size) for c in range(size)]
    ring = [cell for cell in every if cell not in inner]
    passes, right, same = [], [], []
    for i in range(n):
        others = [max(saliency[j][cell] for cell in ring) for j in range(n) if fold[j] != fold[i]]
        first = max(inner, key=lambda cell: saliency[i][cell])
        of_all = max(every, key=lambda cell: saliency[i][cell])
        is_needed = saliency[i][first] < np.quantile(others, quantile)
        chosen = of_all if is_needed else first
        passes.append(size * size if is_needed else len(inner))
        right.append(is_right[i][chosen])
        same.append(chosen == of_all)
    return np.mean(passes), np.mean(right), np.mean(same)


@pytest.mark.parametrize("size", [5, 7])
@pytest.mark.parametrize(
    "image", [np.arange(23), np.repeat(np.arange(11), [2, 1, 3, 2, 2, 2, 2, 3, 2, 2, 2])]
)
def test_the_table_is_what_loops_find(size, image):
    random = np.random.default_rng(size)
    saliency = random.normal(size=(23, size, size))
    is_right = random.random(saliency.shape) < 0.5
    several = None if len(set(image)) == 23 else image
    table = two_stages_table(saliency, is_right, several)
    for row in table[table["ring"] == BELOW].itertuples():
        found = row.passes, row.accuracy, row.same_view
        assert found == pytest.approx(brute_force(saliency, is_right, image, row.quantile)), row.quantile
    assert set(table["n_images"]) == {len(set(image))}
    if several is not None:
        assert set(table["n_cases"]) == {23}


def test_a_lower_bound_saves_passes_and_a_bound_from_one_image_none():
    random = np.random.default_rng(0)
    table = two_stages_table(random.normal(size=(40, 7, 7)), random.random((40, 7, 7)) < 0.5)
    assert table["passes"].is_monotonic_decreasing
    assert table["passes"].iloc[[0, -1]].tolist() == [49, 25]
    alone = two_stages_table(random.normal(size=(1, 7, 7)), np.ones((1, 7, 7), bool))
    assert alone["passes"].tolist() == [*[49] * (1 + len(QUANTILES)), 25]


def test_cases_of_an_image_stay_in_one_fold():
    # Two images of three cases each; the first's own ring is high, the second's is low.
    saliency = np.stack([grid(1, 8)] * 3 + [grid(1, 0)] * 3)
    image = np.repeat([0, 1], 3)
    assert divide_into_folds(2).tolist() == [0, 2]
    table = two_stages_table(saliency, np.ones((6, 3, 3), bool), image)
    # The bound of the first is the second's 0, below its 1; that of the second the first's 8.
    assert table["passes"].iloc[1] == 1 + 8 * 0.5


METHODS = [
    *[
        (name, {}, False)
        for name in ("likelihood", "max_logit", "max_softmax", "min_entropy", "consensus", "igub")
    ],
    ("igub", {"prior": "inner"}, False),
    ("igub", {"prior": "mean"}, True),
]


@pytest.mark.parametrize(("name", "options", "expected"), METHODS)
@pytest.mark.parametrize("n_images", [1, 3])
def test_what_needs_the_outer_views_is_told_by_what_they_change(name, options, expected, n_images):
    random = np.random.default_rng(1)
    ids = [str(i) for i in range(n_images)]
    maps = random_label_maps(
        ids, [(40, 30)] * n_images, views.create_view("zoom", grid=5, floor=0.1), 6, random
    )
    before = maps.log_probability.copy()
    assert needs_outer_views(load_method(name, **options), maps, np.zeros(n_images, int)) is expected
    np.testing.assert_array_equal(maps.log_probability, before)


def test_a_central_prior_that_reaches_the_ring_of_a_small_grid_needs_it(monkeypatch, tmp_path):
    random = np.random.default_rng(1)
    maps = random_label_maps(["a"], [(40, 30)], views.create_view("zoom", grid=3, floor=0.1), 6, random)
    assert needs_outer_views(load_method("igub", prior="inner"), maps, np.zeros(1, int))
    assert not needs_outer_views(load_method("igub"), maps, np.zeros(1, int))
    add_method(monkeypatch, tmp_path, "my_method", {"INPUT": "label maps", "CUE": "uncued"})
    assert not needs_outer_views(load_method("my_method", power=2.0), maps, np.zeros(1, int))


def test_dead_maps_leave_the_eye_at_x0_in_either_stage():
    table = two_stages_table(np.zeros((4, 3, 3)), np.zeros((4, 3, 3), bool))
    assert (table["same_view"] == 1).all()
    assert (table["accuracy"] == 0).all()
