"""Means and differences with their uncertainty; the summary of a method, of a null, and of the Pointing Game."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import scipy  # its stats, half a second to import, come with the first bootstrap
from scipy import special

from labelmaps.pointing import variants
from labelmaps.scores import HIT, MISS

CONFIDENCE = 0.95
Z = special.ndtri((1 + CONFIDENCE) / 2)  # the normal distribution's quantile
RESAMPLES = 2000  # of the bootstrap over classes
RESAMPLES_AT_ONCE = 100  # each holds a number per class, thrice
PAIR_COLUMNS = [
    *("first", "second", "accuracy_first", "accuracy_second"),
    *("difference", "difference_low", "difference_high", "first_only", "second_only"),
    *("p_mcnemar", "p_holm", "n_images"),
]
POINTING_COLUMNS = ["method", "rule", "tolerance", "subset", "n", "pointing", "pointing_low", "pointing_high"]


def proportion(successes: int, n: int) -> tuple[float, float, float]:
    """A proportion and its 95 % Wilson interval; NaN where there is nothing to count.

    Wilson (1927): the p whose own standard error holds the proportion at a distance of z.
    """
    if n == 0:
        return np.nan, np.nan, np.nan
    p = successes / n
    middle = (successes + Z**2 / 2) / (n + Z**2)
    half = Z * np.sqrt(n * p * (1 - p) + Z**2 / 4) / (n + Z**2)
    return p, middle - half if successes else 0.0, middle + half if successes < n else 1.0


def paired_difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Mean of after − before over the same images, and its 95 % interval; both boolean (image,).

    The interval is Bonett and Price's adjusted Wald interval (2012, doi 10.1002/sim.4355): one imaginary image corrected
    and one broken are added, so that it keeps its coverage where few images change.
    """
    n = len(before)
    if n == 0:
        return np.nan, np.nan, np.nan
    corrected, broken = np.sum(after & ~before), np.sum(before & ~after)
    p, q = (corrected + 1) / (n + 2), (broken + 1) / (n + 2)
    half = Z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (corrected - broken) / n, max(p - q - half, -1), min(p - q + half, 1)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of values in [0, 1], as outcomes or expected outcomes, and its 95 % interval; NaN where there is nothing.

    The interval is Wilson's where all are 0 or 1, else Student's, cut to [0, 1].
    """
    if _is_binary(values):
        return proportion(values.sum(), len(values))
    return _student(values, 0, 1)


def paired_mean_difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Mean of after − before over the same images, and its 95 % interval; both (image,), in [0, 1].

    The interval is that of `paired_difference` where all are 0 or 1, else Student's, cut to [−1, 1].
    """
    if _is_binary(before) and _is_binary(after):
        return paired_difference(before.astype(bool), after.astype(bool))
    return _student(after.astype(float) - before, -1, 1)


def _is_binary(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0, 1)).all())


def _student(values: np.ndarray, least: float, most: float) -> tuple[float, float, float]:
    """The mean and Student's 95 % interval, cut to the range that a mean can have; the whole range for one value."""
    n, mean = len(values), values.mean()
    if n == 1:
        return mean, least, most
    half = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / np.sqrt(n)
    return mean, max(mean - half, least), min(mean + half, most)


def mcnemar(before: np.ndarray, after: np.ndarray) -> tuple[int, int, float]:
    """Images corrected (wrong, then right), images broken, and McNemar's exact two-sided p; both boolean (image,).

    Under the null hypothesis an image that changes is as often corrected as broken; p is 1 where none changes.
    """
    corrected, broken = int(np.sum(after & ~before)), int(np.sum(before & ~after))
    tail = special.bdtr(min(corrected, broken), corrected + broken, 0.5)  # so few or fewer
    return corrected, broken, min(2 * float(tail), 1.0)


def cluster_bootstrap(
    before: np.ndarray, after: np.ndarray, cluster: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of the mean of after − before, all (image,), when whole clusters are drawn with replacement.

    A sensitivity check: images of one class are not independent. NaN where there are fewer than two clusters.
    """
    clusters, member = np.unique(cluster, return_inverse=True)
    if len(clusters) < 2:
        return np.nan, np.nan
    total = np.bincount(member, after.astype(float) - before)
    interval = scipy.stats.bootstrap(
        (total, np.bincount(member)),
        lambda totals, counts, axis: totals.sum(axis) / counts.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=RESAMPLES_AT_ONCE,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


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


def interval_fields(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    """A measure's value and the ends of its interval, as the columns of a table: name, name_low, name_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


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


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment (1979): max over the smaller p_(j), j = 1…i, of (m − j + 1) p_(j), at most 1."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


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
