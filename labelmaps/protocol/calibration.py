"""Calibration: a ranking of readings by how well they reproduce the paper's numbers.

A reading interprets what the paper leaves open: how the sensor shifts (a view family with its options), and how a cell of a
saliency map leads to a view (the arrival).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from labelmaps.protocol.readings import ARRIVALS, EITHER
from labelmaps.protocol.verdicts import NARROW, REFUSED, TOO_FEW
from labelmaps.scoring.statistics import CONFIDENCE, count_units

# The standard error of the paper's numbers, as a fraction of images, the same for every term: that of the difference of two
# accuracies p over n = 50,000 images, √(2p(1−p)/n) ≲ 0.003. Their rounding to 0.1 % is negligible in comparison. It also
# keeps the covariance invertible if a method never moves the eye.
PAPER_ERROR = 0.003
# The errors of one number of the paper that two networks share have the correlation 1 − APART: with 1, the covariance would
# not be invertible if a method never moves the eye in both.
APART = 0.01
RESAMPLES_AT_ONCE = 100  # of the bootstrap; each takes 16 bytes per image


def terms_of(architecture: str, paper: pd.DataFrame) -> pd.DataFrame:
    """List the numbers of the paper with which a network of this architecture is compared, one row each.

    architecture: that of our network. paper: as in resources/paper.csv.

    The terms are gains (of x₀ over the standard crop, and of each method over x₀), so that a network may be right more or
    less often than the paper's. They are those of the paper's network with the most numbers, or of our architecture if it is
    one of several such. If the paper states fewer numbers for our architecture, these replace the other network's.

    Returns the columns term, its name; measure ("gain_over_standard_crop" of x₀, "gain" of a method); method; paper, the
    value as a fraction of images; paper_network, the network for which the paper states it.
    """
    n_numbers = paper.groupby("architecture", sort=False).size()
    fullest = architecture if n_numbers.get(architecture) == n_numbers.max() else n_numbers.idxmax()
    own = paper[paper["architecture"] == architecture] if architecture != fullest else paper.iloc[:0]
    others = paper[(paper["architecture"] == fullest) & ~paper["method"].isin(own["method"])]
    rows = pd.concat([own, others])
    at_x0 = rows["method"] == "center"
    rows = pd.concat([rows[at_x0], rows[~at_x0]])
    over = rows["accuracy_before"].where(rows["method"] != "center", rows["standard_crop"])
    return pd.DataFrame(
        {
            "term": "gain of " + rows["method"].replace("center", "x₀ over the standard crop"),
            "measure": np.where(rows["method"] == "center", "gain_over_standard_crop", "gain"),
            "method": rows["method"],
            "paper": rows["accuracy_after"] - over,
            "paper_network": rows["architecture"],
        }
    ).reset_index(drop=True)


def compute_estimates(outcomes: pd.DataFrame, terms: pd.DataFrame) -> np.ndarray:
    """Compute each image's contribution to each term, (image, term) int8 in −1, 0, 1; our value of a term is its mean.

    outcomes: one row per image, boolean: `standard_crop` and `before`, whether the network is right in the standard crop and
        at x₀, and one column per method, whether it is right after the saccade. For several networks, the columns of each
        are under its name.
    terms: as from `terms_of`; for several networks, the column model names the network of each term.
    """
    columns = []
    for term in terms.to_dict("records"):
        of_network = outcomes[term["model"]] if "model" in term else outcomes
        pair = ("standard_crop", "before") if term["method"] == "center" else ("before", term["method"])
        over, after = (of_network[name].to_numpy(np.int8) for name in pair)
        columns.append(after - over)
    return np.stack(columns, axis=1)


def make_paper_covariance(terms: pd.DataFrame) -> np.ndarray:
    """Compute the covariance of the errors of the paper's own numbers, (term, term).

    terms: as for `compute_estimates`.

    The variance is `PAPER_ERROR`². Terms of several networks that are compared with the same number of the paper share its
    error (correlation 1 − `APART`); all others are independent.
    """
    number = terms.groupby(["paper_network", "measure", "method"]).ngroup().to_numpy()
    is_same = number[:, None] == number
    return PAPER_ERROR**2 * np.where(np.eye(len(terms)), 1, (1 - APART) * is_same)


def join_networks(
    by_network: Mapping[str, Mapping[str, tuple[dict[str, str], pd.DataFrame]]],
) -> dict[str, tuple[dict[str, str], pd.DataFrame]]:
    """Join the outcomes of several networks, reading by reading.

    by_network: model → readings, as from `labelmaps.protocol.readings.readings_of`, of the same views and cases.

    If the arrivals differ for some network, a view gives two readings. A network for which they agree, or whose maps allow
    only one arrival, then has the same outcomes in both.

    Returns readings in the same form: name → (view and arrival, outcomes with the columns of each network under its name).
    """
    found: dict[str, dict[str, dict[str, pd.DataFrame]]] = {}
    for model, readings in by_network.items():
        for reading, outcomes in readings.values():
            found.setdefault(reading["view"], {}).setdefault(model, {})[reading["arrival"]] = outcomes
    joined = {}
    for view, by_model in found.items():
        differs = any("index" in arrivals for arrivals in by_model.values())
        for arrival in ("nearest", "index") if differs else (EITHER,):
            tables = {
                model: arrivals.get(arrival, next(iter(arrivals.values())))
                for model, arrivals in by_model.items()
            }
            reading = {"view": view, "arrival": arrival}
            joined[f"{view}{ARRIVALS[arrival]}"] = reading, pd.concat(tables, axis=1)
    return joined


def rank_readings(
    readings: Mapping[str, pd.DataFrame], terms: pd.DataFrame, resamples: int = 2000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank readings by their misfit to the paper, dᵀ (Σ + Σ_paper)⁻¹ d.

    readings: name → outcomes as for `compute_estimates`, indexed by image, or by image and label where images show several
        classes: means are then over these cases, and the bootstrap draws images with all of theirs.
    terms: as from `terms_of`; for several networks, those of each, with the column model.
    resamples: the number of resamples of the bootstrap. seed: of the bootstrap.

    d is the vector of ours − paper over the terms of one network, or of several, which then have one misfit. Σ is the
    covariance of ours, by a bootstrap over images, with the same resampled images for all terms, networks and readings.
    Σ_paper is as from `make_paper_covariance`.

    Returns (ranking, by_term), the best reading first. Readings that agree on every image are indistinguishable: they share
    one rank (1, 1, 3) and one best_share, and are in the order of their names.

    ranking has one row per reading: reading; rank; misfit; degrees, the number of terms; p, the χ² survival function of the
    misfit: how often the paper's own reading would fit no better, if no other were tried; best_share, the fraction of
    resamples in which no reading has a smaller misfit (with the same Σ as without resampling); n_images, and n_cases where
    images show several classes. The misfit has no interval: a resample adds its own noise to d, so that misfits of resamples
    are larger than the misfit itself, by up to `degrees` on average.

    by_term has one row per reading and term: reading; rank; model, term, method, measure, as in `terms`; ours and its 95 %
    interval (percentiles of the resamples); paper, paper_network; deviation, ours − paper; z, the deviation in units of the
    standard error of the difference.

    Raises `ValueError` if there is no reading or no image, if an image appears twice, or if the readings have different
    images.
    """
    names = sorted(readings)
    distinct, which, image = compute_distinct_estimates([readings[name] for name in names], terms)
    count = np.bincount(image)  # the number of cases of each image
    totals = np.add.reduceat(distinct, np.cumsum(count) - count, axis=1, dtype=np.int16)
    n, generator = len(count), np.random.default_rng(seed)
    resampled = np.empty((len(distinct), resamples, len(terms)))
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        drawn = generator.multinomial(n, np.full(n, 1 / n), size=min(RESAMPLES_AT_ONCE, resamples - start))
        weight = drawn / (drawn @ count)[:, None]
        for reading, total in zip(resampled, totals, strict=True):
            reading[start : start + len(weight)] = weight @ total.astype(float)
    covariance = compute_covariances(resampled) + make_paper_covariance(terms)
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
    what = [key for key in ("model", "term", "method", "measure") if key in terms]
    by_term = pd.concat(
        [
            terms[what].assign(
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
    """Add the verdict on each reading to its row in the ranking: "refused" if p < `REFUSED`, else "not refused".

    ranking, by_term: as from `rank_readings`.
    obstacle: as from `labelmaps.protocol.verdicts.find_obstacle`, or another reason why these outcomes cannot be compared
        with the paper's numbers; else an empty text.

    If the interval of some term reaches more than `NARROW` to either side, hardly any reading could be refused by this
    sample, so that "not refused" becomes "too few images". If there is an obstacle, it is the verdict on all readings, which
    are then in the order of their names, with rank, p and best_share missing; the other numbers stay.

    Returns the two tables.
    """
    if not obstacle:
        half = (by_term["ours_high"] - by_term["ours_low"]) / 2
        widest = half.groupby(by_term["reading"]).max()[ranking["reading"]].to_numpy()
        passed = np.where(widest <= NARROW, "not refused", TOO_FEW)
        verdict = np.where(ranking["p"] < REFUSED, "refused", passed)
        return ranking.assign(verdict=verdict), by_term
    by_name = [table.sort_values("reading", kind="stable", ignore_index=True) for table in (ranking, by_term)]
    withheld = {"p": np.nan, "best_share": np.nan, "verdict": obstacle}
    missing = [pd.array([pd.NA] * len(table), "Int64") for table in by_name]
    return by_name[0].assign(rank=missing[0], **withheld), by_name[1].assign(rank=missing[1])


def compute_distinct_estimates(
    readings: list[pd.DataFrame], terms: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the estimates of distinct readings, and for each reading the index of its estimates among them.

    readings: outcomes as for `rank_readings`. Readings that agree on every image count as one. Images are sorted.

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
        raise ValueError("the readings have different images")
    by_reading = np.stack([compute_estimates(outcomes, terms) for outcomes in readings])
    distinct, which = np.unique(by_reading, axis=0, return_inverse=True)
    return distinct, which.ravel(), pd.factorize(cases.get_level_values(0))[0]


def compute_covariances(resampled: np.ndarray) -> np.ndarray:
    """Compute the covariance between terms over the resamples of each reading, (reading, term, term).

    resampled: (reading, resample, term).
    """
    centred = resampled - resampled.mean(axis=1, keepdims=True)
    return centred.mT @ centred / (resampled.shape[1] - 1)


def compute_misfits(deviation: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Compute dᵀ C⁻¹ d for each deviation d, (reading, sample).

    deviation: (reading, sample, term). covariance: (reading, term, term), C of each reading.
    """
    return (deviation * np.linalg.solve(covariance, deviation.mT).mT).sum(axis=-1)
