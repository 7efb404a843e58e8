"""Summaries of scores: of each method or null, of pairs of methods, and of the variants of the Pointing Game."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from labelmaps.scoring.pointing import list_subsets, variants
from labelmaps.scoring.scores import HIT, MISS
from labelmaps.scoring.statistics import (
    RESAMPLES,
    class_mean,
    cluster_bootstrap,
    count_images,
    count_units,
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

POINTING_COLUMNS = ["method", "rule", "tolerance", "subset", "n", "pointing", "pointing_low", "pointing_high"]


# Of data sets that have images of several classes.
CASE_COLUMNS = ["n_cases", "class_mean", "class_mean_low", "class_mean_high"]


def summarise(scores: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Summarise the scores of one method.

    scores: one row per case, as from `compute_scores`, with its image. seed: of the bootstrap.

    Returns fractions of cases with 95 % intervals (`_low`, `_high`): accuracy_before, accuracy_after, and gain, their
    difference; pointing, the hits among the images with a box; accuracy_own, the accuracy of the label that the method
    itself gives, and said_own, how often the top label after the saccade is that label (both NaN if the method gives no
    label).
    gain_cluster_low, gain_cluster_high: the interval of the gain by a bootstrap over classes. n_images, n_pointing: the
    images, and those with a box (of one of their classes). n_dead: the dead maps, for which the eye stays at the centre.
    corrected, broken: the images that the saccade makes right and wrong; p_mcnemar, McNemar's exact p.

    Where images show several classes, intervals and tests are of images (`labelmaps.scoring.statistics`), and there are also
    n_cases, and accuracy_before_any and accuracy_after_any: how often the top label is any of the image's classes, the mean
    over images (of the mean over an image's cases, in which a cued method may look at different places).
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
    }
    summary = _summarise(columns, seed)
    if "correct_after_any" in scores:
        for name in ("before_any", "after_any"):
            by_image = scores.groupby("image", sort=False)[f"correct_{name}"].mean().to_numpy(float)
            summary |= interval_fields(f"accuracy_{name}", mean_interval(by_image))
    return summary


def summarise_null(null: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Summarise the outcomes of one null, in the fields of `summarise`.

    null: one row per case: image, label, and the columns of `labelmaps.scoring.nulls.nulls_table`. seed: of the bootstrap.

    In said_own, the decoy takes the place of a method's own label. accuracy_own is NaN and n_dead is 0. corrected, broken
    and p_mcnemar are NaN unless all outcomes are 0 or 1.
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
    }
    return _summarise(columns, seed)


def _summarise(columns: dict, seed: int) -> dict[str, float]:
    """Summarise cases: `image` (ids, or None where each case is an image of its own), `label`, and outcomes.

    Outcomes are boolean or in [0, 1], or null where a case has none.
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
    for name in ("pointing", "accuracy_own", "said_own"):
        has_one = cases[name].notna().to_numpy()
        values = cases[name][has_one].to_numpy(float)
        measures[name] = mean_interval(values, image if image is None else image[has_one])
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
    """Compare the methods (or nulls) of every pair over the same images.

    outcomes: one row per case and one column per method, whether it is right. image: (case,), the image of each case, a
    number; None where each shows one class.

    Returns one row per pair, in the order of the columns: first, second and their accuracies; difference, the first accuracy
    minus the second, with its 95 % interval; first_only, second_only, the images for which only one of them is right;
    p_mcnemar, McNemar's exact p; p_holm, its adjustment by Holm over all pairs of the table; n_images, and n_cases where
    images show several classes.
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


def pointing_table(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    grid_points: np.ndarray,
    label: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> pd.DataFrame:
    """Summarise the Pointing Game of several methods with one view, in every variant; arguments as for `variants`.

    label: (case,), k*; needed where `image` is given.

    Returns one row per rule, tolerance, subset and method: n, the images of the subset; pointing, the mean hit, with its 95
    % interval (NaN if n is 0). The interval of "best_cell" ignores that the cell was chosen on the same images. Where images
    show several classes, the mean is over cases, and there are also n_cases and class_mean, the mean over classes of each
    class's mean hit, as TorchRay has it, with its interval.
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
