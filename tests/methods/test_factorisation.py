"""Factors against numbers worked out by hand, numpy's singular value decomposition and scikit-learn's NMF."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from labelmaps.methods._factorisation import factorise, improve, leading_vector, nonnegative_parts

KS = [1, 2, 3, 5]


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def parts(n=3, rows=80, columns=49, k=3, seed=0):
    """Non-negative matrices of rank k: each part has a row and a column to itself, and shares the others."""
    w, h = uniform(n, rows, k, seed=seed), uniform(n, k, columns, seed=seed + 1)
    w, h = w * (w > 0.5), h * (h > 0.5)
    w[:, :k], h[:, :, :k] = torch.eye(k), torch.eye(k)
    return w @ h


def features(n=6, rows=64, side=7, seed=0):
    """As a block's activations: smooth bumps, some for each channel, and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    bumps = [
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4) for cy, cx in random.uniform(0, side - 1, (n * 8, 2))
    ]
    bumps = np.reshape(bumps, (n, 8, side**2))
    loads = random.exponential(1, (n, rows, 8)) * (random.random((n, rows, 8)) < 0.4)
    return torch.tensor(loads @ bumps + random.uniform(0, 0.05, (n, rows, side**2)), dtype=torch.float32)


def relative_error(matrix, w, h):
    return (matrix - w @ h).norm(dim=(1, 2)) / matrix.norm(dim=(1, 2))


