"""Statistics: means and differences of outcomes with their intervals, tests, and the adjustment of p values.

Where images show several classes there is one outcome per case, an image and a class, and those of one image are not
independent. Means are over cases; intervals and tests treat images as the units that are drawn. For that, functions take
`image` (case,), a number of the image of each case. If it is None, or no image occurs twice, each outcome is an image of its
own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import scipy  # `scipy.stats`, which takes half a second, is imported on first use, by the bootstrap
from scipy import special

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
TINY = np.finfo(float).tiny
Z = special.ndtri((1 + CONFIDENCE) / 2)  # the normal distribution's quantile
RESAMPLES = 2000  # of the bootstrap over classes
RESAMPLES_AT_ONCE = 100  # each takes three numbers per class in memory


def proportion(successes: int, n: int) -> tuple[float, float, float]:
    """Compute a proportion and its 95 % interval by Wilson (1927): value, low, high; NaN if n is 0.

    The interval contains every p for which the observed proportion is at most z standard errors √(p(1−p)/n) away.
    """
    if n == 0:
        return np.nan, np.nan, np.nan
    p = successes / n
    middle = (successes + Z**2 / 2) / (n + Z**2)
    half = Z * np.sqrt(n * p * (1 - p) + Z**2 / 4) / (n + Z**2)
    return p, middle - half if successes else 0.0, middle + half if successes < n else 1.0


def paired_difference(
    before: np.ndarray, after: np.ndarray, image: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Compute the mean of after − before over the same images and its 95 % interval: value, low, high; NaN without images.

    before, after: (case,), boolean. image: (case,), see the module.

    The interval is the adjusted Wald interval of Bonett and Price (2012, doi 10.1002/sim.4355): one imaginary image that is
    corrected and one that is broken are added, so that the interval keeps its coverage if few images change. With several
    cases per image, it is that of the ratio of two sums over images, with two such imaginary images, each with the mean
    number of cases.
    """
    n = len(before)
    if n == 0:
        return np.nan, np.nan, np.nan
    if has_several_cases(image):
        change = after.astype(float) - before
        total, count = _by_image(change, image)
        usual = count.mean()
        total, count = np.append(total, [usual, -usual]), np.append(count, [usual, usual])
        middle, residual = _ratio(total, count)
        half = Z * residual.std() / np.sqrt(len(total))
        return change.mean(), max(middle - half, -1), min(middle + half, 1)
    corrected, broken = np.sum(after & ~before), np.sum(before & ~after)
    p, q = (corrected + 1) / (n + 2), (broken + 1) / (n + 2)
    half = Z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (corrected - broken) / n, max(p - q - half, -1), min(p - q + half, 1)


def difference_of_gains(
    first: np.ndarray, second: np.ndarray, image: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Compute the mean of first − second, two gains over the same images, and its 95 % interval: value, low, high.

    first, second: (case,), each a difference of two outcomes in [0, 1], such as after − before by two kinds of labels.
    image: (case,), see the module.

    The interval is that of `paired_difference`, with two imaginary images of 1 and −1, cut to [−2, 2]. All are NaN without
    images.
    """
    n = len(first)
    if n == 0:
        return np.nan, np.nan, np.nan
    change = first - second
    total, count = _by_image(change, image) if has_several_cases(image) else (change, np.ones(n))
    usual = count.mean()
    middle, residual = _ratio(np.append(total, [usual, -usual]), np.append(count, [usual, usual]))
    half = Z * residual.std() / np.sqrt(len(residual))
    return change.mean(), max(middle - half, -2), min(middle + half, 2)


def mean_interval(values: np.ndarray, image: np.ndarray | None = None) -> tuple[float, float, float]:
    """Compute the mean of outcomes or expected outcomes and its 95 % interval: value, low, high; NaN without images.

    values: (case,), in [0, 1]. image: (case,), see the module.

    The interval is Wilson's if all values are 0 or 1, else Student's, cut to [0, 1]. With several cases per image, Wilson's
    is that of n independent cases, where n gives the variance of the mean over images (the design effect of Kish 1965) but
    is at most the number of cases; if all values are the same, n is the number of images.
    """
    if not is_binary(values):
        return _student(values, 0, 1, image)
    if not has_several_cases(image):
        return proportion(values.sum(), len(values))
    p = values.mean()
    _, residual = _ratio(*_by_image(values, image))
    variance, n_images = residual.var() / len(residual), len(residual)
    is_known = 0 < p < 1 and n_images > 1
    n = min(p * (1 - p) / max(variance, TINY), len(values)) if is_known else n_images
    _, low, high = proportion(p * n, n)
    return p, low, high


def paired_mean_difference(
    before: np.ndarray, after: np.ndarray, image: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Compute the mean of after − before over the same images and its 95 % interval: value, low, high.

    before, after: (case,), in [0, 1]. image: (case,), see the module. The interval is that of `paired_difference` if all
    values are 0 or 1, else Student's, cut to [−1, 1].
    """
    if is_binary(before) and is_binary(after):
        return paired_difference(before.astype(bool), after.astype(bool), image)
    return _student(after.astype(float) - before, -1, 1, image)


def class_mean(hit: np.ndarray, label: np.ndarray, image: np.ndarray) -> tuple[float, float, float]:
    """Compute the mean over classes of each class's mean and its 95 % interval: value, low, high; NaN without cases.

    hit: (case,), in [0, 1]. label, image: (case,), the class, and a number of the image. Only classes with a case count.

    A case weighs 1 / (classes × cases of its class). The interval is Student's over images, from the sums of weighted
    residuals of each image's cases; if all hits are 0 or all are 1, it is Wilson's for the number of images.
    """
    if len(hit) == 0:
        return np.nan, np.nan, np.nan
    _, of_class = np.unique(label, return_inverse=True)
    count = np.bincount(of_class)
    rate = np.bincount(of_class, hit) / count
    if hit.min() == hit.max() and is_binary(
        hit
    ):  # all residuals are 0: Student's interval would have no width
        return proportion(hit[0] * len(np.unique(image)), len(np.unique(image)))
    residual, _ = _by_image((hit - rate[of_class]) / (len(count) * count[of_class]), image)
    n, mean = len(residual), rate.mean()
    if n == 1:
        return mean, 0.0, 1.0
    half = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2) * residual.std(ddof=1) * np.sqrt(n)
    return mean, max(mean - half, 0), min(mean + half, 1)


