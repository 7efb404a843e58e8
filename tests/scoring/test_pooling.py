"""Rules that pool views without a saccade, by hand and by a plain computation; what cross-validation chooses, and how."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.special import softmax

from labelmaps.resampling.crops import CORNERS
from labelmaps.scoring import nulls
from labelmaps.scoring.pooling import (
    STEPS,
    TEMPERATURES,
    crop_labels,
    cross_validate,
    draw_folds,
    list_ring_weights,
    ring_labels,
    temperature_labels,
)
from labelmaps.scoring.right_labels import RightLabels
from labelmaps.storage.label_map_file import LabelMaps


def noise(*shape, seed=0, spread=3):
    """Log-probabilities, float32, of random logits."""
    logits = np.random.default_rng(seed).normal(0, spread, shape)
    return np.log(softmax(logits, axis=-1)).astype(np.float32)


def test_a_hot_softmax_counts_doubts_and_a_cold_one_counts_votes():
    """3 × 3 inner views of 5 × 5: 5 say label 0 with p .6, .4, 0; 4 say label 1 with .2, .7, .1."""
    p = np.full((1, 5, 5, 3), 1 / 3)
    inner = np.tile([0.6, 0.4, 1e-9], (9, 1))
    inner[:4] = 0.2, 0.7, 0.1
    p[0, 1:4, 1:4] = inner.reshape(3, 3, 3)
    found = dict(zip(TEMPERATURES, temperature_labels(np.log(p).astype(np.float32))[0].tolist(), strict=True))
    # T = 1: label 0 has (5 · .6 + 4 · .2)/9 = .42, label 1 (5 · .4 + 4 · .7)/9 = .53.
    # T = ½: p² over its sum. 0: 5 · .36/.52 + 4 · .04/.54 = 3.76; 1: 5 · .16/.52 + 4 · .49/.54 = 5.17.
    assert found[1] == found[0.5] == 1
    p[0, 1, 1] = 0.9, 0.05, 0.05  # 6 say 0. T = 1: 5 · .6 + 3 · .2 + .9 = 4.5 to 2 + 2.1 + .05 = 4.15
    assert temperature_labels(np.log(p).astype(np.float32))[0, TEMPERATURES.index(1)] == 0


@pytest.mark.parametrize("grid", [1, 3, 5, 7])
def test_labels_at_temperatures_are_those_of_a_plain_computation(grid):
    log_p = noise(30, grid, grid, 6, seed=grid, spread=12)  # far enough apart that a power underflows
    inner = log_p if grid == 1 else log_p[:, 1:-1, 1:-1]
    found = temperature_labels(log_p)
    assert found.shape == (30, len(TEMPERATURES))
    for i, t in enumerate(TEMPERATURES):
        expected = softmax(inner.astype(np.float64) / t, axis=-1).mean(axis=(1, 2)).argmax(axis=1)
        np.testing.assert_array_equal(found[:, i], expected, err_msg=str(t))
    if grid > 3:
        assert (found != found[:, :1]).any()


def test_temperatures_are_halves_and_doubles_so_that_squares_lead_from_one_to_the_next():
    ordered = np.sort(TEMPERATURES)
    np.testing.assert_array_equal(ordered[1:] / ordered[:-1], 2)
    assert TEMPERATURES[0] == 1  # the plain mean where nothing speaks for another


@pytest.mark.parametrize(("grid", "n"), [(1, 1), (3, 5), (5, 15), (7, 35), (11, 126)])
def test_ring_weights_are_all_multiples_of_a_quarter_that_sum_to_one(grid, n):
    weights = list_ring_weights(grid)
    rings = grid // 2 + 1
    every = {w for w in product(range(STEPS + 1), repeat=rings) if sum(w) == STEPS} if rings < 5 else set()
    assert len(weights) == n == len({*map(tuple, weights.tolist())})
    assert (weights >= 0).all()
    np.testing.assert_array_equal(weights.sum(axis=1), 1)
    if every:
        assert {tuple(w) for w in (weights * STEPS).astype(int).tolist()} == every
    np.testing.assert_array_equal(weights[0], np.eye(rings)[0])  # x₀ alone where nothing speaks for another
    np.testing.assert_array_equal(weights[-1], np.eye(rings)[-1])


def test_labels_by_ring_weights_are_those_of_a_plain_computation():
    log_p = noise(12, 5, 5, 4, spread=1)
    p, found = np.exp(log_p.astype(np.float64)), ring_labels(np.exp(log_p))
    for image in range(12):
        rings = [[], [], []]
        for row, column in np.ndindex(5, 5):
            rings[max(abs(row - 2), abs(column - 2))].append(p[image, row, column])
        assert [*map(len, rings)] == [1, 8, 16]
        for i, weights in enumerate(list_ring_weights(5)):
            mean = sum(w * np.mean(ring, axis=0) for w, ring in zip(weights, rings, strict=True))
            assert found[image, i] == mean.argmax(), (image, weights)


def scored(correct, fold):
    """Return the candidate chosen for each fold, and whether it is right on it."""
    candidate = cross_validate(correct, fold)
    outcomes = nulls.pooled_nulls({"a": ([], correct)}, {"a": candidate}, fold)
    return candidate.tolist(), outcomes["a"][0].tolist()


def test_a_candidate_is_chosen_on_the_other_folds_alone_by_hand():
    """Two folds of three images. Candidate 0 is right on fold 0, 1 on fold 1: each is scored where it is wrong."""
    correct = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0]], bool)
    assert scored(correct, np.array([0, 0, 0, 1, 1, 1])) == ([1, 0], [False] * 6)
    # Interleaved: of fold 0's others (images 1, 3, 5) candidate 0 has 1, 1 has 2; of the others' (0, 2, 4) 2 and 1.
    interleaved = scored(correct, np.array([0, 1, 0, 1, 0, 1]))
    assert interleaved == ([1, 0], [False, True, False, False, True, False])


def test_of_candidates_that_tie_the_first_is_taken_and_so_it_is_of_a_single_image():
    correct = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    assert cross_validate(correct, np.array([0, 1, 2])).tolist() == [0, 0, 0]
    assert scored(np.array([[False, True]]), np.zeros(1, int)) == ([0], [False])


@pytest.mark.parametrize(("n", "folds"), [(100, 10), (37, 10), (3, 10), (1, 2)])
def test_folds_are_as_nearly_as_can_be_of_one_size_and_seeded(n, folds):
    first, again, other = (draw_folds(np.arange(n), folds, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert n < 5 or (first != other).any()
    sizes = np.bincount(first)
    assert len(sizes) == min(folds, n)
    assert sizes.max() - sizes.min() <= 1


def test_all_cases_of_an_image_lie_in_one_fold():
    image = np.repeat(np.arange(20), 3)
    fold = draw_folds(image, 4, np.random.default_rng(0))
    assert all(len({*fold[image == i]}) == 1 for i in range(20))
    assert (np.bincount(fold) == 15).all()


def test_without_an_image_there_is_nothing_to_choose():
    fold = draw_folds(np.zeros(0, int), 10, np.random.default_rng(0))
    assert scored(np.zeros((0, 3), bool), fold) == ([0], [])


def test_a_choice_among_rules_that_know_nothing_is_not_favoured():
    """Of 60 rules that guess, the best is right in well over half of 200 images; the one chosen on others in half."""
    best, chosen = [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        correct = generator.random((200, 60)) < 0.5
        best.append(correct.mean(axis=0).max())
        chosen.append(np.mean(scored(correct, draw_folds(np.arange(200), 10, generator))[1]))
    assert np.mean(best) > 0.57
    assert np.mean(chosen) == pytest.approx(0.5, abs=0.03)  # three standard deviations


def maps_of(log_probability, top_label):
    """Label maps of which only what nulls read is there."""
    empty = np.zeros(log_probability.shape[:3], np.float32)
    ids = [str(i) for i in range(len(log_probability))]
    return LabelMaps(ids, log_probability, empty, top_label, empty, empty)


def test_cross_validated_nulls_are_those_of_a_plain_computation():
    log_p = noise(40, 7, 7, 5, spread=2)
    label = np.random.default_rng(1).integers(5, size=40)
    log_p[np.arange(40), :, :, label] += np.log(4)  # the views know something
    log_p -= np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
    read = nulls.read_probabilities([maps_of(log_p, log_p.argmax(axis=-1))], label, (label + 1) % 5)
    fold = draw_folds(np.arange(40), 4, np.random.default_rng(3))
    rules = {
        "mean_softmax_temperature": [*(temperature_labels(log_p) == label[:, None]).T],
        "ring_weights": [*(ring_labels(np.exp(log_p)) == label[:, None]).T],
    }
    candidates = nulls.pooled_candidates(read, RightLabels(label[:, None]))
    chosen = {null: cross_validate(correct, fold) for null, (_, correct) in candidates.items()}
    outcomes = nulls.pooled_nulls(candidates, chosen, fold)
    assert [*outcomes] == [*candidates] == [*rules]
    for null, (names, correct) in candidates.items():
        assert len(names) == correct.shape[1]
        expected = np.empty(40, bool)
        for f in range(4):
            best = max(range(len(rules[null])), key=lambda i: (rules[null][i][fold != f].sum(), -i))
            expected[fold == f] = rules[null][best][fold == f]
        np.testing.assert_array_equal(outcomes[null][0], expected, err_msg=null)
        assert len(chosen[null]) == 4
    assert candidates["mean_softmax_temperature"][0] == [*TEMPERATURES]
    assert all(sum(weights) == 1 for weights in candidates["ring_weights"][0])


def test_what_is_chosen_by_the_label_is_scored_by_acceptable_labels_too():
    """Of two views' temperatures the labels differ; the fold's candidate is the one that is right by k*."""
    log_p = noise(30, 5, 5, 6, spread=2)
    label = np.arange(30) % 6
    maps = maps_of(log_p, log_p.argmax(axis=-1))
    acceptable = RightLabels.of([np.array([k, (k + 1) % 6]).astype(np.int16) for k in label])
    read = nulls.read_probabilities([maps], label, (label + 1) % 6, acceptable)
    fold = draw_folds(np.arange(30), 3, np.random.default_rng(0))
    by_label, by_set = (
        nulls.pooled_candidates(read, right) for right in (RightLabels(label[:, None]), acceptable)
    )
    chosen = {null: cross_validate(correct, fold) for null, (_, correct) in by_label.items()}
    outcomes = nulls.pooled_nulls(by_set, chosen, fold)
    said = temperature_labels(log_p)[np.arange(30), chosen["mean_softmax_temperature"][fold]]
    expected = (said == label) | (said == (label + 1) % 6)
    np.testing.assert_array_equal(outcomes["mean_softmax_temperature"][0], expected)


@pytest.mark.parametrize(
    ("right", "best"),
    [
        (
            {"center": 2, "standard_crop": 3, "ten_crop": 1, "any_view": 4, "top_n": 4, "uniform": 4},
            "standard_crop",
        ),
        ({"center": 3, "standard_crop": 3, "mean_softmax": 3}, "center"),
        (
            {"center": 1, "ring_weights": 2, "mean_softmax_temperature": 2, "best_cell": 4},
            "mean_softmax_temperature",
        ),
        ({"center": 1, "five_crop": 2, "decoy_random": 4}, "five_crop"),
        ({"center": 0}, "center"),
    ],
)
def test_the_best_without_looking_knows_no_label_and_makes_no_saccade(right, best):
    outcomes = {name: (np.arange(4) < n,) for name, n in right.items()}
    assert nulls.best_without_looking(outcomes) == best


def test_an_image_has_no_say_in_the_rule_by_which_it_is_scored():
    """Another label of one image changes what is chosen for the others at most, and never its own fold's choice."""
    correct = np.random.default_rng(5).random((30, 4)) < 0.5
    fold = draw_folds(np.arange(30), 3, np.random.default_rng(6))
    for image in range(30):
        other = correct.copy()
        other[image] = ~other[image]
        own = fold[image]
        assert cross_validate(other, fold)[own] == cross_validate(correct, fold)[own]


