"""Statistics: means and differences of outcomes with their intervals, tests, and the adjustment of p values."""

import numpy as np
import scipy  # its `stats` are imported on first use, by the bootstrap: that takes half a second
from scipy import special

CONFIDENCE = 0.95
Z = special.ndtri((1 + CONFIDENCE) / 2)  # the normal distribution's quantile
RESAMPLES = 2000  # of the bootstrap over classes
RESAMPLES_AT_ONCE = 100  # each needs three numbers per class


def proportion(successes: int, n: int) -> tuple[float, float, float]:
    """Compute a proportion and its 95 % interval by Wilson (1927): value, low, high; NaN if n is 0.

    The interval contains every p from which the proportion is at most z of p's own standard errors away.
    """
    if n == 0:
        return np.nan, np.nan, np.nan
    p = successes / n
    middle = (successes + Z**2 / 2) / (n + Z**2)
    half = Z * np.sqrt(n * p * (1 - p) + Z**2 / 4) / (n + Z**2)
    return p, middle - half if successes else 0.0, middle + half if successes < n else 1.0


def paired_difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Compute the mean of after − before over the same images and its 95 % interval: value, low, high; NaN without images.

    before, after: (image,), boolean.

    The interval is the adjusted Wald interval of Bonett and Price (2012, doi 10.1002/sim.4355): one imaginary image that is
    corrected and one that is broken are added, so that the interval keeps its coverage if few images change.
    """
    n = len(before)
    if n == 0:
        return np.nan, np.nan, np.nan
    corrected, broken = np.sum(after & ~before), np.sum(before & ~after)
    p, q = (corrected + 1) / (n + 2), (broken + 1) / (n + 2)
    half = Z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (corrected - broken) / n, max(p - q - half, -1), min(p - q + half, 1)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Compute the mean of outcomes or expected outcomes and its 95 % interval: value, low, high; NaN without images.

    values: (image,), in [0, 1]. The interval is Wilson's if all values are 0 or 1, else Student's, cut to [0, 1].
    """
    if is_binary(values):
        return proportion(values.sum(), len(values))
    return _student(values, 0, 1)


def paired_mean_difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Compute the mean of after − before over the same images and its 95 % interval: value, low, high.

    before, after: (image,), in [0, 1]. The interval is that of `paired_difference` if all values are 0 or 1, else Student's,
    cut to [−1, 1].
    """
    if is_binary(before) and is_binary(after):
        return paired_difference(before.astype(bool), after.astype(bool))
    return _student(after.astype(float) - before, -1, 1)


def is_binary(values: np.ndarray) -> bool:
    """Return whether all values are 0 or 1."""
    return bool(np.isin(values, (0, 1)).all())


def _student(values: np.ndarray, least: float, most: float) -> tuple[float, float, float]:
    """Compute the mean and Student's 95 % interval, cut to [least, most]; of a single value, all of [least, most]."""
    n, mean = len(values), values.mean()
    if n == 1:
        return mean, least, most
    half = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / np.sqrt(n)
    return mean, max(mean - half, least), min(mean + half, most)


def mcnemar(before: np.ndarray, after: np.ndarray) -> tuple[int, int, float]:
    """Count the images corrected (wrong, then right) and broken (right, then wrong), and compute McNemar's exact p.

    before, after: (image,), boolean.

    p is two-sided. Under the null hypothesis an image that changes is as often corrected as broken; p is 1 if none changes.
    """
    corrected, broken = int(np.sum(after & ~before)), int(np.sum(before & ~after))
    tail = special.bdtr(min(corrected, broken), corrected + broken, 0.5)  # P(so few or fewer)
    return corrected, broken, min(2 * float(tail), 1.0)


def cluster_bootstrap(
    before: np.ndarray, after: np.ndarray, cluster: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    """Compute the 95 % interval of the mean of after − before by a bootstrap over clusters: low, high.

    before, after: (image,), in [0, 1]. cluster: (image,), the cluster of each image, such as its label.
    resamples: the number of resamples; each draws all images of a cluster together, with replacement.

    The interval consists of percentiles. It is a sensitivity check, since images of one class are not independent. NaN if
    there are fewer than two clusters.
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
    """Name a value and the ends of its interval as columns of a table: `name`, `name`_low, `name`_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust m p values by Holm's procedure (1979): p_(i) becomes the maximum over j ≤ i of (m − j + 1) p_(j), at most 1."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
