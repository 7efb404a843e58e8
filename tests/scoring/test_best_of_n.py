"""Expectations over random subsets of views, against the enumeration of all subsets; and the table of their means."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import comb

from labelmaps.scoring.best_of_n import any_of_n, best_of_n, best_of_n_table, top_n
from labelmaps.scoring.statistics import mean_interval, proportion


def random_views(n_images=6, n_views=7, n_values=4, seed=0):
    """Few values: many ties."""
    generator = np.random.default_rng(seed)
    log_likelihood = -generator.integers(n_values, size=(n_images, n_views)).astype(np.float32)
    log_likelihood[0, :3] = -np.inf
    return log_likelihood, generator.random((n_images, n_views)) < 0.4


def enumerated(outcome, n_views):
    """Mean over all subsets of n views, in order, of outcome(subset); for n = 1…N."""
    sizes = range(1, n_views + 1)
    return [np.mean([outcome(list(s)) for s in combinations(range(n_views), n)]) for n in sizes]


def test_best_of_n_by_hand():
    # Ranks: view 1 (wrong), view 0 (right, first of a tie), view 2 (wrong). One view: 1/3. Two of three: {0, 1} → 1, wrong;
    # {0, 2} → 0, right; {1, 2} → 1, wrong. All: view 1, wrong.
    log_likelihood, correct = np.array([[-2.0, -1.0, -2.0]]), np.array([[True, False, False]])
    np.testing.assert_allclose(best_of_n(log_likelihood, correct), [[1 / 3, 1 / 3, 0]], atol=1e-15)


def test_any_of_n_by_hand():
    # One right of three: missed by one view with 2/3, by two with 1/3. Two right: missed by one with 1/3, by two never.
    correct = np.array([[True, False, False], [True, False, True], [False] * 3, [True] * 3])
    expected = [[1 / 3, 2 / 3, 1], [2 / 3, 1, 1], [0, 0, 0], [1, 1, 1]]
    np.testing.assert_allclose(any_of_n(correct), expected, atol=1e-15)


def test_top_n_by_hand():
    expected = [[True, True, True], [False, False, True], [False, False, False]]
    np.testing.assert_array_equal(top_n(np.array([0, 2, 3]), 3), expected)


@pytest.mark.parametrize("n_views", [1, 2, 5, 8])
def test_best_of_n_and_any_of_n_equal_the_enumeration_of_all_subsets(n_views):
    log_likelihood, correct = random_views(n_views=max(n_views, 3))
    log_likelihood, correct = log_likelihood[:, :n_views], correct[:, :n_views]
    best, any_ = best_of_n(log_likelihood, correct), any_of_n(correct)
    for i, (values, right) in enumerate(zip(log_likelihood, correct, strict=True)):
        expected = enumerated(lambda s, v=values, r=right: r[s][v[s].argmax()], n_views)
        np.testing.assert_allclose(best[i], expected, atol=1e-14)
        np.testing.assert_allclose(any_[i], enumerated(lambda s, r=right: r[s].any(), n_views), atol=1e-14)


@pytest.mark.parametrize("n_views", [49, 121])
def test_large_grids_equal_exact_binomial_coefficients(n_views):
    log_likelihood, correct = random_views(n_views=n_views, n_values=30)
    best, any_ = best_of_n(log_likelihood, correct), any_of_n(correct)
    for i, (values, right) in enumerate(zip(log_likelihood, correct, strict=True)):
        ranked = right[sorted(range(n_views), key=lambda u, v=values: (-v[u], u))]
        for n in range(1, n_views + 1):
            subsets = comb(n_views, n, exact=True)
            won = sum(comb(n_views - r, n - 1, exact=True) for r in np.flatnonzero(ranked) + 1)
            missed = comb(n_views - int(right.sum()), n, exact=True)
            assert best[i, n - 1] == pytest.approx(won / subsets, abs=1e-14)
            assert any_[i, n - 1] == pytest.approx(1 - missed / subsets, abs=1e-14)


@pytest.mark.parametrize("n_views", [1, 9, 121])
def test_one_view_is_a_random_fixation_and_all_views_the_likelihood_map(n_views):
    log_likelihood, correct = random_views(n_images=50, n_views=max(n_views, 3))
    log_likelihood, correct = log_likelihood[:, :n_views], correct[:, :n_views]
    best = best_of_n(log_likelihood, correct)
    assert best.shape == (50, n_views)
    np.testing.assert_allclose(best[:, 0], correct.mean(axis=1), atol=1e-14)
    selected = correct[np.arange(50), log_likelihood.argmax(axis=1)]
    np.testing.assert_array_equal(best[:, -1], selected)


def test_any_of_n_grows_with_n_from_the_mean_to_certainty_and_bounds_best_of_n():
    log_likelihood, correct = random_views(n_images=50, n_views=121)
    correct[1] = False
    any_ = any_of_n(correct)
    assert (np.diff(any_, axis=1) >= 0).all()
    assert ((any_ >= 0) & (any_ <= 1)).all()
    np.testing.assert_allclose(any_[:, 0], correct.mean(axis=1), atol=1e-14)
    np.testing.assert_array_equal(any_[:, -1], correct.any(axis=1))
    assert (best_of_n(log_likelihood, correct) <= any_ + 1e-14).all()


def test_who_knows_which_views_are_right_reaches_any_of_n():
    _, correct = random_views(n_views=49)
    np.testing.assert_allclose(best_of_n(correct.astype(float), correct), any_of_n(correct), atol=1e-14)


def test_without_an_image_there_is_nothing_to_expect():
    nothing = np.zeros((0, 9))
    assert best_of_n(nothing, nothing.astype(bool)).shape == any_of_n(nothing.astype(bool)).shape == (0, 9)
    assert top_n(np.zeros(0, int), 9).shape == (0, 9)


CURVES = ["best_of_n", "any_of_n", "top_n"]
COLUMNS = ["n_images", "n", *(f"{curve}{end}" for curve in CURVES for end in ("", "_low", "_high"))]


def test_the_curves_by_hand():
    """Three views of two images: the first has its best two right, the second its worst; x₀ ranks k* first, and third."""
    log_likelihood = np.log([[0.5, 0.9, 0.1], [0.8, 0.1, 0.4]])
    correct = np.array([[True, True, False], [False, True, False]])
    table = best_of_n_table(log_likelihood, correct, np.array([0, 2]))
    assert list(table) == COLUMNS
    assert table["n_images"].tolist() == [2, 2, 2]
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
    assert set(table["n_images"]) == {n_images}
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
    values = table.drop(columns=["n_images", "n"]).to_numpy()
    assert values.min() >= 0
    assert values.max() <= 1