def nmf(matrix, k):
    """Squared error of scikit-learn's factors of one matrix, found as the grad-cam package has it."""
    model = NMF(n_components=k, init="random", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        w = model.fit_transform(matrix)
    return ((matrix - w @ model.components_) ** 2).sum()


# The leading singular vector


def test_the_leading_vector_by_hand():
    """Of a product a·bᵀ: b; of a diagonal matrix: the axis of its largest entry; of (3 1, 1 3): the diagonal."""
    vectors = leading_vector(
        torch.tensor([[[2.0, 4.0], [3.0, 6.0]], [[1.0, 0.0], [0.0, -5.0]], [[3.0, 1.0], [1.0, 3.0]]])
    )
    expected = torch.tensor([[1, 2], [0, 1], [1, 1]]) / torch.tensor([5, 1, 2]).sqrt()[:, None]
    torch.testing.assert_close(vectors.abs(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(512, 49), (49, 49), (5, 49), (1, 6), (7, 1)])
def test_the_leading_vector_equals_numpys(rows, columns):
    matrix = uniform(4, rows, columns) - 0.3
    vector = leading_vector(matrix)
    assert vector.shape == (4, columns)
    expected = torch.from_numpy(np.linalg.svd(matrix.double().numpy())[2][:, 0])
    agreement = (vector.double() * expected).sum(dim=1).abs()
    torch.testing.assert_close(agreement, torch.ones(4, dtype=torch.float64), rtol=1e-5, atol=0)


def test_the_leading_vector_of_a_centred_matrix_sums_to_0_over_positions():
    matrix = features()
    centred = matrix - matrix.mean(dim=2, keepdim=True)
    vector = leading_vector(centred)
    torch.testing.assert_close(vector.sum(dim=1), torch.zeros(6), rtol=0, atol=1e-5)
    expected = torch.from_numpy(np.linalg.svd(centred.double().numpy())[2][:, 0])
    torch.testing.assert_close(
        (vector.double() * expected).sum(dim=1).abs(), torch.ones(6, dtype=torch.float64), rtol=1e-5, atol=0
    )


def test_the_leading_vectors_largest_entry_is_positive():
    vector = leading_vector(torch.cat([uniform(8, 30, 9) - 0.5, 0.5 - uniform(8, 30, 9)]))
    largest = vector.abs().argmax(dim=1, keepdim=True)
    assert (vector < 0).any(dim=1).all()
    assert (vector.gather(1, largest) > 0).all()


@pytest.mark.parametrize("scale", [1e-10, 1e-4, 1e4, 1e10])
def test_the_leading_vector_does_not_depend_on_the_scale(scale):
    matrix = uniform(4, 30, 9) - 0.3
    torch.testing.assert_close(leading_vector(matrix * scale), leading_vector(matrix), rtol=1e-4, atol=1e-5)


def test_the_leading_vector_of_a_narrow_lead_is_found():
    """Singular values 1 and 0.99: 1024 steps of power iteration leave 0.99^2048 < 10⁻⁸ of the second."""
    axes, _ = torch.linalg.qr(uniform(9, 9))
    matrix = axes @ torch.diag(torch.tensor([0.99, 1, *[0.5] * 7])) @ axes.T
    torch.testing.assert_close(leading_vector(matrix[None])[0].abs(), axes[:, 1].abs(), rtol=1e-3, atol=1e-4)


# Factors


@pytest.mark.parametrize("k", [1, 2])
def test_a_product_of_two_vectors_by_hand(k):
    """(1, 2, 0)ᵀ · (3, 0, 4, 0): found as it is, its parts of whatever scale."""
    matrix = torch.tensor([[[3.0, 0, 4, 0], [6, 0, 8, 0], [0, 0, 0, 0]]])
    w, h = factorise(matrix, k)
    assert (w.shape, h.shape) == ((1, 3, k), (1, k, 4))
    torch.testing.assert_close(w @ h, matrix, rtol=1e-5, atol=1e-5)
    strongest = (w.norm(dim=1) * h.norm(dim=2)).argmax()
    torch.testing.assert_close(h[0, strongest] / h[0, strongest].max(), torch.tensor([0.75, 0, 1, 0]))
    torch.testing.assert_close(w[0, :, strongest] / w[0, :, strongest].max(), torch.tensor([0.5, 1, 0]))


def test_one_component_by_hand():
    """(2 1, 1 2) has the leading pair 3, (1, 1)/√2: the nearest matrix of rank 1 is 3/2 everywhere."""
    w, h = factorise(torch.tensor([[[2.0, 1], [1, 2]]]), 1)
    torch.testing.assert_close(w @ h, torch.full((1, 2, 2), 1.5))
    torch.testing.assert_close(h, torch.full((1, 1, 2), 0.5).sqrt())
    torch.testing.assert_close(w, torch.full((1, 2, 1), 3 / 2**0.5))


def test_blocks_are_told_apart_by_hand():
    """Two blocks without a common row or column: each is one component, the heavier first."""
    matrix = torch.zeros(1, 5, 6)
    matrix[0, :2, :2] = torch.tensor([[1.0, 2], [2, 4]])
    matrix[0, 2:, 3:] = torch.tensor([[6.0, 3, 0], [6, 3, 0], [2, 1, 0]])
    w, h = factorise(matrix, 2)
    torch.testing.assert_close(w @ h, matrix, rtol=1e-5, atol=1e-5)
    expected = torch.tensor([[0, 0, 0, 1, 0.5, 0], [0.5, 1, 0, 0, 0, 0]])
    torch.testing.assert_close((h / h.amax(dim=2, keepdim=True))[0], expected)
    expected = torch.tensor([[0, 0, 1, 1, 1 / 3], [0.5, 1, 0, 0, 0]]).T
    torch.testing.assert_close((w / w.amax(dim=1, keepdim=True))[0], expected)


def test_one_component_equals_numpys_leading_pair():
    matrix = features()
    w, h = factorise(matrix, 1)
    left, values, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    np.testing.assert_allclose(h[:, 0], abs(right[:, 0]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(w[:, :, 0], values[:, :1] * abs(left[:, :, 0]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("k", KS)
def test_factors_are_non_negative_and_finite(k):
    for matrix in (features(), parts(), uniform(2, 4, 9), uniform(2, 60, 5)):
        for factor in factorise(matrix, k):
            assert (factor >= 0).all()
            assert factor.isfinite().all()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_matrices_of_k_separate_parts_are_factorised_exactly(k):
    matrix = parts(k=k)
    w, h = factorise(matrix, k)
    assert (w.shape, h.shape) == ((3, 80, k), (3, k, 49))
    assert (relative_error(matrix, w, h) < 1e-3).all()


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_error_is_as_small_as_scikit_learns(k):
    """Both find local optima: all matrices together are as near."""
    matrix = features(n=12)
    w, h = factorise(matrix, k)
    ours = ((matrix - w @ h) ** 2).sum().item()
    assert ours < 1.01 * sum(nmf(one, k) for one in matrix.numpy())


def test_one_component_has_no_larger_error_than_scikit_learns():
    matrix = features(n=4)
    w, h = factorise(matrix, 1)
    ours = ((matrix - w @ h) ** 2).sum(dim=(1, 2)).numpy()
    np.testing.assert_allclose(ours, [nmf(one, 1) for one in matrix.numpy()], rtol=1e-3)


def test_more_components_leave_a_smaller_error():
    errors = torch.stack([relative_error(features(), *factorise(features(), k)) for k in range(1, 9)])
    assert (errors.diff(dim=0) < 0).all()


@pytest.mark.parametrize("k", KS)
def test_no_factor_can_be_improved_alone(k):
    """At an optimum the gradient is 0 where a factor is positive, and positive where it is 0; for both factors."""
    matrix = parts(k=k) + 0.1 * uniform(3, 80, 49, seed=7)
    w, h = (factor.double() for factor in factorise(matrix, k))
    rest = w @ h - matrix.double()
    for factor, gradient in ((h, w.mT @ rest), (w, rest @ h.mT)):
        scale = 0.02 * (w.mT @ matrix.double() if factor is h else matrix.double() @ h.mT).abs().amax()
        assert (gradient.minimum(factor).abs() < scale).all()


@pytest.mark.parametrize("k", KS)
def test_a_zero_matrix_has_zero_factors(k):
    matrix = features(n=3)
    matrix[1] = 0
    for factor, alone in zip(factorise(matrix, k), factorise(matrix[::2], k), strict=True):
        assert (factor[1] == 0).all()
        torch.testing.assert_close(factor[::2], alone, rtol=1e-3, atol=1e-3)
    assert (leading_vector(matrix)[1] == 0).all()


@pytest.mark.parametrize("k", KS)
def test_a_matrix_does_not_depend_on_those_beside_it(k):
    matrix = features()
    alone = factorise(matrix[2:3], k)
    beside = torch.stack([1000 * matrix[0], 0 * matrix[1], matrix[2], 0.001 * matrix[3]])
    for one, factor in zip(alone, factorise(beside, k), strict=True):
        torch.testing.assert_close(factor[2:3], one, rtol=1e-3, atol=1e-4 * one.max().item())


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("scale", [1e-5, 1e5])
def test_the_scale_of_a_matrix_changes_that_of_its_factors_alone(k, scale):
    product = torch.matmul(*factorise(features(), k))
    scaled = torch.matmul(*factorise(features() * scale, k))
    torch.testing.assert_close(scaled / scale, product, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("k", KS)
def test_reordering_rows_and_columns_reorders_the_factors(k):
    matrix = features()
    random = torch.Generator().manual_seed(3)
    rows, columns = torch.randperm(64, generator=random), torch.randperm(49, generator=random)
    w, h = factorise(matrix, k)
    moved_w, moved_h = factorise(matrix[:, rows][:, :, columns], k)
    torch.testing.assert_close(moved_w, w[:, rows], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(moved_h, h[:, :, columns], rtol=1e-3, atol=1e-3)


def test_a_matrix_of_fewer_columns_than_components_gives_as_many_as_it_has():
    matrix = uniform(3, 80, 4)
    w, h = factorise(matrix, 8)
    assert (w.shape, h.shape) == ((3, 80, 4), (3, 4, 4))
    assert (relative_error(matrix, w, h) < 0.05).all()


@pytest.mark.parametrize("k", [1, 3])
def test_the_matrix_is_left_as_it_was(k):
    matrix = features()
    factorise(matrix, k)
    leading_vector(matrix)
    assert torch.equal(matrix, features())


# Their start and their steps


def test_the_first_part_is_the_leading_pair_and_the_next_its_heavier_sides_by_hand():
    """(2 1, 1 2): pairs 3, (1, 1)/√2 and 1, (1, −1)/√2; the sides of the second weigh the same, 1/2."""
    w, h = nonnegative_parts(torch.tensor([[[2.0, 1], [1, 2]]]), 2)
    torch.testing.assert_close(w[0, :, 0], torch.full((2,), 1.5).sqrt())
    torch.testing.assert_close(h[0, 0], torch.full((2,), 1.5).sqrt())
    torch.testing.assert_close(w[0, :, 1].sort()[0], torch.tensor([0, 0.5**0.5]))
    torch.testing.assert_close(w[0, :, 1], h[0, 1])


def test_the_start_is_the_heavier_side_of_each_of_numpys_pairs():
    matrix = features()
    for one, w, h in zip(matrix.double().numpy(), *nonnegative_parts(matrix, 4), strict=True):
        left, values, right = np.linalg.svd(one, full_matrices=False)
        for j in range(4):
            sides = [np.outer(*(np.maximum(s * v, 0) for v in (left[:, j], right[j]))) for s in (1, -1)]
            heavier = max(sides, key=np.linalg.norm)
            np.testing.assert_allclose(np.outer(w[:, j], h[j]), values[j] * heavier, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(w[:, j].norm(), h[j].norm(), rtol=1e-5)


def test_one_component_is_improved_to_the_least_squares_solution_by_hand():
    """W = (1, 2)ᵀ: h = WᵀM / WᵀW = (1·5 + 2·5, 1·−5 + 2·0)/5 = (3, −1), and −1 is cut."""
    w, matrix = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[5.0, -5.0], [5.0, 0.0]]])
    before = torch.tensor([[[7.0, 7.0]]])
    h = improve(before, w.mT @ matrix, w.mT @ w)
    torch.testing.assert_close(h, torch.tensor([[[3.0, 0.0]]]))
    assert before.tolist() == [[[7, 7]]]


def test_improving_never_makes_the_error_larger():
    matrix = features()
    w, h = uniform(6, 64, 3), uniform(6, 3, 49, seed=1)
    before, start = relative_error(matrix, w, h), h.clone()
    for _ in range(5):
        better = improve(h, w.mT @ matrix, w.mT @ w)
        after = relative_error(matrix, w, better)
        assert (after <= before + 1e-6).all()
        h, before = better, after
    assert (relative_error(matrix, w, start) > after).all()
