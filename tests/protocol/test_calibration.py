"""The calibration: what is held against the paper, and how far from it each reading is."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from torchvision.models import ResNet18_Weights, ResNet101_Weights

from labelmaps.protocol.calibration import (
    PAPER_ERROR,
    compute_estimates,
    join_networks,
    judge_readings,
    make_paper_covariance,
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
    uniform = (generator.random((n, 1)) + generator.random((n, 2 + len(METHODS)))) / 2
    return pd.DataFrame(uniform < probability, columns=["standard_crop", "before", *METHODS])


def toy(before, **after):
    return pd.DataFrame({"standard_crop": False, "before": before} | after).astype(bool)


TOY = toy([1, 0, 0, 1], standard_crop=[0, 0, 0, 0], igub=[1, 1, 0, 1], dff=[0, 0, 1, 1])
TOY_TERMS = terms(
    ("a", "gain_over_standard_crop", "center", 0.5, "p"),
    ("b", "gain", "igub", 0, "p"),
    ("c", "gain", "dff", 0.25, "q"),
)
AT_X0 = ("gain of x₀ over the standard crop", "gain_over_standard_crop", "center")


@pytest.mark.parametrize("architecture", ["resnet101", "resnet50"])
def test_the_terms_are_the_gains_of_the_network_of_which_the_paper_states_most(architecture):
    found = terms_of(architecture, PAPER)
    assert found["term"].tolist() == [AT_X0[0], *(f"gain of {method}" for method in METHODS)]
    assert found["method"].tolist() == ["center", *METHODS]
    assert found["paper"].tolist() == pytest.approx([-0.04686, 0.170, 0.031, -0.038, 0.024, -0.021])
    assert found["measure"].tolist() == ["gain_over_standard_crop", *["gain"] * 5]
    assert set(found["paper_network"]) == {"resnet101"}


def test_a_networks_own_numbers_stand_in_place_of_the_other_networks():
    assert TERMS[["term", "measure", "method", "paper_network"]].to_numpy().tolist() == [
        [*AT_X0, "resnet18"],
        ["gain of likelihood", "gain", "likelihood", "resnet18"],
        ["gain of gradcam", "gain", "gradcam", "resnet101"],
        ["gain of max_logit", "gain", "max_logit", "resnet101"],
        ["gain of igub", "gain", "igub", "resnet101"],
        ["gain of dff", "gain", "dff", "resnet101"],
    ]
    assert TERMS["paper"].tolist() == pytest.approx([-0.08458, 0.265, 0.031, -0.038, 0.024, -0.021])


def test_no_term_is_an_accuracy_so_that_a_network_may_be_weaker():
    """One right in as many images fewer in every view and in the standard crop has the same value of every term."""
    strong = pd.DataFrame(True, range(100), ["standard_crop", "before", *METHODS])
    strong.iloc[:20, 1] = strong.iloc[10:40, 3] = False
    weak = strong & (np.arange(100) < 90)[:, None]
    means = [compute_estimates(table, TERMS).mean(axis=0) for table in (strong, weak)]
    np.testing.assert_allclose(*means)


def test_the_papers_networks_are_right_by_the_standard_crop_as_torchvision_states():
    weights = {"resnet18": ResNet18_Weights.IMAGENET1K_V1, "resnet101": ResNet101_Weights.IMAGENET1K_V2}
    for architecture, rows in PAPER.groupby("architecture"):
        stated = weights[architecture].meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100
        assert rows["standard_crop"].tolist() == pytest.approx([stated] * len(rows))


def test_the_terms_are_read_from_the_table():
    paper = PAPER.assign(accuracy_after=PAPER["accuracy_after"] + 0.01)
    gains = terms_of("resnet101", paper)["paper"] - terms_of("resnet101", PAPER)["paper"]
    assert gains.tolist() == pytest.approx([0.01] * 6)


def test_estimates_by_hand():
    assert compute_estimates(TOY, TOY_TERMS).T.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [-1, 0, 1, 0]]
    crop = compute_estimates(TOY.assign(standard_crop=[True, True, False, False]), TOY_TERMS)
    assert crop[:, 0].tolist() == [0, -1, 0, 1]


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
    assert by_term["ours"].tolist() == pytest.approx([3 / 4, 1 / 4, -2 / 4])


def test_by_hand_one_term():
    """One image in four right: the bootstrap's variance is p(1 − p)/n, to 10 % (five sampling errors at 5000 resamples)."""
    one = terms((*AT_X0, 0.75, "p"))
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
        *("r", 1, AT_X0[0], "center", "gain_over_standard_crop", "p")
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
    one = terms((*AT_X0, 1.0, "p"))
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
    with pytest.raises(ValueError, match="readings have different images"):
        rank_readings(readings, TERMS)
    with pytest.raises(ValueError, match="readings have different images"):
        rank_readings({"a": outcomes(0), "b": outcomes(1, n=41)}, TERMS)
    with pytest.raises(ValueError, match="twice"):
        rank_readings({"a": outcomes(0).rename({0: 1})}, TERMS)


