"""Calibration: a ranking of readings by how well they reproduce the paper's numbers.

A reading interprets what the paper leaves open: how the sensor shifts (a view family with its options), and how a cell of a
saliency map leads to a view (the arrival).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from labelmaps.protocol.verdicts import REFUSED
from labelmaps.scoring.statistics import CONFIDENCE, count_units

# The standard error of the paper's numbers, as a fraction of images, the same for every term: that of the difference of two
# accuracies p over n = 50,000 images, √(2p(1−p)/n) ≲ 0.003. Their rounding to 0.1 % is negligible in comparison. It also
# keeps the covariance invertible if a method never moves the eye.
PAPER_ERROR = 0.003


def terms_of(architecture: str, paper: pd.DataFrame) -> pd.DataFrame:
    """List the numbers of the paper with which a network of this architecture is compared, one row each.

    architecture: of our network. paper: as in resources/paper.csv.

    The terms are the gains over x₀ of the network for which the paper states most numbers; of our network, if it is one of
    several such. If the paper states fewer numbers for our network, its accuracies at x₀ and after the saccade are terms,
    and replace the gains of the other network with the same methods.

    Returns the columns term, its name; measure ("gain", "accuracy_before", "accuracy_after"); method; paper, the value as a
    fraction of images; paper_network, the network for which the paper states it.
    """
    n_numbers = paper.groupby("architecture", sort=False).size()
    fullest = architecture if n_numbers.get(architecture) == n_numbers.max() else n_numbers.idxmax()
    own = paper[paper["architecture"] == architecture] if architecture != fullest else paper.iloc[:0]
    gains = paper[(paper["architecture"] == fullest) & ~paper["method"].isin([*own["method"], "center"])]
    after = own[own["method"] != "center"]
    return pd.concat(
        [
            make_terms(
                "accuracy_before", "accuracy at x₀", own[own["method"] == "center"], own["accuracy_before"]
            ),
            make_terms("accuracy_after", "accuracy of " + after["method"], after, after["accuracy_after"]),
            make_terms(
                "gain",
                "gain of " + gains["method"],
                gains,
                gains["accuracy_after"] - gains["accuracy_before"],
            ),
        ],
        ignore_index=True,
    )


def make_terms(measure: str, name: str | pd.Series, rows: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """Make one term of each of these rows of the paper's numbers; the columns are those of `terms_of`.

    name: of the terms, one for all or one for each row. value: with the row labels of `rows`, among others.
    """
    return pd.DataFrame(
        {
            "term": name,
            "measure": measure,
            "method": rows["method"],
            "paper": value.loc[rows.index],
            "paper_network": rows["architecture"],
        }
    )


def compute_estimates(outcomes: pd.DataFrame, terms: pd.DataFrame) -> np.ndarray:
    """Compute each image's contribution to each term, (image, term) float in −1, 0, 1; our value of a term is its mean.

    outcomes: one row per image, boolean: `before`, whether the network is right at x₀, and one column per method, whether it
        is right after the saccade.
    terms: as from `terms_of`.
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

    readings: name → outcomes as for `compute_estimates`, indexed by image, or by image and label where images show several
        classes: means are then over these cases, and the bootstrap draws images with all of theirs.
    terms: as from `terms_of`.
    resamples: the number of resamples of the bootstrap, which takes resamples × images × 16 bytes. seed: of the bootstrap.

    d is the vector of ours − paper over the terms. Σ is the covariance of ours, by a bootstrap over images, with the same
    resampled images for all terms and readings. Σ_paper is diagonal, with PAPER_ERROR² for each term.

    Returns (ranking, by_term), the best reading first. Readings that agree on every image are indistinguishable: they share
    one rank (1, 1, 3) and one best_share, and are in the order of their names.

    ranking has one row per reading: reading; rank; misfit; degrees, the number of terms; p, the χ² survival function of the
    misfit: how often the paper's own reading would fit no better, if no other were tried; best_share, the fraction of
    resamples in which no reading has a smaller misfit (with the same Σ as without resampling); n_images. The misfit has no
    interval: a resample adds its own noise to d, so that misfits of resamples are larger than the misfit itself, by up to
    `degrees` on average.

    by_term has one row per reading and term: reading; rank; term, method, measure, as in `terms`; ours and its 95 % interval
    (percentiles of the resamples); paper, paper_network; deviation, ours − paper; z, the deviation in units of the standard
    error of the difference.

    Raises `ValueError` if there is no reading or no image, if an image appears twice, or if the readings have different
    images.
    """
    names = sorted(readings)
    distinct, which, image = compute_distinct_estimates([readings[name] for name in names], terms)
    count = np.bincount(image)  # of each image's cases
    totals = np.add.reduceat(distinct, np.cumsum(count) - count, axis=1)
    n = len(count)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    resampled = (drawn / (drawn @ count)[:, None]) @ totals  # (reading, resample, term)
    covariance = compute_covariances(resampled) + PAPER_ERROR**2 * np.eye(len(terms))
    paper = terms["paper"].to_numpy()
    ours = distinct.mean(axis=1)
    misfit = compute_misfits(ours[:, None] - paper, covariance)[:, 0]
    resampled_misfit = compute_misfits(resampled - paper, covariance)
    best_share = (resampled_misfit == resampled_misfit.min(axis=0)).mean(axis=1)
    ranking = pd.DataFrame(
        {
            "reading": names,
            "rank": stats.rankdata(misfit[which], method="min").astype(int),
            "misfit": misfit[which],
            "degrees": len(terms),
            "p": stats.chi2.sf(misfit[which], len(terms)),
            "best_share": best_share[which],
            **count_units(image, len(image)),
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


def judge_readings(
    ranking: pd.DataFrame, by_term: pd.DataFrame, obstacle: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the verdict on each reading to its row in the ranking: "refused" where p < `REFUSED`, else "not refused".

    ranking, by_term: as from `rank_readings`.
    obstacle: as from `labelmaps.protocol.verdicts.find_obstacle`, or a like reason why these outcomes cannot be held against
        the paper's numbers. It then takes the place of all verdicts, the readings are in the order of their names, and rank,
        p and best_share are missing; the numbers stay.

    Returns the two tables.
    """
    if not obstacle:
        verdict = np.where(ranking["p"] < REFUSED, "refused", "not refused")
        return ranking.assign(verdict=verdict), by_term
    by_name = [table.sort_values("reading", kind="stable", ignore_index=True) for table in (ranking, by_term)]
    withheld = {"p": np.nan, "best_share": np.nan, "verdict": obstacle}
    missing = [pd.array([pd.NA] * len(table), "Int64") for table in by_name]
    return by_name[0].assign(rank=missing[0], **withheld), by_name[1].assign(rank=missing[1])


