"""Two stages: the inner views of the grid first, its outer ring only where a bound does not rule it out.

A method on label maps gives each view a value when the network has seen it. In the first stage the network sees the inner
views alone. In the second it sees the outer ring, but only for images whose best inner value is below a bound on what the
outer views reach: a quantile, over the images of all other folds, of an image's best outer value. A quantile of 1 is the
largest value that was seen there. Of a logarithm of probabilities the one bound that is certain, 0, rules nothing out.

How many passes this saves, and what it changes, follows from label maps that hold all views; nothing here runs a network.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from labelmaps.scoring.null_names import ALWAYS, BELOW, NEVER
from labelmaps.scoring.scanpaths import divide_into_folds
from labelmaps.scoring.scores import is_in_outer_ring
from labelmaps.scoring.statistics import count_units, interval_fields, mean_interval, paired_difference
from labelmaps.storage.label_map_file import LabelMaps

# Of the best outer values of other images: the bounds that are compared.
QUANTILES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)


def outer_views(rows: int, columns: int) -> np.ndarray:
    """Tell which views of a grid lie in its outer ring, (view,), row by row; none does without an inner part."""
    return is_in_outer_ring(*np.divmod(np.arange(rows * columns), columns), rows, columns)


def needs_outer_views(
    method: Callable[[LabelMaps, np.ndarray], tuple[Any, Any]], maps: LabelMaps, label: np.ndarray
) -> bool:
    """Tell whether a method's values of the inner views depend on the outer ones, so that two stages save it nothing.

    method: as from `labelmaps.methods.load_method`. maps: of some images. label: (image,), k*. Its values of the inner
    views are compared with those where the outer views say nothing: all logits are 0 there.
    """
    _, *grid, n_labels = maps.log_probability.shape
    is_outer = outer_views(*grid).reshape(grid)
    blank = maps.log_probability.copy(), maps.log_sum_exp.copy(), maps.top_label.copy()
    for array, value in zip(blank, (-np.log(n_labels), np.log(n_labels), 0), strict=True):
        array[:, is_outer] = value
    names = "log_probability", "log_sum_exp", "top_label"
    without = replace(maps, **dict(zip(names, blank, strict=True)))
    seen, unseen = (method(some, label)[0][:, ~is_outer] for some in (maps, without))
    return not np.array_equal(seen, unseen)


def find_best(values: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the view with the largest value among some views, (case,), and that value, (case,).

    values: (case, view). among: (view,), boolean, some of them. In a tie the first is taken, but where all of these views
    have the same value, x₀, as `labelmaps.scoring.fixations.find_fixations` does.
    """
    some = values[:, among]
    views = np.flatnonzero(among)[some.argmax(axis=1)]
    best = some.max(axis=1)
    return np.where(best == some.min(axis=1), values.shape[1] // 2, views), best


def find_bounds(best: np.ndarray, fold: np.ndarray, quantile: float) -> np.ndarray:
    """Compute the bound of each case, (case,): this quantile of the best outer values in all other folds.

    best: (case,). fold: (case,), the fold of each. Where there is no other fold the bound is ∞, and rules nothing out.
    """
    bounds = np.full(len(best), np.inf)
    for one in np.unique(fold):
        if (fold != one).any():
            bounds[fold == one] = np.quantile(best[fold != one], quantile)
    return bounds


def look_in_two_stages(
    values: np.ndarray, is_outer: np.ndarray, fold: np.ndarray, quantile: float
) -> tuple[np.ndarray, np.ndarray]:
    """Choose a view of each case in two stages, (case,), and tell whether the second was needed, (case,).

    values: (case, view), of the method. is_outer: (view,), as from `outer_views`. fold: (case,), of its image.
    """
    inner, best_inner = find_best(values, ~is_outer)
    of_all, _ = find_best(values, np.ones_like(is_outer))
    needs_ring = best_inner < find_bounds(values[:, is_outer].max(axis=1), fold, quantile)
    return np.where(needs_ring, of_all, inner), needs_ring


def two_stages_table(
    saliency: np.ndarray, is_right: np.ndarray, image: np.ndarray | None = None
) -> pd.DataFrame:
    """Compare a method that sees all views with the same in two stages, and without the outer ring.

    saliency: (case, row, column), of a method on label maps, on a grid that has an outer ring. is_right: (case, row,
    column), whether the top label of each view is k*. image: (case,), the image of each case, a number; None where each
    shows one class.

    Returns one row per way: ring, when the outer ring is seen: `ALWAYS`; `BELOW`, one row for each of `QUANTILES`, where the
    best inner value is below that quantile of the best outer values of other images; and `NEVER`; quantile, NaN in the other
    two; passes, their mean; accuracy of the chosen view, and change, that minus the accuracy with all views, both with 95 %
    intervals over images; same_view, how often the view is that chosen among all; n_images, and n_cases where images show
    several classes.
    """
    values, right = (maps.reshape(len(maps), -1) for maps in (saliency, is_right))
    is_outer, case = outer_views(*saliency.shape[1:]), np.arange(len(values))
    number = case if image is None else image
    fold = divide_into_folds(len(np.unique(number)))[number]
    of_all, _ = find_best(values, np.ones_like(is_outer))
    inner, _ = find_best(values, ~is_outer)
    n_inner, n_outer = np.sum(~is_outer), np.sum(is_outer)
    ways = [(ALWAYS, np.nan, of_all, np.ones(len(values), bool))]
    ways += [(BELOW, q, *look_in_two_stages(values, is_outer, fold, q)) for q in QUANTILES]
    ways += [(NEVER, np.nan, inner, np.zeros(len(values), bool))]
    before, rows = right[case, of_all], []
    for name, quantile, view, needs_ring in ways:
        after = right[case, view]
        rows.append(
            {"ring": name, "quantile": quantile, "passes": n_inner + n_outer * needs_ring.mean()}
            | interval_fields("accuracy", mean_interval(after, image))
            | interval_fields("change", paired_difference(before, after, image))
            | {"same_view": np.mean(view == of_all)}
            | count_units(image, len(values))
        )
    return pd.DataFrame(rows)
