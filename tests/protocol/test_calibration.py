"""The calibration: what is held against the paper, and how far from it each reading is."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from labelmaps.protocol.calibration import (
    PAPER_ERROR,
    compute_estimates,
    judge_readings,
    rank_readings,
    terms_of,
)
from pipeline.sources import ROOT

PAPER = pd.read_csv(ROOT / "resources/paper.csv", comment="#")
METHODS = ["likelihood", "gradcam", "max_logit", "igub", "dff"]
TERMS = terms_of("resnet18", PAPER)


def terms(*rows):
    return pd.DataFrame(rows, columns=["term", "measure", "method", "paper", "paper_network"])


def outcomes(seed, n=40, probability=0.6):
    """Each image is right before and after each saccade by chance; the columns are correlated through the image."""
    generator = np.random.default_rng(seed)
    uniform = (generator.random((n, 1)) + generator.random((n, 1 + len(METHODS)))) / 2
    return pd.DataFrame(uniform < probability, columns=["before", *METHODS])


def toy(before, **after):
    return pd.DataFrame({"before": before} | after).astype(bool)


TOY = toy([1, 0, 0, 1], igub=[1, 1, 0, 1], dff=[0, 0, 1, 1])
TOY_TERMS = terms(
    ("a", "accuracy_before", "center", 0.5, "p"),
    ("b", "accuracy_after", "igub", 0.5, "p"),
    ("c", "gain", "dff", 0.25, "q"),
)


@pytest.mark.parametrize("architecture", ["resnet101", "resnet50"])
def test_the_terms_are_the_gains_of_the_network_of_which_the_paper_states_most(architecture):
    found = terms_of(architecture, PAPER)
    assert found["term"].tolist() == [f"gain of {method}" for method in METHODS]
    assert found["method"].tolist() == METHODS
    assert found["paper"].tolist() == pytest.approx([0.170, 0.031, -0.038, 0.024, -0.021])
    assert set(found["measure"]) == {"gain"}
    assert set(found["paper_network"]) == {"resnet101"}


def test_a_networks_own_accuracies_stand_in_place_of_the_other_networks_gain():
    assert TERMS[["term", "measure", "method", "paper_network"]].to_numpy().tolist() == [
        ["accuracy at x₀", "accuracy_before", "center", "resnet18"],
        ["accuracy of likelihood", "accuracy_after", "likelihood", "resnet18"],
        ["gain of gradcam", "gain", "gradcam", "resnet101"],
        ["gain of max_logit", "gain", "max_logit", "resnet101"],
        ["gain of igub", "gain", "igub", "resnet101"],
        ["gain of dff", "gain", "dff", "resnet101"],
    ]
    assert TERMS["paper"].tolist() == pytest.approx([0.613, 0.878, 0.031, -0.038, 0.024, -0.021])


def test_the_terms_are_read_from_the_table():
    paper = PAPER.assign(accuracy_after=PAPER["accuracy_after"] + 0.01)
    gains = terms_of("resnet101", paper)["paper"] - terms_of("resnet101", PAPER)["paper"]
    assert gains.tolist() == pytest.approx([0.01] * 5)


def test_estimates_by_hand():
    assert compute_estimates(TOY, TOY_TERMS).T.tolist() == [[1, 0, 0, 1], [1, 1, 0, 1], [-1, 0, 1, 0]]


def of_cases(table, cases):
    """Index outcomes by image and label: the row of each image as often as `cases` says, with the labels 0, 1 …"""
    rows = np.repeat(np.arange(len(table)), cases)
    label = np.concatenate([np.arange(n) for n in cases])
    return table.iloc[rows].set_index(pd.MultiIndex.from_arrays([rows, label], names=["image", "label"]))


def test_cases_that_repeat_their_image_change_no_misfit():
    readings = {name: outcomes(seed) for seed, name in enumerate("abc")}
    ranking, by_term = rank_readings(readings, TERMS, 200)
    twice = {name: of_cases(table, np.full(40, 2)) for name, table in readings.items()}
    found, found_by_term = rank_readings(twice, TERMS, 200)
    pd.testing.assert_frame_equal(found.drop(columns="n_cases"), ranking)
    pd.testing.assert_frame_equal(found_by_term, by_term)


def test_the_means_of_a_ranking_are_over_cases_and_its_images_are_counted():
    table = toy([1, 0], igub=[1, 1], dff=[0, 1])
    ranking, by_term = rank_readings({"a": of_cases(table, [3, 1])}, TOY_TERMS, 50)
    assert ranking["n_images"].tolist() == [2]
    assert by_term["ours"].tolist() == pytest.approx([3 / 4, 1, -2 / 4])


def test_by_hand_one_term():
    """One image in four right: the bootstrap's variance is p(1 − p)/n, to 10 % (five sampling errors at 5000 resamples)."""
    one = terms(("accuracy at x₀", "accuracy_before", "center", 0.75, "p"))
    ranking, by_term = rank_readings({"r": toy([1, 0, 0, 0])}, one, resamples=5000)
    variance = 0.25 * 0.75 / 4
    assert ranking["misfit"][0] == pytest.approx(0.5**2 / (variance + PAPER_ERROR**2), rel=0.1)
    assert ranking["p"][0] == stats.chi2.sf(ranking["misfit"][0], 1)
    assert ranking.drop(columns=["misfit", "p"]).to_dict("records") == [
        {"reading": "r", "rank": 1, "degrees": 1, "best_share": 1.0, "n_images": 4}
    ]
    row = by_term.iloc[0]
    assert row[["ours", "ours_low", "ours_high", "paper", "deviation"]].tolist() == [
        0.25,
        0,
        0.75,
        0.75,
        -0.5,
    ]
    assert row["z"] == pytest.approx(-np.sqrt(ranking["misfit"][0]))
    assert row[["reading", "rank", "term", "method", "measure", "paper_network"]].tolist() == [
        *("r", 1, "accuracy at x₀", "center", "accuracy_before", "p")
    ]


