"""Saliency methods against numbers worked out by hand and against scipy in float64."""

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from helpers.logits import label_maps, random_logits
from labelmaps.methods import (
    center,
    igub,
    likelihood,
    load_method,
    log_sum_exp,
    max_logit,
    max_softmax,
    min_entropy,
)

UNCUED = [center, igub, max_logit, max_softmax, min_entropy]
ALL = [*UNCUED, likelihood]


def saliency(method, logits, label=None):
    return method.saliency(label_maps(logits), label)


@pytest.fixture
def by_hand():
    """Probabilities of 3 labels: x₀ (½, ¼, ¼), one other view (¼, ½, ¼), all others uniform; every Σ exp z is 1."""
    probability = np.full((1, 3, 3, 3), 1 / 3)
    probability[0, 1, 1] = 1 / 2, 1 / 4, 1 / 4
    probability[0, 0, 2] = 1 / 4, 1 / 2, 1 / 4
    return np.log(probability)


def test_center_is_1_at_the_central_view_and_0_elsewhere():
    expected = np.zeros((4, 5, 5))
    expected[:, 2, 2] = 1
    np.testing.assert_array_equal(saliency(center, random_logits()), expected)


@pytest.mark.parametrize(
    ("label", "at_x0", "at_other"), [(0, 1 / 2, 1 / 4), (1, 1 / 4, 1 / 2), (2, 1 / 4, 1 / 4)]
)
def test_likelihood_by_hand(by_hand, label, at_x0, at_other):
    expected = np.full((1, 3, 3), np.log(1 / 3))
    expected[0, 1, 1], expected[0, 0, 2] = np.log(at_x0), np.log(at_other)
    np.testing.assert_allclose(saliency(likelihood, by_hand, np.array([label])), expected, rtol=1e-6)


def test_max_logit_by_hand(by_hand):
    by_hand[0, 2, 0] = [5, -7, 4.5]
    by_hand[0, 2, 1] = [-9, -8, -7.5]
    expected = np.full((1, 3, 3), np.log(1 / 3))
    expected[0, 1, 1] = expected[0, 0, 2] = np.log(1 / 2)
    expected[0, 2, :2] = 5, -7.5
    np.testing.assert_allclose(saliency(max_logit, by_hand), expected, rtol=1e-5)


def test_igub_by_hand(by_hand):
    expected = np.full((1, 3, 3), -np.log(3))  # log p(k|x_u) is −log 3 for every k
    # x₀ with itself: ∝ (¼, 1/16, 1/16) = (4, 1, 1)/6, and log p = −(1, 2, 2) log 2
    expected[0, 1, 1] = -(4 * 1 + 1 * 2 + 1 * 2) / 6 * np.log(2)
    # x₀ with the other: ∝ (2, 2, 1)/5, and log p = −(2, 1, 2) log 2
    expected[0, 0, 2] = -(2 * 2 + 2 * 1 + 1 * 2) / 5 * np.log(2)
    np.testing.assert_allclose(saliency(igub, by_hand), expected, rtol=1e-6)


def test_max_softmax_by_hand(by_hand):
    expected = np.full((1, 3, 3), np.log(1 / 3))
    expected[0, 1, 1] = expected[0, 0, 2] = np.log(1 / 2)
    np.testing.assert_allclose(saliency(max_softmax, by_hand), expected, rtol=1e-6)


def test_max_softmax_tells_views_apart_that_are_nearly_sure():
    """1 − p is 1e−9 to 3e−9: in float32 all three probabilities are 1, but not their logarithms."""
    maps = label_maps(np.zeros((1, 1, 3, 2)))
    maps.log_probability[0, 0, :, 0] = -2e-9, -1e-9, -3e-9
    maps.log_probability[..., 1] = -20
    assert max_softmax.saliency(maps, None).argmax() == 1


def test_min_entropy_by_hand(by_hand):
    by_hand[0, 2, 0] = 0, -np.inf, -np.inf
    by_hand[0, 2, 1] = np.log(1 / 2), -np.inf, np.log(1 / 2)
    expected = np.full((1, 3, 3), -np.log(3))
    expected[0, 1, 1] = expected[0, 0, 2] = -(1 / 2 * 1 + 1 / 4 * 2 + 1 / 4 * 2) * np.log(2)
    expected[0, 2, :2] = 0, -np.log(2)  # a label of probability 0 adds nothing
    np.testing.assert_allclose(saliency(min_entropy, by_hand), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.1, 4.0, 30.0])
def test_methods_equal_scipy_in_float64(scale):
    logits = random_logits(scale=scale)
    label = np.array([5, 0, 2, 3])
    p, log_p = softmax(logits, axis=-1), log_softmax(logits, axis=-1)
    joint = p[:, 2:3, 2:3] * p
    joint /= joint.sum(axis=-1, keepdims=True)
    close = {"rtol": 2e-5, "atol": 1e-5}
    np.testing.assert_allclose(saliency(igub, logits), (joint * log_p).sum(axis=-1), **close)
    np.testing.assert_allclose(saliency(max_logit, logits), logits.max(axis=-1), **close)
    np.testing.assert_allclose(saliency(max_softmax, logits), log_p.max(axis=-1), **close)
    np.testing.assert_allclose(saliency(min_entropy, logits), (p * log_p).sum(axis=-1), **close)
    expected = np.stack([log_p[i, :, :, k] for i, k in enumerate(label)])
    np.testing.assert_allclose(saliency(likelihood, logits, label), expected, **close)


