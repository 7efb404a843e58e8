"""Calibration: which reading of what the paper leaves open gives the paper's numbers.

A reading says how the sensor shifts (a view family with its options), and how a cell of a glimpse's map leads to a view.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from labelmaps.scoring.statistics import CONFIDENCE

# The paper's own standard error, as a fraction of images, the same for every term: that of the difference between two
# accuracies p over n = 50,000 images, √(2p(1−p)/n) ≲ 0.003, beside which its rounding to 0.1 % is nothing. It also keeps
# the covariance invertible where a method never moves the eye.
PAPER_ERROR = 0.003


def terms_of(architecture: str, paper: pd.DataFrame) -> pd.DataFrame:
    """List the numbers of the paper with which a network of this architecture is compared, one row each.

    paper: as in resources/paper.csv. The terms are the gains over x₀ of the network of which the paper states most (of this
    one, where it is such a network). Of a network of which the paper states less, the accuracies at x₀ and after the saccade
    are terms themselves, and stand in place of the other network's gain with the same method.

    Columns: term, its name; measure ("gain", "accuracy_before", "accuracy_after"); method; paper, the value as a fraction of
    images; paper_network, whose it is.
    """
    stated = paper.groupby("architecture", sort=False).size()
    fullest = architecture if stated.get(architecture) == stated.max() else stated.idxmax()
    own = paper[paper["architecture"] == architecture] if architecture != fullest else paper.iloc[:0]
    gains = paper[(paper["architecture"] == fullest) & ~paper["method"].isin([*own["method"], "center"])]
    after = own[own["method"] != "center"]
    return pd.concat(
        [
            as_terms(
                "accuracy_before", "accuracy at x₀", own[own["method"] == "center"], own["accuracy_before"]
            ),
            as_terms("accuracy_after", "accuracy of " + after["method"], after, after["accuracy_after"]),
            as_terms(
                "gain",
                "gain of " + gains["method"],
                gains,
                gains["accuracy_after"] - gains["accuracy_before"],
            ),
        ],
        ignore_index=True,
    )


def as_terms(measure: str, name: str | pd.Series, stated: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """One term for each of these rows of the paper's numbers; columns as in `terms_of`."""
    return pd.DataFrame(
        {
            "term": name,
            "measure": measure,
            "method": stated["method"],
            "paper": value.loc[stated.index],
            "paper_network": stated["architecture"],
        }
    )


def estimates(outcomes: pd.DataFrame, terms: pd.DataFrame) -> np.ndarray:
    """Compute each image's contribution to each term, (image, term) float in −1, 0, 1; our value of a term is its mean.

    outcomes: one row per image, boolean: before, whether x₀ is classified correctly, and one column per method, whether the
    view after its saccade is. terms: as from `terms_of`.
    """
    before = outcomes["before"].to_numpy(float)
    columns = []
    for measure, method in zip(terms["measure"], terms["method"], strict=True):
        if measure == "accuracy_before":
            columns.append(before)
        else:
            after = outcomes[method].to_numpy(float)
            columns.append(after - before if measure == "gain" else after)
    return np.stack(columns, axis=1)


def rank_readings(
    readings: Mapping[str, pd.DataFrame], terms: pd.DataFrame, resamples: int = 2000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank readings by their misfit to the paper, dᵀ (Σ + Σ_paper)⁻¹ d.

    d is ours − paper over the terms. Σ is the covariance of ours, by a bootstrap over images: the same resampled images for
    all terms and readings. Σ_paper is diagonal, PAPER_ERROR² for each term. readings: name → outcomes as for `estimates`,
    indexed by image. Resampling takes resamples × images × 16 bytes.

    Returns (ranking, by_term), the best reading first. Readings that agree on every image cannot be told apart: they share
    one rank (1, 1, 3) and one best_share, and stand in the order of their names.

    ranking, a row per reading: reading; rank; misfit; degrees, the number of terms; p, the χ² survival of the misfit: how
    often a reading that is the paper's would fit no better, were it the only one tried; best_share, the share of resamples
    in which no reading has a smaller misfit (its Σ kept); n_images. The misfit has no interval: a resample adds noise of its
    own to d, so that resampled misfits lie above the misfit itself, by up to `degrees` on average.

    by_term, a row per reading and term: reading; rank; term, method, measure, as in `terms`; ours and its 95 % interval
    (percentiles of the resamples); paper, paper_network; deviation, ours − paper; z, that in standard errors of both.

    Raises `ValueError` where there is no reading, no image or an image twice, and where readings are not of the same images.
    """
    names = sorted(readings)
    distinct, which = distinct_estimates([readings[name] for name in names], terms)
    n = distinct.shape[1]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples) / n
    resampled = weights @ distinct  # (reading, resample, term)
    covariance = covariances(resampled) + PAPER_ERROR**2 * np.eye(len(terms))
    paper = terms["paper"].to_numpy()
    ours = distinct.mean(axis=1)
    misfit = misfits(ours[:, None] - paper, covariance)[:, 0]
    resampled_misfit = misfits(resampled - paper, covariance)
    best_share = (resampled_misfit == resampled_misfit.min(axis=0)).mean(axis=1)
    ranking = pd.DataFrame(
        {
            "reading": names,
            "rank": stats.rankdata(misfit[which], method="min").astype(int),
            "misfit": misfit[which],
            "degrees": len(terms),
            "p": stats.chi2.sf(misfit[which], len(terms)),
            "best_share": best_share[which],
            "n_images": n,
        }
    )
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=1)
    error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    by_term = pd.concat(
        [
            terms[["term", "method", "measure"]].assign(
                reading=name,
                rank=rank,
                ours=ours[i],
                ours_low=low[i],
                ours_high=high[i],
                paper=paper,
                paper_network=terms["paper_network"],
                deviation=ours[i] - paper,
                z=(ours[i] - paper) / error[i],
            )
            for name, rank, i in zip(names, ranking["rank"], which, strict=True)
        ]
    )
    by_term = by_term[["reading", "rank", *by_term.columns.drop(["reading", "rank"])]]
    ranking, by_term = (
        table.sort_values("rank", kind="stable", ignore_index=True) for table in (ranking, by_term)
    )
    return ranking, by_term


def distinct_estimates(readings: list[pd.DataFrame], terms: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Compute the estimates of distinct readings, and for each reading the index of its own among them.

    Readings that agree on every image count once. Shapes: (distinct reading, image, term) and (reading,). Images are sorted.
    Raises `ValueError` as `rank_readings` does.
    """
    readings = [outcomes.sort_index() for outcomes in readings]
    if not readings or readings[0].empty:
        raise ValueError("a calibration needs a reading, and images")
    image = readings[0].index
    if not image.is_unique:
        raise ValueError("an image appears twice")
    if not all(outcomes.index.equals(image) for outcomes in readings):
        raise ValueError("the readings are not of the same images")
    by_reading = np.stack([estimates(outcomes, terms) for outcomes in readings])
    distinct, which = np.unique(by_reading, axis=0, return_inverse=True)
    return distinct, which.ravel()


def covariances(resampled: np.ndarray) -> np.ndarray:
    """Compute the covariance between terms over the resamples: (reading, resample, term) → (reading, term, term)."""
    centred = resampled - resampled.mean(axis=1, keepdims=True)
    return centred.mT @ centred / (resampled.shape[1] - 1)


def misfits(deviation: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Compute dᵀ C⁻¹ d: deviation (reading, sample, term), covariance (reading, term, term) → (reading, sample)."""
    return (deviation * np.linalg.solve(covariance, deviation.mT).mT).sum(axis=-1)
