"""Consensus against numbers worked out by hand, and against its equation, label by label, in float64."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from helpers.logits import label_maps, random_logits
from labelmaps.methods import consensus

# Ring 1 is four views A and four views B; the mean of both is (0.2, 0.35, 0.45).
X0, A, B, OUTER = (0.6, 0.35, 0.05), (0.3, 0.66, 0.04), (0.1, 0.04, 0.86), (0.01, 0.01, 0.98)


def saliency(logits):
    return consensus.saliency(label_maps(logits), None)


@pytest.fixture
def by_hand():
    """Label 0 wins at x₀, in the mean over rings and in the product of all inner views; label 2 in the mean over the inner
    views, and where the outer ring votes. Label 1 wins only the product over rings of their means: 0.6 × 0.2, 0.35 × 0.35
    and 0.05 × 0.45 are 0.12, 0.1225 and 0.0225."""
    probability = np.tile(OUTER, (1, 5, 5, 1))
    probability[0, 1, 1:4] = A
    probability[0, 2, 1], probability[0, 2, 3] = A, B
    probability[0, 3, 1:4] = B
    probability[0, 2, 2] = X0
    probability[0, 4, 0] = 0.05, 0.9, 0.05
    return np.log(probability)


def test_consensus_by_hand(by_hand):
    result, label = saliency(by_hand)
    assert label.tolist() == [1]
    expected = [
        [0.01, 0.01, 0.01, 0.01, 0.01],
        [0.01, 0.66, 0.66, 0.66, 0.01],
        [0.01, 0.66, 0.35, 0.04, 0.01],
        [0.01, 0.04, 0.04, 0.04, 0.01],
        [0.90, 0.01, 0.01, 0.01, 0.01],
    ]
    np.testing.assert_allclose(result[0], np.log(expected), rtol=1e-5)


@pytest.mark.parametrize("grid", [5, 7, 9])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_consensus_equals_its_equation(grid, scale):
    logits = random_logits(n=30, grid=grid, n_labels=5, scale=scale)
    result, label = saliency(logits)
    centre = grid // 2
    for image, p in enumerate(softmax(logits, axis=-1)):
        product = np.ones(5)
        for r in range(centre):
            rows = range(centre - r, centre + r + 1)
            ring = [p[i, j] for i in rows for j in rows if r in (abs(i - centre), abs(j - centre))]
            assert len(ring) == max(8 * r, 1)
            product *= np.mean(ring, axis=0)
        assert label[image] == product.argmax()
    expected = [log_p[:, :, k] for log_p, k in zip(log_softmax(logits, axis=-1), label, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("grid", [1, 3])
def test_x0_decides_where_no_ring_but_the_outermost_surrounds_it(grid):
    logits = random_logits(n=20, grid=grid)
    result, label = saliency(logits)
    np.testing.assert_array_equal(label, logits[:, grid // 2, grid // 2].argmax(axis=-1))
    assert result.shape == (20, grid, grid)


def test_the_outer_ring_has_no_vote_but_may_be_selected():
    logits = random_logits(n=20)
    _, before = saliency(logits)
    logits[:, 0], logits[:, -1, 2] = random_logits(n=20, seed=1)[:, 0], 0
    logits[np.arange(20), 3, 4, before] += 100
    result, after = saliency(logits)
    np.testing.assert_array_equal(after, before)
    assert (result.reshape(20, -1).argmax(axis=1) == 3 * 5 + 4).all()


def test_renaming_the_labels_renames_the_consensus_and_moves_nothing():
    logits = random_logits(n=20)
    order = np.array([3, 0, 5, 1, 4, 2])  # new label j was order[j]
    (result, label), (renamed, new_label) = saliency(logits), saliency(logits[..., order])
    np.testing.assert_array_equal(order[new_label], label)
    np.testing.assert_allclose(renamed, result, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("turn", [np.flip, np.rot90, lambda x, axes: x.swapaxes(*axes)])
def test_turning_the_grid_turns_the_map(turn):
    logits = random_logits(n=20)
    axes = {"axis": (1, 2)} if turn is np.flip else {"axes": (1, 2)}
    (result, label), (turned, same) = saliency(logits), saliency(turn(logits, **axes))
    np.testing.assert_array_equal(same, label)
    np.testing.assert_allclose(turned, turn(result, **axes), rtol=1e-6)


def test_a_constant_added_to_a_views_logits_changes_nothing():
    logits = random_logits(n=20)
    shift = np.random.default_rng(2).normal(0, 5, logits.shape[:3])
    (result, label), (shifted, same) = saliency(logits), saliency(logits + shift[..., None])
    np.testing.assert_array_equal(same, label)
    np.testing.assert_allclose(shifted, result, atol=1e-4)


def test_an_images_consensus_does_not_depend_on_its_block():
    logits = random_logits(n=6)
    whole = saliency(logits)
    blocks = [saliency(logits[:4]), saliency(logits[4:]), saliency(logits[:0])]
    for part, joined in zip(zip(*blocks, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(part), joined)


def test_labels_that_views_find_impossible_are_still_compared():
    logits = np.zeros((1, 5, 5, 3))
    logits[0, 1:4, 1:4] = -5000, 0, -3000
    # Together −5000, −2000, −6000: as probabilities, all three underflow.
    logits[0, 2, 2] = 0, -2000, -3000
    result, label = saliency(logits)
    assert label.tolist() == [1]
    assert np.isfinite(result).all()


def test_consensus_is_not_told_the_label():
    assert (consensus.INPUT, consensus.CUE) == ("label maps", "uncued")
