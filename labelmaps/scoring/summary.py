"""Summaries of scores: one row per method or null, methods two by two, the Pointing Game's variants."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from labelmaps.scoring.pointing import variants
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.scoring.statistics import (
    RESAMPLES,
    _is_binary,
    cluster_bootstrap,
    holm,
    interval_fields,
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
    """The summary of one method: `scores` has one row per image, as from `score_fixations`.

    Fractions with 95 % intervals (`_low`, `_high`): accuracy before and after the saccade, the gain between them, the
    Pointing Game over the images with a box, and over the images where the method itself gives a label (NaN where it gives
    none) the accuracy of that label, and how often the view then says it. n_dead counts the maps that said nothing, whose
    eye stayed at the centre. gain_cluster_low and gain_cluster_high: the gain's interval by a bootstrap over classes, drawn
    with `seed`. corrected, broken: the images that the saccade sets right and wrong, with McNemar's exact p.
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
    return _summary(columns, seed)


def summarise_null(null: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """The summary of one null hypothesis of the saccade, in the fields of `summarise`.

    null: one row per image: label; correct_before, boolean; correct_after and hit, the expected outcomes, in [0, 1];
    said_decoy, how often the view says the decoy; hit and said_decoy are NaN where there is none.

    The decoy stands where a method's own label does: said_own. A null gives no label (accuracy_own is NaN) and has no dead
    map. Images are counted as corrected and broken only where every outcome is certain, else NaN.
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
    return _summary(columns, seed)


def _summary(columns: dict, seed: int) -> dict[str, float]:
    """The summary of images: their label, and outcomes as true and false or in [0, 1], null where there is none."""
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
    summary = {"n_images": len(images), "n_pointing": len(pointing), "n_dead": int(images["dead"].sum())}
    for name, interval in measures.items():
        summary |= interval_fields(name, interval)
    by_class = cluster_bootstrap(before, after, label, RESAMPLES, seed)
    changes = mcnemar(before == 1, after == 1) if _is_binary(after) else (np.nan, np.nan, np.nan)
    return (
        summary
        | dict(zip(("gain_cluster_low", "gain_cluster_high"), by_class, strict=True))
        | dict(zip(("corrected", "broken", "p_mcnemar"), changes, strict=True))
    )


def compare_pairs(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Every pair of columns of `outcomes` (image, name), right or wrong, over the same images.

    One row per pair, in the order of the columns: first, second and their accuracies; difference, of the first's accuracy
    from the second's, with its 95 % interval; first_only, second_only, the images that only one of them gets right;
    McNemar's exact p, and Holm's adjustment of it over all pairs of the table; n_images.
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
    """The Pointing Game of several methods through one view, in every variant; arguments and variants as in `variants`.

    One row per rule, tolerance, subset and method: n, the images of the subset; pointing, the mean hit, with its 95 %
    interval (NaN where n is 0). The interval of "best_cell" ignores that the cell was chosen on the same images.
    """
    played = variants(points, boxes, width, height, grid_points)
    rows = [
        variant | interval_fields("pointing", mean_interval(hit)) | {"n": len(hit)} for variant, hit in played
    ]
    return pd.DataFrame(rows)[POINTING_COLUMNS]