def test_by_hand_several_terms():
    """Σ by its formula, the covariance of means; of the bootstrap's entries, 5 % of the standard deviations' product off."""
    of_image = compute_estimates(TOY, TOY_TERMS)
    covariance = np.cov(of_image.T, ddof=0) / len(of_image) + PAPER_ERROR**2 * np.eye(3)
    deviation = np.array([0.0, 0.25, -0.25])
    ranking, by_term = rank_readings({"r": TOY}, TOY_TERMS, resamples=20_000)
    assert by_term["deviation"].tolist() == deviation.tolist()
    assert ranking["misfit"][0] == pytest.approx(deviation @ np.linalg.inv(covariance) @ deviation, rel=0.1)
    assert by_term["z"].tolist() == pytest.approx(deviation / np.sqrt(np.diag(covariance)), rel=0.05)


def test_the_covariance_is_that_of_means():
    """A bootstrap covariance has sampling error √((s_ii s_jj + s_ij²)/B) (Wishart): all entries lie within five of it.

    With the deviations at hand, misfits of many made-up papers determine Σ: m(d) is a quadratic form.
    """
    data, resamples = outcomes(3, n=200), 2000
    of_image = compute_estimates(data, TERMS)
    analytic = np.cov(of_image.T, ddof=0) / len(data)
    ours, size = of_image.mean(axis=0), len(TERMS)

    def misfit(deviation):
        table = TERMS.assign(paper=ours - deviation)
        return rank_readings({"r": data}, table, resamples)[0]["misfit"][0]

    unit = np.eye(size)
    inverse = np.diag([misfit(a) for a in unit])
    for i, j in combinations(range(size), 2):
        inverse[i, j] = inverse[j, i] = (misfit(unit[i] + unit[j]) - inverse[i, i] - inverse[j, j]) / 2
    bootstrap = np.linalg.inv(inverse) - PAPER_ERROR**2 * unit
    variance = np.diag(analytic)
    error = np.sqrt((np.outer(variance, variance) + analytic**2) / resamples)
    assert np.all(np.abs(bootstrap - analytic) < 5 * error)


def test_a_reading_with_the_papers_numbers_fits_exactly():
    exact = outcomes(0)
    table = TERMS.assign(paper=compute_estimates(exact, TERMS).mean(axis=0))
    ranking, by_term = rank_readings({"other": outcomes(1), "exact": exact}, table)
    assert ranking["reading"].tolist() == ["exact", "other"]
    assert ranking["rank"].tolist() == [1, 2]
    assert ranking["misfit"][0] == 0
    assert ranking["p"][0] == 1
    assert ranking["misfit"][1] > 1
    assert (by_term["z"][: len(TERMS)] == 0).all()


