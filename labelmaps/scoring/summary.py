"""Summaries of scores: of each method or null, of pairs of methods, and of the variants of the Pointing Game."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from labelmaps.scoring.pointing import variants
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.scoring.statistics import (
    RESAMPLES,
    cluster_bootstrap,
    holm,
    interval_fields,
    is_binary,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_mean_difference,
    proportion,
)

PAIR_COLUMNS = [
    *("first", "second", "accuracy_first", "accuracy_second"),
    *("difference", "difference_low", "difference_high", "first_only", "second_only"),
    *("p_mcnemar", "p_holm", "n_images"),
]

POINTING_COLUMNS = ["method", "rule", "tolerance", "subset", "n", "pointing", "pointing_low", "pointing_high"]


def summarise(scores: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Summarise the scores of one method.

    scores: one row per image, as from `compute_scores`. seed: of the bootstrap.

    Returns fractions of images with 95 % intervals (`_low`, `_high`): accuracy_before, accuracy_after, and gain, their
    difference; pointing, the hits among the images with a box; accuracy_own, the accuracy of the label that the method
    itself gives, and said_own, how often the top label after the saccade is that label (both NaN if the method gives no
    label).
    gain_cluster_low, gain_cluster_high: the interval of the gain by a bootstrap over classes. n_images, n_pointing: the
    images, and those with a box. n_dead: the dead maps, for which the eye stays at the centre. corrected, broken: the images
    that the saccade makes right and wrong; p_mcnemar, McNemar's exact p.
    """
    columns = {
        "label": scores["label"],
        "before": scores["correct_before"],
        "after": scores["correct_after"],
        "pointing": scores["pointing"].map({HIT: 1, MISS: 0}),
        "accuracy_own": scores["correct_own"],
        "said_own": scores["predicted_after"] == scores["own_label"],
        "dead": scores["dead"],
    }
    return _summarise(columns, seed)


def summarise_null(null: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Summarise the outcomes of one null, in the fields of `summarise`.

    null: one row per image: label, and the columns of `labelmaps.scoring.nulls.nulls_table`. seed: of the bootstrap.

    In said_own, the decoy takes the place of a method's own label. accuracy_own is NaN and n_dead is 0. corrected, broken
    and p_mcnemar are NaN unless all outcomes are 0 or 1.
    """
    columns = {
        "label": null["label"],
        "before": null["correct_before"],
        "after": null["correct_after"],
        "pointing": null["hit"],
        "accuracy_own": np.nan,
        "said_own": null["said_decoy"],
        "dead": False,
    }
    return _summarise(columns, seed)


def _summarise(columns: dict, seed: int) -> dict[str, float]:
    """Summarise images: `label`, and outcomes, which are boolean or in [0, 1], or null where an image has none."""
    images = pd.DataFrame(columns).astype("Float64")
    label, before, after = (images[name].to_numpy(float) for name in ("label", "before", "after"))
    pointing, accuracy_own, said_own = (
        images[name].dropna().to_numpy(float) for name in ("pointing", "accuracy_own", "said_own")
    )
    measures = {
        "accuracy_before": mean_interval(before),
        "accuracy_after": mean_interval(after),
        "gain": paired_mean_difference(before, after),
        "pointing": mean_interval(pointing),
        "accuracy_own": mean_interval(accuracy_own),
        "said_own": mean_interval(said_own),
    }
    summary: dict[str, float] = {
        "n_images": len(images),
        "n_pointing": len(pointing),
        "n_dead": int(images["dead"].sum()),
    }
    for name, interval in measures.items():
        summary |= interval_fields(name, interval)
    by_class = cluster_bootstrap(before, after, label, RESAMPLES, seed)
    changes = mcnemar(before == 1, after == 1) if is_binary(after) else (np.nan, np.nan, np.nan)
    return (
        summary
        | dict(zip(("gain_cluster_low", "gain_cluster_high"), by_class, strict=True))
        | dict(zip(("corrected", "broken", "p_mcnemar"), changes, strict=True))
    )


def compare_pairs(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Compare the methods (or nulls) of every pair over the same images.

    outcomes: one row per image and one column per method, whether it is right.

    Returns one row per pair, in the order of the columns: first, second and their accuracies; difference, the first accuracy
    minus the second, with its 95 % interval; first_only, second_only, the images for which only one of them is right;
    p_mcnemar, McNemar's exact p; p_holm, its adjustment by Holm over all pairs of the table; n_images.
    """
    n = len(outcomes)
    pairs = []
    for first, second in combinations(outcomes.columns, 2):
        a, b = outcomes[first].to_numpy(bool), outcomes[second].to_numpy(bool)
        (difference, low, high), (first_only, second_only, p) = paired_difference(b, a), mcnemar(b, a)
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
                "n_images": n,
            }
        )
    table = pd.DataFrame(pairs, columns=PAIR_COLUMNS)
    return table.assign(p_holm=holm(table["p_mcnemar"].to_numpy(float)))


def pointing_table(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    grid_points: np.ndarray,
) -> pd.DataFrame:
    """Summarise the Pointing Game of several methods with one view, in every variant; arguments as for `variants`.

    Returns one row per rule, tolerance, subset and method: n, the images of the subset; pointing, the mean hit, with its 95
    % interval (NaN if n is 0). The interval of "best_cell" ignores that the cell was chosen on the same images.
    """
    games = variants(points, boxes, width, height, grid_points)
    rows = [
        variant | interval_fields("pointing", mean_interval(hit)) | {"n": len(hit)} for variant, hit in games
    ]
    return pd.DataFrame(rows)[POINTING_COLUMNS]