def test_five_crop_and_ten_crop_are_the_means_of_their_probabilities():
    standard, crops = noise(9, 1, 1, 6, spread=1), noise(9, 3, 3, 6, seed=1, spread=1)
    blocks = [slice(0, 4), slice(4, 9)]
    five, ten = crop_labels(
        [maps_of(standard[b], np.zeros((9, 1, 1), int)) for b in blocks],
        [maps_of(crops[b], np.zeros((9, 3, 3), int)) for b in blocks],
    )
    assert np.flatnonzero(CORNERS).tolist() == [0, 2, 6, 8]
    for image in range(9):
        corners = [np.exp(crops[image, row, column]) for row in (0, 2) for column in (0, 2)]
        assert five[image] == np.mean([np.exp(standard[image, 0, 0]), *corners], axis=0).argmax()
        every = [np.exp(standard[image, 0, 0]), *np.exp(crops[image]).reshape(9, 6)]
        assert ten[image] == np.mean(every, axis=0).argmax()
    assert (five != ten).any()


def test_what_is_pooled_does_not_depend_on_the_blocks():
    log_p = noise(20, 5, 5, 4, spread=1)
    label = np.arange(20) % 4
    whole = maps_of(log_p, log_p.argmax(axis=-1))
    names = ("image", "log_probability", "log_sum_exp", "top_label", "centre", "extent")
    parts = [
        replace(whole, **{name: getattr(whole, name)[start : start + 7] for name in names})
        for start in (0, 7, 14)
    ]
    one, three = (nulls.read_probabilities(blocks, label, (label + 1) % 4) for blocks in ([whole], parts))
    for name in ("label_at_temperature", "label_by_rings"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