def test_the_order_of_readings_of_columns_and_of_images_does_not_matter():
    readings = {str(seed): outcomes(seed) for seed in range(5)}
    expected = rank_readings(readings, TERMS)
    shuffled = {name: readings[name].iloc[::-1, ::-1] for name in "31402"}
    for one, other in zip(expected, rank_readings(shuffled, TERMS), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_the_order_of_terms_does_not_matter():
    readings = {str(seed): outcomes(seed) for seed in range(5)}
    one, other = (rank_readings(readings, table)[0] for table in (TERMS, TERMS[::-1]))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_the_same_seed_gives_the_same_another_seed_nearly():
    readings = {"a": outcomes(0), "b": outcomes(1)}
    first, again, other = (rank_readings(readings, TERMS, seed=seed)[0] for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert first["misfit"].tolist() != other["misfit"].tolist()
    assert first["misfit"].tolist() == pytest.approx(other["misfit"].tolist(), rel=0.2)


def test_readings_that_agree_on_every_image_share_a_rank_and_their_wins():
    same = {name: outcomes(0) for name in "bda"}
    others = {"c": outcomes(1), "worst": outcomes(2, probability=0.1)}
    ranking, by_term = rank_readings(same | others, TERMS)
    ranking = ranking.set_index("reading")
    assert ranking.index.tolist() == ["a", "b", "d", "c", "worst"]
    assert ranking.loc["a"].equals(ranking.loc["b"])
    assert ranking.loc["a"].equals(ranking.loc["d"])
    assert ranking["rank"].tolist() == [1, 1, 1, 4, 5]
    assert ranking.loc[["a", "c", "worst"], "best_share"].sum() == 1
    assert 0 < ranking.loc["c", "best_share"] < 1
    assert by_term["reading"].tolist() == np.repeat(ranking.index, len(TERMS)).tolist()
    assert by_term["rank"].tolist() == np.repeat(ranking["rank"], len(TERMS)).tolist()


def test_the_same_images_are_resampled_for_all_readings():
    """Each image is right for one reading more often than for the other: with unpaired images the better would lose some."""
    generator = np.random.default_rng(0)
    worse = generator.random(100) < 0.5
    better = worse.copy()
    better[np.flatnonzero(~worse)[:3]] = True
    one = terms(("accuracy at x₀", "accuracy_before", "center", 1.0, "p"))
    ranking, _ = rank_readings({"worse": toy(worse), "better": toy(better)}, one)
    share = ranking.set_index("reading")["best_share"]
    # Only where none of the three is drawn (0.97¹⁰⁰ = 4.8 %) are the two equal, and the one with the larger Σ wins.
    assert share["better"] > 0.93
    assert share["worse"] < 0.07


def test_a_method_that_never_moves_the_eye():
    """Its gain has no variance: the paper's own error alone says how far 3.1 points are."""
    still = outcomes(0).assign(gradcam=lambda table: table["before"])
    only = TERMS[TERMS["method"] == "gradcam"]
    ranking, by_term = rank_readings({"r": still}, only)
    assert by_term[["ours", "ours_low", "ours_high"]].iloc[0].tolist() == [0, 0, 0]
    assert ranking["misfit"][0] == pytest.approx((0.031 / PAPER_ERROR) ** 2)
    whole, _ = rank_readings({"r": still, "moving": outcomes(0)}, TERMS)
    assert whole["reading"].tolist() == ["moving", "r"]
    assert np.isfinite(whole["misfit"]).all()


def test_one_image_is_enough():
    ranking, by_term = rank_readings({"r": outcomes(0, n=1)}, TERMS)
    assert ranking["n_images"][0] == 1
    assert by_term["z"].tolist() == pytest.approx((by_term["deviation"] / PAPER_ERROR).tolist())


def test_readings_of_other_images_are_refused():
    readings = {"a": outcomes(0), "b": outcomes(1).rename({0: 99})}
    with pytest.raises(ValueError, match="not of the same images"):
        rank_readings(readings, TERMS)
    with pytest.raises(ValueError, match="not of the same images"):
        rank_readings({"a": outcomes(0), "b": outcomes(1, n=41)}, TERMS)
    with pytest.raises(ValueError, match="twice"):
        rank_readings({"a": outcomes(0).rename({0: 1})}, TERMS)


@pytest.mark.parametrize("readings", [{}, {"a": outcomes(0, n=0)}])
def test_nothing_to_calibrate_is_refused(readings):
    with pytest.raises(ValueError, match="needs a reading, and images"):
        rank_readings(readings, TERMS)


def test_readings_are_refused_or_not_by_their_p():
    ranked = rank_readings({f"r{seed}": outcomes(seed) for seed in range(5)}, TERMS)
    ranking, by_term = judge_readings(*ranked, "")
    assert ranking["verdict"].tolist() == ["refused" if p < 0.05 else "not refused" for p in ranking["p"]]
    pd.testing.assert_frame_equal(ranking.drop(columns="verdict"), ranked[0])
    pd.testing.assert_frame_equal(by_term, ranked[1])


def test_where_there_can_be_no_verdict_the_numbers_stand_without_rank_or_p():
    ranked = rank_readings({f"r{seed}": outcomes(seed) for seed in (3, 1, 2)}, TERMS)
    ranking, by_term = judge_readings(*ranked, "different images")
    assert ranking["reading"].tolist() == ["r1", "r2", "r3"]
    assert by_term["reading"].tolist() == np.repeat(["r1", "r2", "r3"], len(TERMS)).tolist()
    assert ranking[["rank", "p", "best_share"]].isna().all(axis=None)
    assert by_term["rank"].isna().all()
    assert set(ranking["verdict"]) == {"different images"}
    misfits = ranked[0].set_index("reading")["misfit"]
    assert ranking.set_index("reading")["misfit"].equals(misfits.sort_index())
    assert by_term["z"].notna().all()