@pytest.mark.parametrize("readings", [{}, {"a": outcomes(0, n=0)}])
def test_nothing_to_calibrate_is_refused(readings):
    with pytest.raises(ValueError, match="needs a reading, and images"):
        rank_readings(readings, TERMS)


@pytest.mark.parametrize(("n", "passed"), [(40, "too few images"), (6_000, "not refused")])
def test_readings_are_refused_or_not_by_their_p_where_the_sample_can_tell(n, passed):
    readings = {f"r{seed}": outcomes(seed, n) for seed in range(3)}
    terms = TERMS.assign(paper=compute_estimates(readings["r0"], TERMS).mean(axis=0))
    ranked = rank_readings(readings, terms, 200)
    ranking, by_term = judge_readings(*ranked, "")
    assert ranking["verdict"].tolist() == ["refused" if p < 0.05 else passed for p in ranking["p"]]
    assert passed in set(ranking["verdict"])
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


# Of several networks.

QUALITY = {  # how much each reading's views help: at x₀, and after the saccade of each method
    "right": (-0.2, 0.9, 0.0, -0.35, 0.0, -0.3),
    "blunt": (-0.2, 0.6, 0.3, 0.0, 0.1, 0.1),
    "sharp at x₀": (0.2, 0.9, 0.1, -0.1, 0.3, -0.1),
    "dull at x₀": (-0.5, 0.9, -0.3, -0.6, -0.2, -0.6),
}


def looks(ability, readings=tuple(QUALITY), n=1500, seed=0):
    """Outcomes of a network: right where its ability and the view's quality exceed the image's difficulty, and noise."""
    difficulty = np.random.default_rng(99).normal(0, 1, n)  # of the images, the same for all networks
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 0.4, (n, 2 + len(METHODS)))  # of the network, the same for all readings
    return {
        name: pd.DataFrame(
            ability + np.array([0, *QUALITY[name]]) + noise > difficulty[:, None],
            columns=["standard_crop", "before", *METHODS],
        )
        for name in readings
    }


def paper_of(outcomes):
    """The paper, if its one network had these outcomes."""
    mean = outcomes.mean()
    rows = [
        ("strong", "V1", mean["standard_crop"], name, mean["before"], mean[key])
        for name, key in (("center", "before"), *zip(METHODS, METHODS, strict=True))
    ]
    return pd.DataFrame(
        rows,
        columns=["architecture", "weights", "standard_crop", "method", "accuracy_before", "accuracy_after"],
    ).assign(pointing=np.nan)


def as_readings(tables, arrival="either"):
    return {name: ({"view": name, "arrival": arrival}, table) for name, table in tables.items()}


def joint(networks, paper):
    """The readings and the terms of several networks together."""
    readings = join_networks({model: as_readings(tables) for model, tables in networks.items()})
    terms = pd.concat(
        [terms_of("weaker", paper).assign(model=model) for model in networks], ignore_index=True
    )
    return {name: table for name, (_, table) in readings.items()}, terms


STRONG = looks(0.8, ["right"], n=20_000, seed=1)["right"]
WEAKER = {"weak": looks(0.45, seed=2), "weaker": looks(0.3, seed=3)}


def test_a_known_reading_is_found_again_though_the_networks_are_weaker():
    """By absolute accuracies it would be another, at whose x₀ a weak network is right as often as the paper's at its own."""
    paper = paper_of(STRONG)
    for tables in WEAKER.values():
        accuracy = {name: table["before"].mean() for name, table in tables.items()}
        stated = STRONG["before"].mean()
        assert stated - accuracy["right"] > 0.08
        assert min(accuracy, key=lambda name: abs(accuracy[name] - stated)) == "sharp at x₀"
        ranking, _ = rank_readings(tables, terms_of("weaker", paper), 100)
        assert ranking["reading"][0] == "right"
        assert ranking["best_share"][0] > 0.9
    ranking, by_term = rank_readings(*joint(WEAKER, paper), 100)
    assert ranking["reading"][0] == "right"
    assert ranking["degrees"].tolist() == [12] * 4
    assert set(by_term["model"]) == {"weak", "weaker"}


