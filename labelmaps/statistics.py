"""Proportions with their uncertainty, and the summary of a run."""

import numpy as np
import pandas as pd
from scipy import stats

from labelmaps.scores import HIT, SKIPPED

CONFIDENCE = 0.95


def proportion(successes: int, n: int) -> tuple[float, float, float]:
    """A proportion and its 95 % Wilson interval; NaN where there is nothing to count."""
    if n == 0:
        return np.nan, np.nan, np.nan
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(CONFIDENCE, method="wilson")
    return successes / n, interval.low, interval.high


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
    half = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (corrected - broken) / n, max(p - q - half, -1), min(p - q + half, 1)


def summarise(scores: pd.DataFrame) -> dict[str, float]:
    """The summary of one method: `scores` has one row per image, as from `score_fixations`.

    Fractions with 95 % intervals (`_low`, `_high`): accuracy before and after the saccade, the gain between them, the
    Pointing Game over the images with a box, and the accuracy of the labels that the method itself gives (NaN where it
    gives none). n_dead counts the maps that said nothing, whose eye stayed at the centre.
    """
    n = len(scores)
    before, after = scores["correct_before"].to_numpy(bool), scores["correct_after"].to_numpy(bool)
    pointed = scores.loc[scores["pointing"] != SKIPPED, "pointing"]
    own = scores["correct_own"].dropna()
    measures = {
        "accuracy_before": proportion(before.sum(), n),
        "accuracy_after": proportion(after.sum(), n),
        "gain": paired_difference(before, after),
        "pointing": proportion((pointed == HIT).sum(), len(pointed)),
        "accuracy_own": proportion(own.sum(), len(own)),
    }
    summary = {"n_images": n, "n_pointing": len(pointed), "n_dead": int(scores["dead"].sum())}
    for name, (value, low, high) in measures.items():
        summary |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return summary
