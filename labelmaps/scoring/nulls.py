"""Nulls: the accuracy and the hits in the Pointing Game that are reached without knowing where to look.

The outcomes of a null, by its name in `labelmaps.scoring.null_names`, are up to three arrays (image,): the expected
correctness, the expected hit, and whether the top label is the decoy. A null that has no hits or no decoy has fewer.
`nulls_table` makes a table of all outcomes, with one row per null and image:

null            the name of the null
image           the id of the image
correct_before  whether the top label at x₀ is k*
correct_after   expected correctness, 0 to 1, of the view after the null's saccade, or of the label that the null gives
hit             expected hit in the Pointing Game, 0 to 1; NaN where the image has no box or the null selects no point
said_decoy      whether the top label of the view after the null's saccade is the decoy, 0 or 1; NaN for nulls without decoy

Where the data set has acceptable labels, `add_acceptable` adds correct_before_acceptable and correct_after_acceptable: the
same by these labels, NaN for an image without any.

Log-probabilities are read one block of images at a time (`read_probabilities`); the rest is done for all images at once.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from labelmaps.methods import likelihood
from labelmaps.scoring.fixations import find_fixations
from labelmaps.scoring.null_names import LIKELIHOOD_SET, POOLED
from labelmaps.scoring.pooling import (
    TEMPERATURES,
    inner_views,
    list_ring_weights,
    ring_labels,
    temperature_labels,
)
from labelmaps.scoring.right_labels import AFTER, BEFORE, RightLabels
from labelmaps.storage.label_map_file import LabelMaps

Outcomes = dict[str, tuple[np.ndarray, ...]]
# Null → its candidates, and whether the label that each gives is right, (image, candidate).
Candidates = dict[str, tuple[list, np.ndarray]]


def view_nulls(correct: np.ndarray, hit: np.ndarray, generator: np.random.Generator) -> Outcomes:
    """Compute the outcomes of the nulls that depend only on which views are right and which fixations hit.

    correct: (image, row, column), whether the top label of the view is k*.
    hit: (image, row, column), whether the fixation is in a box: 1, 0, or NaN where the image has no box.
    generator: for the null `random`.

    uniform: the mean over all views, which is the exact expectation of a random fixation.
    random: one random view per image.
    best_cell: the cell that is right for most images; for `hit`, the cell that hits in most images; in a tie the lowest
        index. The cell is chosen on the images on which it is scored, so this is an upper bound for a fixed gaze.
    any_view: whether any view is right, the upper bound of every method; whether any fixation is in a box, the ceiling of
        the grid.
    """
    n, rows, columns = correct.shape
    correct, hit = correct.reshape(n, rows * columns), hit.reshape(n, rows * columns)
    random_view = np.arange(n), generator.integers(rows * columns, size=n)
    best, best_hit = correct.sum(axis=0).argmax(), np.nansum(hit, axis=0).argmax()
    return {
        "uniform": (correct.mean(axis=1), hit.mean(axis=1)),
        "random": (correct[random_view], hit[random_view]),
        "best_cell": (correct[:, best], hit[:, best_hit]),
        "any_view": (correct.max(axis=1), hit.max(axis=1)),
    }


class SetProbabilities(NamedTuple):
    """Quantities of several images that depend on the probabilities of their acceptable labels.

    likelihood: (image, row, column), the log-probability that the label is any of them, in nats.
    rank: (image,), the rank at x₀ of the best of them there, as from `initial_rank`.
    """

    likelihood: np.ndarray
    rank: np.ndarray


class Probabilities(NamedTuple):
    """Quantities of several images that the nulls need and that depend on the probabilities of all labels.

    likelihood, second_likelihood, random_likelihood: (image, row, column), log p(k|x_u) of k*, of the best other label at
        x₀, and of a random label, in nats.
    second: (image,), the best other label at x₀, as from `best_other_label`.
    rank: (image,), the rank of k* at x₀, as from `initial_rank`.
    mean_label, inner_mean_label: (image,), the label with the highest mean of p(k|x_u) over all views, and over all views
        but the outer ring of the grid (or over all, in a grid without an inner part).
    label_at_temperature, label_by_rings: (image, candidate), the label of each candidate of `labelmaps.scoring.pooling`.
    of_set: the quantities of the acceptable labels; None without such labels.
    """

    likelihood: np.ndarray
    second_likelihood: np.ndarray
    random_likelihood: np.ndarray
    second: np.ndarray
    rank: np.ndarray
    mean_label: np.ndarray
    inner_mean_label: np.ndarray
    label_at_temperature: np.ndarray
    label_by_rings: np.ndarray
    of_set: SetProbabilities | None


def read_probabilities(
    blocks: Iterable[LabelMaps],
    label: np.ndarray,
    random_label: np.ndarray,
    acceptable: RightLabels | None = None,
) -> Probabilities:
    """Read, block by block, the quantities of all images that the nulls need.

    blocks: the label maps of all images, in order.
    label: (image,), k*. random_label: (image,), as from `draw_other_label`. acceptable: the acceptable labels of all images.
    """
    block_probabilities, block_sets, stop = [], [], 0
    for maps in blocks:
        rows = slice(stop, stop + len(maps.image))
        stop = rows.stop
        block_probabilities.append(_compute_probabilities(maps, label[rows], random_label[rows]))
        if acceptable is not None:
            block_sets.append(_compute_set_probabilities(maps, acceptable[rows]))
    of_labels = map(np.concatenate, zip(*block_probabilities, strict=True))
    of_set = SetProbabilities(*map(np.concatenate, zip(*block_sets, strict=True))) if block_sets else None
    return Probabilities(*of_labels, of_set=of_set)


def _compute_probabilities(
    maps: LabelMaps, label: np.ndarray, random_label: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Compute the quantities of one block of images, in the order of `Probabilities`, without `of_set`.

    label, random_label: (image,), as for `read_probabilities`.
    """
    p = np.exp(maps.log_probability)
    second = best_other_label(maps, label)
    return (
        *(likelihood.saliency(maps, k) for k in (label, second, random_label)),
        second,
        initial_rank(maps, label),
        *(views.sum(axis=(1, 2)).argmax(axis=1) for views in (p, inner_views(p))),
        temperature_labels(maps.log_probability),
        ring_labels(p),
    )