def test_networks_together_refuse_more_than_each_alone():
    paper = paper_of(STRONG)
    alone = [
        rank_readings(tables, terms_of("weaker", paper), 100)[0].set_index("reading")["misfit"]
        for tables in WEAKER.values()
    ]
    together = rank_readings(*joint(WEAKER, paper), 100)[0].set_index("reading")["misfit"]
    for name in QUALITY.keys() - {"right"}:
        assert together[name] > max(misfit[name] for misfit in alone)


def test_of_one_network_together_is_alone():
    paper = paper_of(STRONG)
    one = {"weak": WEAKER["weak"]}
    ranking, by_term = rank_readings(one["weak"], terms_of("weaker", paper), 200)
    together, together_by_term = rank_readings(*joint(one, paper), 200)
    pd.testing.assert_frame_equal(together, ranking)
    pd.testing.assert_frame_equal(together_by_term.drop(columns="model"), by_term)


def test_a_network_that_is_there_twice_adds_nothing():
    """The same images are drawn for both, so that their terms are known to be the same."""
    paper = paper_of(STRONG)
    twice = {"weak": WEAKER["weak"], "again": WEAKER["weak"]}
    alone, _ = rank_readings(WEAKER["weak"], terms_of("weaker", paper), 100)
    together, _ = rank_readings(*joint(twice, paper), 100)
    assert together["reading"].tolist() == alone["reading"].tolist()
    np.testing.assert_allclose(together["misfit"], alone["misfit"], rtol=0.01)


def test_methods_that_never_move_the_eye_in_two_networks():
    still = {"r": outcomes(0).assign(gradcam=lambda table: table["before"])}
    readings = {
        name: table for name, (_, table) in join_networks({m: as_readings(still) for m in "ab"}).items()
    }
    only = TERMS[TERMS["method"] == "gradcam"]
    both = pd.concat([only.assign(model=model) for model in "ab"], ignore_index=True)
    ranking, _ = rank_readings(readings, both)
    assert ranking["misfit"][0] == pytest.approx(
        (0.031 / PAPER_ERROR) ** 2, rel=0.01
    )  # the paper's one error, once


def test_the_papers_error_is_shared_by_terms_of_one_number():
    terms = pd.concat(
        [terms_of(name, PAPER).assign(model=name) for name in ("resnet18", "resnet50")], ignore_index=True
    )
    covariance = make_paper_covariance(terms) / PAPER_ERROR**2
    number = terms[["paper_network", "method"]].agg(" ".join, axis=1).to_numpy()
    np.testing.assert_allclose(covariance, np.where(np.eye(12), 1, 0.99 * (number[:, None] == number)))
    assert covariance[0, 6] == 0  # x₀ of ResNet-18, and of ResNet-101
    assert covariance[3, 9] == pytest.approx(0.99)  # ResNet-101's maximum logit, twice


def test_readings_are_joined_by_view_and_arrival():
    """One network's maps allow the nearest view alone, another's views agree, and a third's differ."""
    tables = [outcomes(seed) for seed in range(4)]
    differ = {"zoom, nearest view": ({"view": "zoom", "arrival": "nearest"}, tables[0])}
    differ["zoom, view by index"] = {"view": "zoom", "arrival": "index"}, tables[1]
    agree = {"zoom": ({"view": "zoom", "arrival": "either"}, tables[2])}
    only = {"zoom, nearest view": ({"view": "zoom", "arrival": "nearest"}, tables[3])}
    joined = join_networks({"a": differ, "b": agree, "c": only})
    assert [(name, what) for name, (what, _) in joined.items()] == [
        ("zoom, nearest view", {"view": "zoom", "arrival": "nearest"}),
        ("zoom, view by index", {"view": "zoom", "arrival": "index"}),
    ]
    for (_, table), of_a in zip(joined.values(), tables[:2], strict=True):
        for model, expected in (("a", of_a), ("b", tables[2]), ("c", tables[3])):
            pd.testing.assert_frame_equal(table[model], expected)
    ((name, (what, _)),) = join_networks({"b": agree, "c": only}).items()
    assert (name, what["arrival"]) == ("zoom", "either")