def compute_distinct_estimates(
    readings: list[pd.DataFrame], terms: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the estimates of distinct readings, and for each reading the index of its own among them.

    Readings that agree on every image count as one. The images are sorted.

    Returns the estimates, (distinct reading, case, term), the indices, (reading,), and each case's image, from 0, (case,).
    Raises `ValueError` as `rank_readings` does.
    """
    readings = [outcomes.sort_index() for outcomes in readings]
    if not readings or readings[0].empty:
        raise ValueError("a calibration needs a reading, and images")
    cases = readings[0].index
    if not cases.is_unique:
        raise ValueError("an image appears twice")
    if not all(outcomes.index.equals(cases) for outcomes in readings):
        raise ValueError("the readings are not of the same images")
    by_reading = np.stack([compute_estimates(outcomes, terms) for outcomes in readings])
    distinct, which = np.unique(by_reading, axis=0, return_inverse=True)
    return distinct, which.ravel(), pd.factorize(cases.get_level_values(0))[0]


def compute_covariances(resampled: np.ndarray) -> np.ndarray:
    """Compute the covariance between terms over the resamples: (reading, resample, term) → (reading, term, term)."""
    centred = resampled - resampled.mean(axis=1, keepdims=True)
    return centred.mT @ centred / (resampled.shape[1] - 1)


def compute_misfits(deviation: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Compute dᵀ C⁻¹ d for each deviation d, (reading, sample).

    deviation: (reading, sample, term). covariance: (reading, term, term), C of each reading.
    """
    return (deviation * np.linalg.solve(covariance, deviation.mT).mT).sum(axis=-1)