def number_images(image: "Sequence[str] | pd.Series") -> np.ndarray | None:
    """Give each image a number, in order of first occurrence, from 0, (case,); return None if no image occurs twice.

    image: ids, (case,).
    """
    numbers: dict[str, int] = {}
    of_cases = [numbers.setdefault(one, len(numbers)) for one in image]
    return np.array(of_cases) if len(numbers) < len(of_cases) else None


def count_images(image: np.ndarray | None, n_cases: int) -> int:
    """Count the images of some cases; image: (case,), or None where each case is an image of its own."""
    return n_cases if image is None else len(np.unique(image))


def count_units(image: np.ndarray | None, n_cases: int) -> dict[str, int]:
    """Count the images of some cases, and the cases where images show several classes, as fields of a table.

    image: (case,), or None where each case is an image of its own. Returns n_images, and n_cases if some image occurs twice.
    """
    units = {"n_images": count_images(image, n_cases)}
    return units | ({"n_cases": n_cases} if has_several_cases(image) else {})


def has_several_cases(image: np.ndarray | None) -> TypeGuard[np.ndarray]:
    """Return whether some image occurs twice; image: (case,), or None where each case is an image of its own."""
    return image is not None and len(np.unique(image)) < len(image)


def _by_image(values: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum the values over each image's cases, (image,), and count the cases, (image,); values, image: (case,)."""
    _, number, count = np.unique(image, return_inverse=True, return_counts=True)
    return np.bincount(number, values), count


def _ratio(total: np.ndarray, count: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute Σ total / Σ count over images, and the images' residuals (image,).

    The ratio's standard error is, to first order, that of the mean of the residuals (Cochran 1977, section 6).
    """
    ratio = total.sum() / count.sum()
    return ratio, (total - ratio * count) / count.mean()


def is_binary(values: np.ndarray) -> bool:
    """Return whether all values are 0 or 1."""
    return bool(np.isin(values, (0, 1)).all())


def _student(
    values: np.ndarray, least: float, most: float, image: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Compute the mean of values (case,) and Student's 95 % interval, cut to [least, most], which is that of a single image.

    image: (case,), see the module.
    """
    mean = values.mean()
    units = _ratio(*_by_image(values, image))[1] if has_several_cases(image) else values
    n = len(units)
    if n == 1:
        return mean, least, most
    half = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2) * units.std(ddof=1) / np.sqrt(n)
    return mean, max(mean - half, least), min(mean + half, most)


def mcnemar(before: np.ndarray, after: np.ndarray, image: np.ndarray | None = None) -> tuple[int, int, float]:
    """Count the images corrected (wrong, then right) and broken (right, then wrong), and compute McNemar's exact p.

    before, after: (case,), boolean. image: (case,), see the module.

    p is two-sided. Under the null hypothesis an image that changes is as often corrected as broken; p is 1 if none changes.
    With several cases per image, an image counts as corrected if more of its cases are corrected than broken, and the
    reverse: the sign test over images.
    """
    change = after.astype(int) - before
    if has_several_cases(image):
        change, _ = _by_image(change, image)
    corrected, broken = int(np.sum(change > 0)), int(np.sum(change < 0))
    tail = special.bdtr(min(corrected, broken), corrected + broken, 0.5)  # of the binomial distribution
    return corrected, broken, min(2 * float(tail), 1.0)


def cluster_bootstrap(
    before: np.ndarray, after: np.ndarray, cluster: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    """Compute the 95 % interval of the mean of after − before by a bootstrap over clusters: low, high.

    before, after: (case,), in [0, 1]. cluster: (case,), the cluster of each case, such as its label.
    resamples: the number of resamples; each draws all cases of a cluster together, with replacement. seed: of the draws.

    The interval is that of percentiles. It is a sensitivity check, since images of one class are not independent; the cases
    of an image with several classes are drawn with their classes. NaN if there are fewer than two clusters.
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
    """Return a value and the ends of its interval as fields of a table: `name`, `name`_low, `name`_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust m p values by Holm's procedure (1979): p_(i) becomes the maximum over j ≤ i of (m − j + 1) p_(j), at most 1."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
