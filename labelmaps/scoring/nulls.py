"""Nulls: what the accuracy after a saccade, and the Pointing Game, come to without the method's knowledge of where to look.

Nulls come as outcomes, by the names of `labelmaps.scoring.null_names`: arrays (image,) of expected correctness, of expected
hits, and of whether the decoy was said, the last ones left out where there are none. `nulls_table` makes them a table with
one row per null and image:

null            which one
image           id
correct_before  does x₀ say k*?
correct_after   expected correctness, 0 to 1, of the view that the null ends at, or of the label that it gives
hit             expected hit in the Pointing Game, 0 to 1; NaN where the image has no box or the null points nowhere
said_decoy      does the view that the null ends at say the decoy, 0 or 1; NaN where there is no decoy

Log-probabilities are read a block of images at a time (`read_probabilities`); all else is done for all images at once.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from labelmaps.methods import likelihood
from labelmaps.scoring.fixations import select_fixations
from labelmaps.storage.label_map_file import LabelMaps

Outcomes = dict[str, tuple[np.ndarray, ...]]


def view_nulls(correct: np.ndarray, hit: np.ndarray, generator: np.random.Generator) -> Outcomes:
    """The nulls that need no label but k*, of all images.

    correct: does the view say k*; hit: is the fixation point in a box (1, 0, or NaN where the image has no box); both
    (image, row, column).

    uniform: the mean over all views, the exact expectation of a random fixation. random: one view drawn per image.
    best_cell: the cell that is right for the most images, and for `hit` the one that hits in the most, each the best of its
    own (lowest index on a tie). It is chosen on the very images that it is scored on: an upper bound of what a gaze that
    never moves can reach. any_view: is any view right, the upper bound of every method; is any fixation point in a box, the
    grid's ceiling.
    """
    n, rows, columns = correct.shape
    correct, hit = correct.reshape(n, rows * columns), hit.reshape(n, rows * columns)
    drawn = np.arange(n), generator.integers(rows * columns, size=n)
    best, best_hit = correct.sum(axis=0).argmax(), np.nansum(hit, axis=0).argmax()
    return {
        "uniform": (correct.mean(axis=1), hit.mean(axis=1)),
        "random": (correct[drawn], hit[drawn]),
        "best_cell": (correct[:, best], hit[:, best_hit]),
        "any_view": (correct.any(axis=1), hit.max(axis=1)),
    }


class Probabilities(NamedTuple):
    """What the nulls need of the probabilities of all labels, of some images.

    likelihood, second_likelihood, random_likelihood: log p(k|x_u) of k*, of x₀'s best other label and of a random label,
    (image, row, column). second: that other label. rank: of k* at x₀, as from `initial_rank`. mean_label,
    inner_mean_label: the label of the highest mean of p(k|x_u) over all views, and over all but the grid's outer ring (at
    least x₀). All others (image,).
    """

    likelihood: np.ndarray
    second_likelihood: np.ndarray
    random_likelihood: np.ndarray
    second: np.ndarray
    rank: np.ndarray
    mean_label: np.ndarray
    inner_mean_label: np.ndarray


def read_probabilities(
    blocks: Iterable[LabelMaps], label: np.ndarray, random_label: np.ndarray
) -> Probabilities:
    """Of blocks of label maps, all images in order; label: k*; random_label: as from `draw_other_label`; both (image,)."""
    read, done = [], 0
    for maps in blocks:
        rows = slice(done, done + len(maps.image))
        done = rows.stop
        read.append(_probabilities(maps, label[rows], random_label[rows]))
    return Probabilities(*map(np.concatenate, zip(*read, strict=True)))


def _probabilities(maps: LabelMaps, label: np.ndarray, random_label: np.ndarray) -> Probabilities:
    p = np.exp(maps.log_probability)
    rows, columns = maps.log_sum_exp.shape[1:]
    ring = 1 if min(rows, columns) > 2 else 0
    inner = p[:, ring : rows - ring, ring : columns - ring]
    second = best_other_label(maps, label)
    return Probabilities(
        *(likelihood.saliency(maps, k) for k in (label, second, random_label)),
        second,
        initial_rank(maps, label),
        *(views.sum(axis=(1, 2)).argmax(axis=1) for views in (p, inner)),
    )


def label_nulls(
    probabilities: Probabilities,
    label: np.ndarray,
    random_label: np.ndarray,
    top_label: np.ndarray,
    centre: np.ndarray,
    hit: np.ndarray,
) -> Outcomes:
    """The nulls that need the probabilities of all labels.

    label, random_label: as for `read_probabilities`. top_label: (image, row, column). centre: (image, row, column, 2), x, y.
    hit: as for `view_nulls`.

    decoy_second, decoy_random: the saccade of the method `likelihood` told a wrong label, x₀'s best one or a random one.
    top_n: no saccade; is k* among x₀'s n best labels, n the number of distinct labels that the views of the image say.
    mean_softmax, mean_softmax_inner: no saccade; the label with the highest mean of p(k|x_u) over all views, or over all
    but the grid's outer ring (at least x₀).
    """

    def after_decoy(saliency: np.ndarray, told: np.ndarray) -> tuple[np.ndarray, ...]:
        fixation = select_fixations(saliency, centre, centre)
        view = np.arange(len(label)), fixation["row"], fixation["column"]
        said = top_label[view]
        return said == label, hit[view], said == told

    return {
        "decoy_second": after_decoy(probabilities.second_likelihood, probabilities.second),
        "decoy_random": after_decoy(probabilities.random_likelihood, random_label),
        "top_n": (probabilities.rank < _n_distinct(top_label),),
        "mean_softmax": (probabilities.mean_label == label,),
        "mean_softmax_inner": (probabilities.inner_mean_label == label,),
    }


def standard_crop(top_label: np.ndarray, label: np.ndarray) -> Outcomes:
    """The null `standard_crop`, no saccade: the label that the standard centre crop gives.

    top_label: of the crop; label: k*; both (image,).
    """
    return {"standard_crop": (top_label == label,)}


def nulls_table(image: list[str], correct_before: np.ndarray, outcomes: Outcomes) -> pd.DataFrame:
    """The table of the nulls' outcomes; correct_before: (image,)."""
    n = len(image)
    numbers = np.full((3, len(outcomes), n), np.nan)
    for i, of_null in enumerate(outcomes.values()):
        numbers[: len(of_null), i] = of_null
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


