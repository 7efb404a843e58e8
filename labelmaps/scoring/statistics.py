"""Means and differences with their uncertainty; the summary of a method, of a null, and of the Pointing Game."""

import numpy as np
import scipy  # its stats, half a second to import, come with the first bootstrap
from scipy import special

CONFIDENCE = 0.95
Z = special.ndtri((1 + CONFIDENCE) / 2)  # the normal distribution's quantile
RESAMPLES = 2000  # of the bootstrap over classes
RESAMPLES_AT_ONCE = 100  # each holds a number per class, thrice


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


def interval_fields(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    """A measure's value and the ends of its interval, as the columns of a table: name, name_low, name_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment (1979): max over the smaller p_(j), j = 1…i, of (m − j + 1) p_(j), at most 1."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