def test_igub_is_finite_where_products_of_probabilities_underflow():
    logits = np.zeros((1, 3, 3, 4))
    logits[0, 1, 1, 0] = logits[0, 0, 0, 1] = 800.0  # p(k|x₀) p(k|x_u) < e^−700: nothing is left in float64
    result = saliency(igub, logits)
    assert np.isfinite(result).all()
    assert result[0, 1, 1] == pytest.approx(0)
    assert result[0, 0, 0] == pytest.approx(-400)  # labels 0 and 1, half each: (−800 + 0)/2


def test_igub_of_a_confident_view_is_0_and_of_a_uniform_view_minus_log_k():
    logits = random_logits(n=1, n_labels=6)
    logits[0, 0, 0] = [0, 0, 60, 0, 0, 0]
    logits[0, 4, 4] = 1.7
    result = saliency(igub, logits)
    assert result[0, 0, 0] == pytest.approx(0, abs=1e-6)
    assert result[0, 4, 4] == pytest.approx(-np.log(6))
    assert (result <= 0).all()


@pytest.mark.parametrize(
    ("prior", "grid", "known"),
    [
        ("initial", 5, np.s_[2:3]),
        ("mean", 5, np.s_[:]),
        ("inner", 5, np.s_[1:4]),
        ("inner", 7, np.s_[2:5]),
        ("inner", 3, np.s_[:]),
        ("inner", 1, np.s_[:]),
    ],
)
def test_igub_averages_the_probabilities_of_the_views_that_its_prior_knows(prior, grid, known):
    logits = random_logits(grid=grid)
    p, log_p = softmax(logits, axis=-1), log_softmax(logits, axis=-1)
    joint = p[:, known, known].mean(axis=(1, 2), keepdims=True) * p
    joint /= joint.sum(axis=-1, keepdims=True)
    result = igub.saliency(label_maps(logits), None, prior=prior)
    np.testing.assert_allclose(result, (joint * log_p).sum(axis=-1), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("prior", ["initial", "mean", "inner"])
def test_igub_takes_labels_that_no_view_finds_possible(prior):
    logits = random_logits()
    logits[..., 1] -= 3000
    assert np.isfinite(igub.saliency(label_maps(logits), None, prior=prior)).all()


@pytest.mark.parametrize("scale", [0.1, 4.0, 3000.0])
@pytest.mark.parametrize("axis", [1, (1, 2)])
def test_sums_of_probabilities_equal_scipys_in_float64(scale, axis):
    log_p = log_softmax(random_logits(scale=scale), axis=-1).astype(np.float32)
    log_p[..., 1] = -np.inf  # impossible in all views
    log_p[0, 2, 2, 3] = -np.inf
    with np.errstate(divide="ignore"):
        expected = logsumexp(log_p.astype(np.float64), axis=axis)
    np.testing.assert_allclose(log_sum_exp(log_p, axis), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", ALL)
def test_renaming_the_labels_changes_nothing(method):
    logits, label = random_logits(), np.array([1, 5, 0, 3])
    order = np.array([3, 0, 5, 1, 4, 2])  # new label j was order[j]
    renamed = np.argsort(order)[label]
    cue, new_cue = (label, renamed) if method.CUE == "cued" else (None, None)
    np.testing.assert_allclose(
        saliency(method, logits[..., order], new_cue), saliency(method, logits, cue), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("method", ALL)
def test_moving_the_fixations_moves_the_saliency(method):
    """x₀ stays: every reordering of the other views reorders the map alike."""
    logits, cue = random_logits(), np.array([1, 5, 0, 3]) if method.CUE == "cued" else None
    others = np.delete(np.arange(25), 12)
    order = np.insert(np.random.default_rng(1).permutation(others), 12, 12)

    def moved(maps):
        return maps.reshape(4, 25, *maps.shape[3:])[:, order].reshape(maps.shape)

    np.testing.assert_array_equal(saliency(method, moved(logits), cue), moved(saliency(method, logits, cue)))


@pytest.mark.parametrize("method", ALL)
def test_a_constant_added_to_a_views_logits_shifts_the_maximum_logit_alone(method):
    logits, cue = random_logits(), np.array([1, 5, 0, 3]) if method.CUE == "cued" else None
    shift = np.random.default_rng(2).normal(0, 5, logits.shape[:3])
    change = saliency(method, logits + shift[..., None], cue) - saliency(method, logits, cue)
    np.testing.assert_allclose(change, shift if method is max_logit else 0, atol=1e-4)


@pytest.mark.parametrize("method", ALL)
def test_an_images_map_does_not_depend_on_the_other_images(method):
    logits, cue = random_logits(), np.array([1, 5, 0, 3]) if method.CUE == "cued" else None
    alone = saliency(method, logits[2:3], None if cue is None else cue[2:3])
    assert alone.shape == (1, 5, 5)
    np.testing.assert_allclose(alone[0], saliency(method, logits, cue)[2], rtol=1e-6)


def test_only_likelihood_is_told_the_label():
    assert {method.__name__.split(".")[-1]: method.CUE for method in ALL} == {
        "center": "baseline",
        "igub": "uncued",
        "max_logit": "uncued",
        "max_softmax": "uncued",
        "min_entropy": "uncued",
        "likelihood": "cued",
    }


def test_a_loaded_method_gets_labels_if_it_is_cued_alone_and_gives_its_own_if_it_has_any():
    maps, label = label_maps(random_logits()), np.arange(4)
    cued, none = load_method("likelihood")(maps, label)
    np.testing.assert_array_equal(cued, likelihood.saliency(maps, label))
    uncued, no_label = load_method("igub", prior="mean")(maps, label)
    np.testing.assert_array_equal(uncued, igub.saliency(maps, None, prior="mean"))
    agreed, own_label = load_method("consensus")(maps, label)
    assert none is no_label is None
    assert agreed.shape == (4, 5, 5)
    assert own_label.shape == (4,)