def draw_other_label(label: np.ndarray, n_labels: int, generator: np.random.Generator) -> np.ndarray:
    """A label other than k* for each image, all n_labels − 1 equally probable, (image,); `label` (image,) is k*."""
    return _other_label(generator.integers(n_labels - 1, size=len(label)), label)


def best_other_label(maps: LabelMaps, label: np.ndarray) -> np.ndarray:
    """The best label of x₀ but k*, (image,): its top label, or the most probable other one where that is k*."""
    initial = maps.log_probability[:, *maps.initial]
    others = initial[np.arange(initial.shape[1]) != label[:, None]].reshape(len(label), -1)
    top = maps.top_label[:, *maps.initial]
    return np.where(top == label, _other_label(others.argmax(axis=1), label), top)


def initial_rank(maps: LabelMaps, label: np.ndarray) -> np.ndarray:
    """How many labels precede k* at x₀, (image,); `label` (image,) is k*.

    The top label, taken before rounding, comes first; then the others by log p(k|x₀), lowest index first where they tie.
    """
    initial = maps.log_probability[:, *maps.initial]
    top = maps.top_label[:, *maps.initial]
    k = np.arange(initial.shape[1])
    target = np.take_along_axis(initial, label[:, None], axis=1)
    precedes = (initial > target) | ((initial == target) & (k < label[:, None]))
    precedes |= k == top[:, None]
    return np.where(top == label, 0, precedes.sum(axis=1))


def _other_label(index: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The label at this index among all labels but k*; both (image,)."""
    return index + (index >= label)


def _n_distinct(top_label: np.ndarray) -> np.ndarray:
    """Number of distinct labels over the views of each image, (image,)."""
    ordered = np.sort(top_label.reshape(len(top_label), -1), axis=1)
    return 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
