"""Pooling: the label that several views give together, without a saccade, by rules that are fitted by cross-validation.

A rule has candidates, such as the temperatures of a softmax. Images are divided into folds at random, with all cases of an
image in one fold. For each fold, the candidate that is right in most cases of all other folds is scored
(`cross_validate`). So no image influences the rule by which it is scored, and the accuracy is not biased by the choice.
"""

from collections.abc import Iterable
from itertools import combinations_with_replacement

import numpy as np

from labelmaps.resampling.crops import CORNERS
from labelmaps.storage.label_map_file import LabelMaps

# Powers of 2, so that each power p^(1/T) is the square of another. In a tie the first is chosen.
TEMPERATURES = (1, 2, 0.5, 4, 8)
STEPS = 4  # the weights of rings are multiples of a quarter


def inner_views(views: np.ndarray) -> np.ndarray:
    """Return the views without the grid's outer ring, or all if the grid has no inner part.

    views: (image, row, column, …).
    """
    ring = 1 if min(views.shape[1:3]) > 2 else 0
    return views[:, ring : views.shape[1] - ring, ring : views.shape[2] - ring]


def temperature_labels(log_probability: np.ndarray) -> np.ndarray:
    """Find the label with the highest mean of softmax(log p(k|x_u) / T) over the inner views, (image, temperature).

    log_probability: (image, row, column, label), float32, in nats. The temperatures T are those of `TEMPERATURES`.
    """
    inner = inner_views(log_probability)
    power = np.exp(inner.reshape(len(inner), -1, inner.shape[-1]) / max(TEMPERATURES))
    labels = np.empty((len(inner), len(TEMPERATURES)), np.int64)
    for temperature in sorted(TEMPERATURES, reverse=True):
        weight = 1 / power.sum(axis=2, keepdims=True)  # normalises each view
        mean = (weight.transpose(0, 2, 1) @ power)[:, 0]
        labels[:, TEMPERATURES.index(temperature)] = mean.argmax(axis=1)
        np.square(power, out=power)
    return labels


def list_ring_weights(grid: int) -> np.ndarray:
    """List the candidates of `ring_weights`, (candidate, ring): non-negative multiples of 1 / `STEPS` with a sum of 1.

    grid: the number of rows, and of columns. Rings are counted from x₀, which is the first. The candidates with most weight
    near x₀ come first.
    """
    rings = grid // 2 + 1
    chosen = combinations_with_replacement(range(rings), STEPS)
    return np.array([np.bincount(steps, minlength=rings) for steps in chosen], np.float32) / STEPS


def ring_labels(probability: np.ndarray) -> np.ndarray:
    """Find the label with the highest weighted mean over rings of the ring's mean p(k|x_u), (image, candidate).

    probability: (image, row, column, label). Candidates are those of `list_ring_weights`.
    """
    n, grid, _, n_labels = probability.shape
    offset = abs(np.arange(grid) - grid // 2)
    ring = np.maximum(offset[:, None], offset).ravel()
    member = (ring == np.arange(grid // 2 + 1)[:, None]).astype(np.float32)
    means = (member / member.sum(axis=1, keepdims=True)) @ probability.reshape(n, -1, n_labels)
    weights = list_ring_weights(grid)
    labels = np.empty((n, len(weights)), np.int64)
    for i, mean in enumerate(means):  # one by one to save memory: a large grid has a thousand candidates
        labels[i] = (weights @ mean).argmax(axis=1)
    return labels


def crop_labels(standard: Iterable[LabelMaps], others: Iterable[LabelMaps]) -> tuple[np.ndarray, np.ndarray]:
    """Find the labels of five-crop and of ten-crop, those with the highest mean p(k) over the crops; two arrays (image,).

    standard: the label maps of the standard crop, a grid of 1 × 1, in blocks. others: those of the view `ten_crop`, the nine
    other crops as 3 × 3, in blocks of the same size, of the same images in the same order.
    """
    five, ten = [], []
    for central, crops in zip(standard, others, strict=True):
        middle, p = np.exp(central.log_probability[:, 0, 0]), np.exp(crops.log_probability)
        corners = middle + p[:, CORNERS].sum(axis=1)
        five.append(corners.argmax(axis=1))
        ten.append((corners + p[:, ~CORNERS].sum(axis=1)).argmax(axis=1))
    return np.concatenate(five), np.concatenate(ten)


def draw_folds(image: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Divide images at random into folds of (nearly) the same size; return the fold of each case, (case,).

    image: (case,), a number of the image of each case. folds: the number of folds; each image is one if there are fewer
    images.
    """
    _, number = np.unique(image, return_inverse=True)
    n = number.max(initial=-1) + 1
    return (generator.permutation(n) % min(folds, max(n, 1)))[number]


def cross_validate(correct: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Choose for each fold the candidate that is right in most cases of the other folds, (fold,); in a tie the first.

    correct: (case, candidate), boolean. fold: (case,), as from `draw_folds`. For a single fold it is the first candidate.
    """
    by_fold = np.zeros((fold.max(initial=0) + 1, correct.shape[1]), np.int64)
    np.add.at(by_fold, fold, correct)
    return (by_fold.sum(axis=0) - by_fold).argmax(axis=1)
