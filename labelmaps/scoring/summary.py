"""Summaries of scores: of each method or null, of pairs of methods, and of the variants of the Pointing Game."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from labelmaps.scoring.null_names import NOT_LOOKING
from labelmaps.scoring.pointing import list_subsets, variants
from labelmaps.scoring.right_labels import AFTER, BEFORE
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.scoring.statistics import (
    RESAMPLES,
    class_mean,
    cluster_bootstrap,
    count_images,
    count_units,
    difference_of_gains,
    holm,
    interval_fields,
    is_binary,
    mcnemar,
    mean_interval,
    number_images,
    paired_difference,
    paired_mean_difference,
    proportion,
)

PAIR_COLUMNS = [
    *("first", "second", "accuracy_first", "accuracy_second"),
    *("difference", "difference_low", "difference_high", "first_only", "second_only"),
    *("p_mcnemar", "p_holm", "n_images"),
]

# The ending of columns of `compare_pairs` by acceptable labels.
PAIR_ENDING = "_acceptable"

POINTING_COLUMNS = ["method", "rule", "tolerance", "subset", "n", "pointing", "pointing_low", "pointing_high"]


# Further columns where images show several classes.
CASE_COLUMNS = ["n_cases", "class_mean", "class_mean_low", "class_mean_high"]


# Column of the summary → the null over which it states the gain.
GAINS_OVER = {"gain_over_standard_crop": "standard_crop", "gain_over_not_looking": NOT_LOOKING}


def summarise(
    scores: pd.DataFrame, nulls: Mapping[str, np.ndarray] | None = None, seed: int = 0
) -> dict[str, float]:
    """Summarise the scores of one method.

    scores: one row per case, as from `compute_scores`, with its image. nulls: null → whether it is right, (case,), for the
        nulls of `GAINS_OVER`. seed: of the bootstrap.

    Returns fractions of cases with 95 % intervals (`_low`, `_high`): accuracy_before, accuracy_after, and gain, their
    difference; pointing, the hits among the images with a box; accuracy_own, the accuracy of the label that the method
    itself gives, and said_own, how often the top label after the saccade is that label (both NaN if the method gives no
    label).
    gain_over_standard_crop, gain_over_not_looking: accuracy_after minus the accuracy of the standard crop, and of the best
    null that does not look, over the same cases; left out without `nulls`.
    outer_ring: how often the view after the saccade lies in the outer ring of the grid; gain_outer_ring, gain_inside: the
    gain over x₀ among these cases, and among all others.
    gain_cluster_low, gain_cluster_high: the interval of the gain by a bootstrap over classes. n_images, n_pointing: the
    numbers of images, and of those with a box (of one of their classes). n_dead: the number of dead maps, for which the eye
    stays at the centre. corrected, broken: the numbers of images that the saccade makes right and wrong; p_mcnemar,
    McNemar's exact p.

    Where images show several classes, intervals and tests are over images (`labelmaps.scoring.statistics`), and there are
    also n_cases, and accuracy_before_any and accuracy_after_any: how often the top label is any of the image's classes, the
    mean over images (of the mean over an image's cases, whose fixations differ for a cued method).

    Where the scores have the columns of `labelmaps.scoring.right_labels.add_outcomes`, also the fields of
    `summarise_acceptable`.
    """
    columns = {
        "image": scores.get("image"),
        "label": scores["label"],
        "before": scores["correct_before"],
        "after": scores["correct_after"],
        "pointing": scores["pointing"].map({HIT: 1, MISS: 0}),
        "accuracy_own": scores["correct_own"],
        "said_own": scores["predicted_after"] == scores["own_label"],
        "dead": scores["dead"],
        "outer_ring": scores["outer_ring"],
    }
    summary = _summarise(columns, nulls or {}, seed)
    if "correct_after_any" in scores:
        for name in ("before_any", "after_any"):
            by_image = scores.groupby("image", sort=False)[f"correct_{name}"].mean().to_numpy(float)
            summary |= interval_fields(f"accuracy_{name}", mean_interval(by_image))
    return summary | summarise_acceptable(scores)


def summarise_null(
    null: pd.DataFrame, nulls: Mapping[str, np.ndarray] | None = None, seed: int = 0
) -> dict[str, float]:
    """Summarise the outcomes of one null, in the fields of `summarise`.

    null: one row per case: image, label, and the columns of `labelmaps.scoring.nulls.nulls_table`. nulls, seed: as for
        `summarise`.

    In said_own, the decoy takes the place of a method's own label. accuracy_own and outer_ring are NaN and n_dead is 0.
    corrected, broken and p_mcnemar are NaN unless all outcomes are 0 or 1.
    """
    columns = {
        "image": null.get("image"),
        "label": null["label"],
        "before": null["correct_before"],
        "after": null["correct_after"],
        "pointing": null["hit"],
        "accuracy_own": np.nan,
        "said_own": null["said_decoy"],
        "dead": False,
        "outer_ring": np.nan,
    }
    return _summarise(columns, nulls or {}, seed) | summarise_acceptable(null)


def summarise_acceptable(outcomes: pd.DataFrame) -> dict[str, float]:
    """Summarise accuracy by acceptable labels, over the images that have one; return no field without such labels.

    outcomes: one row per case: image, correct_before, correct_after, and the columns `BEFORE` and `AFTER`.

    Returns n_acceptable, the number of images with an acceptable label, and with 95 % intervals: accuracy_before_acceptable,
    accuracy_after_acceptable and gain_acceptable; on the same images gain_label, the gain by the label, and gain_noise, the
    gain by the label minus the gain by acceptable labels. All are NaN where no outcome is known.
    """
    if AFTER not in outcomes:
        return {}
    known = outcomes[outcomes[AFTER].notna()]
    image = number_images(known["image"]) if "image" in known else None
    names = "correct_before", "correct_after", BEFORE, AFTER
    before, after, before_set, after_set = (known[name].to_numpy(float) for name in names)
    measures = {
        "accuracy_before_acceptable": mean_interval(before_set, image),
        "accuracy_after_acceptable": mean_interval(after_set, image),
        "gain_acceptable": paired_mean_difference(before_set, after_set, image),
        "gain_label": paired_mean_difference(before, after, image),
        "gain_noise": difference_of_gains(after - before, after_set - before_set, image),
    }
    summary: dict[str, float] = {"n_acceptable": count_images(image, len(known))}
    for name, interval in measures.items():
        summary |= interval_fields(name, interval)
    return summary


def _summarise(columns: dict, nulls: Mapping[str, np.ndarray], seed: int) -> dict[str, float]:
    """Summarise cases; return the fields that methods and nulls share.

    columns: `image` (ids, or None where each case is an image of its own), `label`, and outcomes (boolean, in [0, 1], or
    null where a case has none), each (case,). nulls, seed: as for `summarise`.
    """
    ids = columns.pop("image")
    image = None if ids is None else number_images(ids)
    cases = pd.DataFrame(columns).astype("Float64")
    label, before, after = (cases[name].to_numpy(float) for name in ("label", "before", "after"))
    measures = {
        "accuracy_before": mean_interval(before, image),
        "accuracy_after": mean_interval(after, image),
        "gain": paired_mean_difference(before, after, image),
    }
    for name, null in GAINS_OVER.items():
        if null in nulls:
            measures[name] = paired_mean_difference(nulls[null].astype(float), after, image)
    for name in ("pointing", "accuracy_own", "said_own", "outer_ring"):
        has_one = cases[name].notna().to_numpy()
        values = cases[name][has_one].to_numpy(float)
        measures[name] = mean_interval(values, image if image is None else image[has_one])
    for name, is_outer in (("gain_outer_ring", 1), ("gain_inside", 0)):
        members = (cases["outer_ring"] == is_outer).fillna(False).to_numpy(bool)
        of_members = image if image is None else image[members]
        measures[name] = paired_mean_difference(before[members], after[members], of_members)
    has_box = cases["pointing"].notna().to_numpy()
    summary: dict[str, float] = {
        "n_images": count_images(image, len(cases)),
        "n_pointing": count_images(image if image is None else image[has_box], int(has_box.sum())),
        "n_dead": int(cases["dead"].sum()),
    }
    if image is not None:
        summary["n_cases"] = len(cases)
    for name, interval in measures.items():
        summary |= interval_fields(name, interval)
    by_class = cluster_bootstrap(before, after, label, RESAMPLES, seed)
    changes = mcnemar(before == 1, after == 1, image) if is_binary(after) else (np.nan, np.nan, np.nan)
    return (
        summary
        | dict(zip(("gain_cluster_low", "gain_cluster_high"), by_class, strict=True))
        | dict(zip(("corrected", "broken", "p_mcnemar"), changes, strict=True))
    )


def compare_pairs(outcomes: pd.DataFrame, image: np.ndarray | None = None) -> pd.DataFrame:
    """Compare every pair of methods (or nulls) over the same images.

    outcomes: one row per case and one column per method, whether it is right. image: (case,), a number of the image of each
    case; None where each image shows one class.

    Returns one row per pair, in the order of the columns: first, second and their accuracies; difference, the first accuracy
    minus the second, with its 95 % interval; first_only, second_only, the numbers of images for which only one of them is
    right; p_mcnemar, McNemar's exact p; p_holm, its adjustment by Holm over all pairs of the table; n_images, and n_cases
    where images show several classes.
    """
    n = len(outcomes)
    pairs = []
    for first, second in combinations(outcomes.columns, 2):
        a, b = outcomes[first].to_numpy(bool), outcomes[second].to_numpy(bool)
        (difference, low, high), (first_only, second_only, p) = (
            paired_difference(b, a, image),
            mcnemar(b, a, image),
        )
        pairs.append(
            {
                "first": first,
                "second": second,
                "accuracy_first": proportion(a.sum(), n)[0],
                "accuracy_second": proportion(b.sum(), n)[0],
                "difference": difference,
                "difference_low": low,
                "difference_high": high,
                "first_only": first_only,
                "second_only": second_only,
                "p_mcnemar": p,
                **count_units(image, n),
            }
        )
    columns = [*PAIR_COLUMNS, *[name for name in count_units(image, n) if name not in PAIR_COLUMNS]]
    table = pd.DataFrame(pairs, columns=columns)
    return table.assign(p_holm=holm(table["p_mcnemar"].to_numpy(float)))


def add_pairs_acceptable(
    pairs: pd.DataFrame, outcomes: pd.DataFrame, image: np.ndarray | None = None
) -> pd.DataFrame:
    """Add to the comparison of every pair the same by acceptable labels, over the images that have one.

    pairs: as from `compare_pairs`. outcomes: as for it, by acceptable labels: 0 or 1, and NaN where a case has none, or
    where a method's outcomes are not known. image: as for it.

    Returns the table with the columns of `compare_pairs` once more, their names ending in `PAIR_ENDING`, and n_acceptable,
    the number of images with an acceptable label.
    """
    outcomes = outcomes.dropna(axis="columns", how="all")
    known = outcomes.notna().all(axis=1).to_numpy()
    there = image if image is None else image[known]
    by_set = compare_pairs(outcomes[known], there).drop(columns="n_images")
    named = {name: _with_ending(name) for name in by_set if name not in ("first", "second")}
    joined = pairs.merge(by_set.rename(columns=named), "left", ["first", "second"])
    return joined.assign(n_acceptable=count_images(there, int(known.sum())) if len(by_set) else 0)


def _with_ending(name: str) -> str:
    """Add `PAIR_ENDING` to the name of a column, before `_low` or `_high`."""
    for end in ("_low", "_high"):
        if name.endswith(end):
            return name.removesuffix(end) + PAIR_ENDING + end
    return name + PAIR_ENDING


def pointing_table(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    grid_points: np.ndarray,
    label: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> pd.DataFrame:
    """Summarise the Pointing Game of several methods with one view, in every variant.

    points, boxes, width, height, grid_points, image: as for `variants`. label: (case,), k*; needed if `image` is given.

    Returns one row per rule, tolerance, subset and method: n, the number of images of the subset; pointing, the mean hit,
    with its 95 % interval (NaN if n is 0). The interval of "best_cell" ignores that the cell was chosen on the same images.
    Where images show several classes, the mean is over cases, and there are also n_cases and class_mean, the mean over
    classes of each class's mean hit, as in TorchRay, with its interval.
    """
    games = variants(points, boxes, width, height, grid_points, image)
    if image is None:
        rows = [
            variant | interval_fields("pointing", mean_interval(hit)) | {"n": len(hit)}
            for variant, hit in games
        ]
        return pd.DataFrame(rows)[POINTING_COLUMNS]
    assert label is not None  # it comes with the images
    subsets, rows = list_subsets(boxes, width, height, image), []
    for variant, hit in games:
        members = subsets[variant["subset"]]
        fields = interval_fields("pointing", mean_interval(hit, image[members]))
        fields |= {"n": count_images(image[members], len(hit)), "n_cases": len(hit)}
        rows.append(
            variant | fields | interval_fields("class_mean", class_mean(hit, label[members], image[members]))
        )
    return pd.DataFrame(rows)[POINTING_COLUMNS + CASE_COLUMNS]