def _compute_set_probabilities(maps: LabelMaps, acceptable: RightLabels) -> SetProbabilities:
    """Compute the quantities of the acceptable labels for one block of images."""
    initial = maps.log_probability[:, *maps.initial], maps.top_label[:, *maps.initial]
    rank = initial_rank(maps, acceptable.find_best(*initial))
    return SetProbabilities(acceptable.log_likelihood(maps.log_probability), rank)


def label_nulls(
    probabilities: Probabilities,
    label: np.ndarray,
    random_label: np.ndarray,
    top_label: np.ndarray,
    centre: np.ndarray,
    hit: np.ndarray,
    acceptable: RightLabels | None = None,
) -> Outcomes:
    """Compute the outcomes of the nulls that depend on the probabilities of all labels.

    probabilities: as from `read_probabilities`; label, random_label: as for it.
    top_label: (image, row, column). centre: (image, row, column, 2), x, y in original pixels. hit: as for `view_nulls`.
    acceptable: if given, an outcome is correct if the label is one of these; cues and decoys still follow from k*.

    decoy_second, decoy_random: the saccade of the method `likelihood` with a wrong label, the decoy, as its cue: the best
        other label at x₀, or a random one.
    top_n: no saccade; whether k* is among the n best labels at x₀, where n is the number of distinct top labels of the views
        of the image.
    mean_softmax, mean_softmax_inner: no saccade; whether k* has the highest mean of p(k|x_u) over all views, or over all but
        the outer ring of the grid.
    likelihood_set: only with acceptable labels: the saccade of the method `likelihood` with all of them as its cue, to the
        view in which their probabilities have the largest sum.
    """
    is_right, rank, of_set = (lambda given: given == label), probabilities.rank, probabilities.of_set
    if acceptable is not None:
        assert of_set is not None  # the probabilities were read with the acceptable labels
        is_right, rank = acceptable.contain, of_set.rank

    def after(saliency: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fixation = find_fixations(saliency, centre, centre)
        view = np.arange(len(label)), fixation["row"], fixation["column"]
        return top_label[view], hit[view]

    def after_decoy(saliency: np.ndarray, decoy: np.ndarray) -> tuple[np.ndarray, ...]:
        label_after, hit_after = after(saliency)
        return is_right(label_after), hit_after, label_after == decoy

    outcomes: Outcomes = {
        "decoy_second": after_decoy(probabilities.second_likelihood, probabilities.second),
        "decoy_random": after_decoy(probabilities.random_likelihood, random_label),
        "top_n": (rank < _count_distinct(top_label),),
        "mean_softmax": (is_right(probabilities.mean_label),),
        "mean_softmax_inner": (is_right(probabilities.inner_mean_label),),
    }
    if of_set is not None:
        label_after, hit_after = after(of_set.likelihood)
        outcomes[LIKELIHOOD_SET] = is_right(label_after), hit_after
    return outcomes


def pooled_candidates(probabilities: Probabilities, right: RightLabels) -> Candidates:
    """Score every candidate of the nulls whose candidate is chosen by cross-validation.

    probabilities: as from `read_probabilities`. right: the labels that are right.

    mean_softmax_temperature: no saccade; the label with the highest mean of softmax(log p(k|x_u) / T) over the inner views;
        T is chosen.
    ring_weights: no saccade; the label with the highest weighted mean of the rings' means of p(k|x_u); the weights, not
        negative, are chosen.

    Returns null → (candidates, whether each is right, (image, candidate)).
    """
    weights = list_ring_weights(probabilities.likelihood.shape[1]).tolist()
    return {
        "mean_softmax_temperature": (list(TEMPERATURES), right.contain(probabilities.label_at_temperature)),
        "ring_weights": (weights, right.contain(probabilities.label_by_rings)),
    }


def best_without_looking(outcomes: Outcomes) -> str:
    """Return the name of the best null without saccade and label, x₀ ("center") included: the null `not_looking`.

    outcomes: null → outcomes, also of "center". The nulls of `labelmaps.scoring.null_names.POOLED` that it has are compared.

    The list is fixed beforehand, but which of it is best is decided on the images on which it is scored. That favours it, so
    that gains over it are underestimated rather than overestimated. (By cross-validation, rules that are nearly as good as
    each other change from fold to fold, mostly for the worse: gains would look too large.) In a tie the first is taken.
    """
    return max(filter(outcomes.__contains__, ("center", *POOLED)), key=lambda name: outcomes[name][0].sum())


def pooled_nulls(candidates: Candidates, chosen: Mapping[str, np.ndarray], fold: np.ndarray) -> Outcomes:
    """Compute the outcomes of the nulls for which a candidate is chosen per fold.

    candidates: as from `pooled_candidates`. chosen: null → the index of the candidate, (fold,), as from
        `labelmaps.scoring.pooling.cross_validate`. fold: (image,).
    """
    image = np.arange(len(fold))
    return {null: (correct[image, chosen[null][fold]],) for null, (_, correct) in candidates.items()}


def nulls_table(image: list[str], correct_before: np.ndarray, outcomes: Outcomes) -> pd.DataFrame:
    """Make the table of the outcomes of nulls that the module's docstring describes.

    image: the ids. correct_before: (image,), whether the top label at x₀ is k*. outcomes: null → outcomes.
    """
    n = len(image)
    numbers = np.full((3, len(outcomes), n), np.nan)
    for i, arrays in enumerate(outcomes.values()):
        numbers[: len(arrays), i] = arrays
    correct_after, hit, said_decoy = numbers.reshape(3, -1)
    return pd.DataFrame(
        {
            "null": np.repeat(list(outcomes), n),
            "image": image * len(outcomes),
            "correct_before": np.tile(correct_before, len(outcomes)),
            "correct_after": correct_after,
            "hit": hit,
            "said_decoy": said_decoy,
        }
    )


def add_acceptable(
    table: pd.DataFrame, acceptable: RightLabels, initial_label: np.ndarray, outcomes: Outcomes
) -> pd.DataFrame:
    """Add the outcomes by acceptable labels to the table of all nulls.

    table: as from `nulls_table`. acceptable: the acceptable labels of its images. initial_label: (image,), the top label at
    x₀.
    outcomes: the outcomes of the table's nulls by the acceptable labels; the columns are NaN for a null that is missing
    here.

    Rows of the null `likelihood_set`, whose cue is these labels, are left out for images without an acceptable label.
    """
    is_known = acceptable.is_known
    before = np.where(is_known, acceptable.contain(initial_label), np.nan)
    unknown = np.full(len(is_known), np.nan)
    after = [
        np.where(is_known, outcomes[null][0], np.nan) if null in outcomes else unknown
        for null in dict.fromkeys(table["null"])
    ]
    added = table.assign(**{BEFORE: np.tile(before, len(after)), AFTER: np.concatenate(after)})
    return added[(added["null"] != LIKELIHOOD_SET) | added[AFTER].notna()]


def draw_other_label(label: np.ndarray, n_labels: int, generator: np.random.Generator) -> np.ndarray:
    """Draw a label other than k* for each image, (image,), from all n_labels − 1 with equal probability.

    label: (image,), k*.
    """
    return _other_label(generator.integers(n_labels - 1, size=len(label)), label)


def best_other_label(maps: LabelMaps, label: np.ndarray) -> np.ndarray:
    """Find the best label at x₀ other than k*, (image,): the top label, or, if that is k*, the most probable other one.

    label: (image,), k*.
    """
    initial = maps.log_probability[:, *maps.initial]
    others = initial[np.arange(initial.shape[1]) != label[:, None]].reshape(len(label), -1)
    top = maps.top_label[:, *maps.initial]
    return np.where(top == label, _other_label(others.argmax(axis=1), label), top)


def initial_rank(maps: LabelMaps, label: np.ndarray) -> np.ndarray:
    """Compute the rank of k* at x₀, (image,): the number of labels that precede it.

    label: (image,), k*.

    The order begins with the top label, which was found before log-probabilities were rounded; then come the others by
    log p(k|x₀), in a tie the lowest index first.
    """
    initial = maps.log_probability[:, *maps.initial]
    top = maps.top_label[:, *maps.initial]
    k = np.arange(initial.shape[1])
    target = np.take_along_axis(initial, label[:, None], axis=1)
    precedes = (initial > target) | ((initial == target) & (k < label[:, None]))
    precedes |= k == top[:, None]
    return np.where(top == label, 0, precedes.sum(axis=1))


def _other_label(index: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the label at position `index` among all labels but k* (`label`); all (image,)."""
    return index + (index >= label)


def _count_distinct(top_label: np.ndarray) -> np.ndarray:
    """Count the distinct top labels of the views of each image, (image,); top_label: (image, row, column)."""
    ordered = np.sort(top_label.reshape(len(top_label), -1), axis=1)
    return 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
