"""Intervals and tests against closed formulas, scipy and enumeration; summaries by hand."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from labelmaps.scoring import statistics
from labelmaps.scoring.statistics import (
    cluster_bootstrap,
    holm,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_mean_difference,
    proportion,
)
from labelmaps.scoring.summary import (
    PAIR_COLUMNS,
    POINTING_COLUMNS,
    compare_pairs,
    pointing_table,
    summarise,
    summarise_null,
)

Z = 1.959963984540054  # of 95 %


def wilson(successes, n):
    p = successes / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return p, centre - half, centre + half


def bonett_price(corrected, broken, n):
    p, q = (corrected + 1) / (n + 2), (broken + 1) / (n + 2)
    half = Z * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (corrected - broken) / n, p - q - half, p - q + half


def outcomes(both, broken, corrected, neither):
    before = np.repeat([True, True, False, False], [both, broken, corrected, neither])
    after = np.repeat([True, False, True, False], [both, broken, corrected, neither])
    order = np.random.default_rng(0).permutation(len(before))
    return before[order], after[order]


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 10), (31000, 50000)])
def test_proportion_has_wilsons_interval(successes, n):
    value, low, high = proportion(successes, n)
    assert (value, low, high) == pytest.approx(wilson(successes, n), abs=1e-9)
    assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize("n", [1, 2, 7, 400, 50000])
def test_proportion_agrees_with_scipy(n):
    for successes in {0, 1, n // 3, n // 2, n - 1, n}:
        expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
        assert proportion(successes, n)[1:] == pytest.approx(
            (expected.low, expected.high), rel=1e-12, abs=1e-15
        )


def test_wilson_by_hand():
    assert proportion(8, 10) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)  # Newcombe's textbook values


def test_proportion_takes_numpys_integers():
    assert proportion(np.int64(3), np.int64(10)) == proportion(3, 10)


@pytest.mark.parametrize(
    ("both", "broken", "corrected", "neither"), [(50, 5, 20, 25), (5, 20, 7, 0), (10, 0, 0, 0), (0, 0, 1, 0)]
)
def test_paired_difference_has_bonett_and_prices_interval(both, broken, corrected, neither):
    n = both + broken + corrected + neither
    value, low, high = bonett_price(corrected, broken, n)
    result = paired_difference(*outcomes(both, broken, corrected, neither))
    assert result == pytest.approx((value, max(low, -1), min(high, 1)))


def test_paired_difference_by_hand():
    # 3 corrected, 1 broken, 6 unchanged: (3 − 1)/10, and ⅙ ± z √((½ − 1/36)/12)
    half = Z * math.sqrt((1 / 2 - 1 / 36) / 12)
    assert paired_difference(*outcomes(4, 1, 3, 2)) == pytest.approx((0.2, 1 / 6 - half, 1 / 6 + half))


@pytest.mark.parametrize(("broken", "corrected", "value"), [(0, 2, 1), (2, 0, -1)])
def test_paired_difference_stays_within_minus_1_and_1(broken, corrected, value):
    result, low, high = paired_difference(*outcomes(0, broken, corrected, 0))
    assert result == value
    assert -1 <= low < high <= 1
    assert (low if value < 0 else high) == value


def test_swapping_before_and_after_changes_the_sign():
    before, after = outcomes(5, 2, 7, 3)
    value, low, high = paired_difference(before, after)
    assert paired_difference(after, before) == pytest.approx((-value, -high, -low))


def test_nothing_to_count_is_nan():
    assert all(math.isnan(value) for value in proportion(0, 0))
    empty = np.zeros(0, bool)
    assert all(math.isnan(value) for value in paired_difference(empty, empty))


def test_mean_of_outcomes_has_wilsons_interval():
    assert mean_interval(np.array([1.0, 0, 1, 1])) == pytest.approx(wilson(3, 4))
    assert mean_interval(np.ones(5)) == pytest.approx(wilson(5, 5))


def test_mean_of_fractions_has_students_interval():
    values = np.array([0.2, 0.5, 0.3, 0.6, 0, 1])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((values.mean(), expected.low, expected.high))


def test_students_interval_by_hand():
    # 0.4 and 0.6: standard error 0.1, and Student's quantile of one degree of freedom is tan(0.475 π) = 12.7
    assert statistics._student(np.array([0.4, 0.6]), -9, 9) == pytest.approx(
        (0.5, 0.5 - 0.1 * math.tan(0.475 * math.pi), 0.5 + 0.1 * math.tan(0.475 * math.pi))
    )
    assert mean_interval(np.array([0.4, 0.6])) == pytest.approx((0.5, 0, 1))
    assert paired_mean_difference(np.array([0.2, 0.2]), np.array([0.4, 0.8])) == pytest.approx((0.4, -1, 1))


@pytest.mark.parametrize("value", [0.5, 0.1, 1 / 3])
@pytest.mark.parametrize("n", [2, 3, 1000])
def test_a_constant_fraction_has_no_width(value, n):
    assert mean_interval(np.full(n, value)) == pytest.approx((value, value, value))


def test_one_fraction_says_nothing_of_the_mean():
    assert mean_interval(np.array([0.3])) == (0.3, 0, 1)
    assert paired_mean_difference(np.array([True]), np.array([0.25])) == (-0.75, -1, 1)


def test_nothing_has_no_mean():
    assert all(math.isnan(value) for value in mean_interval(np.array([])))
    assert all(math.isnan(value) for value in paired_mean_difference(np.array([]), np.array([])))


def test_paired_mean_difference_of_outcomes_is_bonett_and_prices():
    before, after = outcomes(4, 1, 3, 2)
    assert paired_mean_difference(before.astype(float), after.astype(float)) == paired_difference(
        before, after
    )


@pytest.mark.parametrize("fractional", ["before", "after", "both"])
def test_paired_mean_difference_of_fractions_is_students(fractional):
    before, after = outcomes(4, 1, 3, 2)
    fractions = np.random.default_rng(0).random(10)
    before = before if fractional == "after" else fractions
    after = after if fractional == "before" else fractions[::-1]
    expected = stats.ttest_rel(after.astype(float), before.astype(float)).confidence_interval(0.95)
    difference = after.mean() - before.mean()
    assert paired_mean_difference(before, after) == pytest.approx((difference, expected.low, expected.high))


@pytest.mark.parametrize(
    ("both", "broken", "corrected", "neither", "p"),
    [
        (5, 0, 0, 5, 1),  # nothing changed
        (0, 0, 0, 0, 1),
        (2, 0, 5, 1, 2 / 32),
        (2, 5, 0, 1, 2 / 32),
        (3, 1, 3, 2, 10 / 16),  # (1 + 4 + 4 + 1)/16
        (0, 4, 4, 0, 1),
        (1, 30, 50, 9, 2 * sum(math.comb(80, k) for k in range(31)) / 2**80),
    ],
)
def test_mcnemar_by_hand(both, broken, corrected, neither, p):
    result = mcnemar(*outcomes(both, broken, corrected, neither))
    assert result[:2] == (corrected, broken)
    assert result[2] == pytest.approx(p)


@pytest.mark.parametrize(("corrected", "broken"), [(0, 1), (3, 0), (7, 8), (900, 1000), (4000, 2500)])
def test_mcnemar_agrees_with_scipy(corrected, broken):
    result = mcnemar(*outcomes(1, broken, corrected, 1))
    assert result[2] == pytest.approx(stats.binomtest(corrected, corrected + broken, 0.5).pvalue, rel=1e-9)


def drawn(classes, values):
    """All means that drawing classes (each a list of values) with replacement can give, enumerated."""
    draws = itertools.product(range(classes), repeat=classes)
    return [np.mean(np.concatenate([values[i] for i in draw])) for draw in draws]


def test_bootstrap_of_two_classes_by_hand():
    # Class 7: one image, corrected; class 3: three images, unchanged. A quarter of the draws each: 0 and 1.
    before, after = np.array([False, True, False, True]), np.array([True, True, False, True])
    assert cluster_bootstrap(before, after, np.array([7, 3, 3, 3]), 2000, 0) == (0, 1)
    assert cluster_bootstrap(after, before, np.array([7, 3, 3, 3]), 2000, 0) == (-1, 0)


def test_bootstrap_agrees_with_the_enumeration_of_all_draws():
    random = np.random.default_rng(0)
    values = [random.uniform(-0.5, 0.5, size) + i / 6 for i, size in enumerate([1, 9, 2, 5, 30])]
    cluster = np.repeat(np.arange(5), [1, 9, 2, 5, 30])
    before, after = np.full(len(cluster), 0.5), 0.5 + np.concatenate(values)
    order = random.permutation(len(cluster))
    low, high = cluster_bootstrap(before[order], after[order], cluster[order], 20000, 1)
    assert (low, high) == pytest.approx(np.quantile(drawn(5, values), [0.025, 0.975]), abs=0.01)


def test_bootstrap_of_classes_of_one_image_is_near_the_normal_interval():
    difference = np.random.default_rng(0).uniform(0, 1, 400)
    half = Z * difference.std() / 20
    expected = difference.mean() - half, difference.mean() + half
    interval = cluster_bootstrap(np.zeros(400), difference, np.arange(400), 2000, 0)
    assert interval == pytest.approx(expected, abs=0.15 * half)


def test_images_that_repeat_their_class_add_no_certainty():
    before, after = outcomes(40, 5, 15, 40)
    once = cluster_bootstrap(before, after, np.arange(100), 500, 0)
    assert cluster_bootstrap(*(np.repeat(v, 50) for v in (before, after, np.arange(100))), 500, 0) == once


def test_bootstrap_follows_its_seed():
    before, after = outcomes(40, 5, 15, 40)
    cluster = np.arange(100) % 30
    first, same, other = (cluster_bootstrap(before, after, cluster, 200, seed) for seed in (0, 0, 1))
    assert first == same != other


@pytest.mark.parametrize("n", [0, 1, 5])
def test_fewer_than_two_classes_have_no_bootstrap(n):
    low, high = cluster_bootstrap(np.zeros(n, bool), np.ones(n, bool), np.zeros(n, int), 100, 0)
    assert math.isnan(low)
    assert math.isnan(high)


ENDS = ("", "_low", "_high")


def scores(rows):
    """A method that gives no label, whose map is dead on the first image and which looks outward on the first two.

    Each image has its class.
    """
    table = pd.DataFrame(rows, columns=["correct_before", "correct_after", "pointing"])
    none = {
        "own_label": pd.array([None] * len(rows), "Int16"),
        "correct_own": pd.array([None] * len(rows), "boolean"),
    }
    return table.assign(
        label=range(len(rows)), predicted_after=0, dead=table.index == 0, outer_ring=table.index < 2, **none
    )


FIVE = [
    (True, True, "hit"),
    (True, False, "skipped"),
    (False, True, "miss"),
    (False, True, "skipped"),
    (False, False, "hit"),
]


def test_summary_by_hand():
    table = scores(FIVE)
    before, after = (table[name].to_numpy(bool) for name in ("correct_before", "correct_after"))
    expected = {"n_images": 5, "n_pointing": 3, "n_dead": 1, "corrected": 2, "broken": 1, "p_mcnemar": 1}
    for name, interval in {
        "accuracy_before": wilson(2, 5),
        "accuracy_after": wilson(3, 5),
        "gain": bonett_price(2, 1, 5),
        "pointing": wilson(2, 3),
        "accuracy_own": (math.nan,) * 3,
        "said_own": (math.nan,) * 3,
        "outer_ring": wilson(2, 5),
        "gain_outer_ring": np.maximum(bonett_price(0, 1, 2), -1),
        "gain_inside": np.minimum(bonett_price(2, 0, 3), 1),
    }.items():
        expected |= {name + end: value for end, value in zip(ENDS, interval, strict=True)}
    low, high = cluster_bootstrap(before, after, np.arange(5), 2000, 3)
    expected |= {"gain_cluster_low": low, "gain_cluster_high": high}
    assert summarise(table, seed=3) == pytest.approx(expected, nan_ok=True)


def test_gains_over_nulls_are_paired_over_the_same_images_by_hand():
    """After: wrong on the second and the last image. The standard crop is right on 0 and 1, the best null on 1 to 3."""
    nulls = {"standard_crop": np.array([1, 1, 0, 0, 0]), "not_looking": np.array([0, 1, 1, 1, 0])}
    for summary in (
        summarise(scores(FIVE), nulls),
        summarise_null(null([(before, float(after), 1, math.nan) for before, after, _ in FIVE]), nulls),
    ):
        for over, expected in (
            ("standard_crop", bonett_price(2, 1, 5)),
            ("not_looking", bonett_price(1, 1, 5)),
        ):
            assert [summary[f"gain_over_{over}{end}"] for end in ENDS] == pytest.approx(expected)
    expected_only = null([(True, 0.5, 1, math.nan), (False, 0.25, 1, math.nan)])
    summary = summarise_null(expected_only, {name: outcome[:2] for name, outcome in nulls.items()})
    assert summary["gain_over_not_looking"] == pytest.approx((0.5 + 0.25 - 1) / 2)
    assert not any(name.startswith("gain_over") for name in summarise(scores(FIVE)))


def test_the_seed_is_0_by_default():
    classes = np.random.default_rng(0).integers(0, 30, 200)  # of unequal sizes: draws seldom agree
    method = scores(FIVE * 40).assign(label=classes)
    expected = null([(True, 0.5, 0.5, math.nan), (False, 0.5, 0.5, math.nan)] * 100).assign(label=classes)
    for summarised, table in ((summarise, method), (summarise_null, expected)):
        default, of_0, of_1 = (
            [summary["gain_cluster_low"], summary["gain_cluster_high"]]
            for summary in (summarised(table), summarised(table, seed=0), summarised(table, seed=1))
        )
        assert default == of_0 != of_1


def test_classes_are_the_clusters():
    table = scores(FIVE * 8)
    of_one_class = summarise(table.assign(label=4))
    assert math.isnan(of_one_class["gain_cluster_low"])
    by_change = summarise(table.assign(label=np.arange(40) % 5))  # a class for each of the five kinds
    alone = summarise(table)
    assert by_change["gain_cluster_high"] > alone["gain_cluster_high"]


def test_labels_of_the_method_itself_are_counted_where_it_gives_them():
    table = scores([(True, True, "hit")] * 4).assign(
        own_label=pd.array([5, None, 6, 5], "Int16"),
        correct_own=pd.array([True, None, False, True], "boolean"),
        predicted_after=[5, 5, 6, 4],
    )
    summary = summarise(table)
    assert [summary[f"accuracy_own{end}"] for end in ENDS] == pytest.approx(wilson(2, 3))
    table["predicted_after"] = [5, 5, 7, 4]
    assert [summarise(table)[f"said_own{end}"] for end in ENDS] == pytest.approx(wilson(1, 3))
    assert summary["said_own"] == pytest.approx(2 / 3)


def test_summary_where_no_image_has_a_box():
    summary = summarise(scores([(True, True, "skipped")] * 2))
    assert summary["n_pointing"] == 0
    assert math.isnan(summary["pointing"])
    assert summary["accuracy_after"] == 1


def test_summary_of_no_image():
    summary = summarise(scores([]))
    assert (summary["n_images"], summary["n_pointing"]) == (0, 0)
    assert math.isnan(summary["accuracy_after"])
    assert (summary["corrected"], summary["broken"], summary["p_mcnemar"]) == (0, 0, 1)


def test_summary_survives_the_file(tmp_path):
    table = scores(FIVE)
    table.to_parquet(tmp_path / "scores.parquet", index=False)
    again = summarise(pd.read_parquet(tmp_path / "scores.parquet"))
    assert again == pytest.approx(summarise(table), nan_ok=True)


def null(rows):
    table = pd.DataFrame(rows, columns=["correct_before", "correct_after", "hit", "said_decoy"])
    return table.assign(label=range(len(rows)))


def test_a_null_of_certain_outcomes_is_summarised_as_a_method_is():
    hit = {"hit": 1.0, "miss": 0.0, "skipped": math.nan}
    certain = null([(before, float(after), hit[pointing], math.nan) for before, after, pointing in FIVE])
    expected = summarise(scores(FIVE), seed=2) | {"n_dead": 0}
    expected |= {
        f"{name}{end}": math.nan for name in ("outer_ring", "gain_outer_ring", "gain_inside") for end in ENDS
    }
    result = summarise_null(certain, seed=2)
    assert result == pytest.approx(expected, nan_ok=True)
    assert list(result) == list(expected)


def test_summary_of_a_null_of_fractions_by_hand():
    table = null([(True, 0.5, 0.2, 1), (False, 0.25, math.nan, 0), (True, 1, 0.6, math.nan)])
    summary = summarise_null(table)
    after, gain = np.array([0.5, 0.25, 1]), np.array([-0.5, 0.25, 0])
    student = stats.ttest_1samp(gain, 0).confidence_interval(0.95)
    assert (summary["n_images"], summary["n_pointing"], summary["n_dead"]) == (3, 2, 0)
    assert [summary[f"accuracy_before{end}"] for end in ENDS] == pytest.approx(wilson(2, 3))
    assert [summary[f"accuracy_after{end}"] for end in ENDS] == pytest.approx(mean_interval(after))
    assert [summary[f"gain{end}"] for end in ENDS] == pytest.approx(
        (gain.mean(), max(student.low, -1), min(student.high, 1))
    )
    assert [summary[f"pointing{end}"] for end in ENDS] == pytest.approx(mean_interval(np.array([0.2, 0.6])))
    assert [summary[f"said_own{end}"] for end in ENDS] == pytest.approx(wilson(1, 2))
    assert math.isnan(summary["accuracy_own"])
    assert all(math.isnan(summary[name]) for name in ("corrected", "broken", "p_mcnemar"))
    low, high = cluster_bootstrap(np.array([1, 0, 1]), after, np.arange(3), 2000, 0)
    assert (summary["gain_cluster_low"], summary["gain_cluster_high"]) == pytest.approx((low, high))


def test_a_null_that_does_not_point():
    summary = summarise_null(null([(True, 0.5, math.nan, math.nan)] * 3))
    assert summary["n_pointing"] == 0
    assert math.isnan(summary["pointing"])
    assert math.isnan(summary["said_own"])


def test_holm_by_hand():
    # in order 0.005 × 4, 0.01 × 3, 0.03 × 2, and 0.04 × 1, which may not fall below the one before
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.8, 0.7])) == pytest.approx([1, 1])
    assert holm(np.array([0.02])) == pytest.approx([0.02])
    assert holm(np.array([0.02, 0.02, 0.9])) == pytest.approx([0.06, 0.06, 0.9])


def test_holm_rejects_what_the_step_down_procedure_rejects():
    random = np.random.default_rng(0)
    for level in (0.01, 0.05, 0.2):
        p = random.random(12) ** 4
        rejected = set()
        for step, i in enumerate(np.argsort(p)):
            if p[i] > level / (12 - step):
                break
            rejected.add(i)
        assert rejected
        assert set(np.flatnonzero(holm(p) <= level)) == rejected


def test_pairs_by_hand():
    names = {
        "a": [True, True, True, True, False, False],
        "b": [True, False, False, False, True, False],
        "c": [True, True, True, True, True, True],
    }
    table = compare_pairs(pd.DataFrame(names))
    expected = pd.DataFrame(
        {
            "first": ["a", "a", "b"],
            "second": ["b", "c", "c"],
            "accuracy_first": [4 / 6, 4 / 6, 2 / 6],
            "accuracy_second": [2 / 6, 1, 1],
            "difference": [2 / 6, -2 / 6, -4 / 6],
            "first_only": [3, 0, 0],
            "second_only": [1, 2, 4],
            "p_mcnemar": [10 / 16, 2 / 4, 2 / 16],
            "p_holm": [1, 1, 6 / 16],
            "n_images": [6, 6, 6],
        }
    )
    intervals = ["difference_low", "difference_high"]
    pd.testing.assert_frame_equal(table.drop(columns=intervals), expected, check_dtype=False)
    assert list(table.columns) == PAIR_COLUMNS
    for (_, row), counts in zip(table.iterrows(), [(3, 1, 6), (0, 2, 6), (0, 4, 6)], strict=True):
        _, low, high = bonett_price(*counts)
        assert tuple(row[intervals]) == pytest.approx((max(low, -1), high))


def test_pairs_follow_the_order_of_the_columns():
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.random((30, 3)) < 0.6, columns=["a", "b", "c"])
    pairs = compare_pairs(table[["c", "a", "b"]])
    assert list(zip(pairs["first"], pairs["second"], strict=True)) == [("c", "a"), ("c", "b"), ("a", "b")]
    swapped = compare_pairs(table[["b", "a"]]).iloc[0]
    assert (swapped["difference"], swapped["first_only"]) == pytest.approx(
        (-pairs.iloc[2]["difference"], pairs.iloc[2]["second_only"])
    )


@pytest.mark.parametrize("names", [[], ["a"]])
def test_one_method_makes_no_pair(names):
    table = compare_pairs(pd.DataFrame(np.ones((4, len(names)), bool), columns=names))
    assert len(table) == 0
    assert list(table.columns) == PAIR_COLUMNS


def test_pairs_of_no_image():
    row = compare_pairs(pd.DataFrame({"a": [], "b": []}, dtype=bool)).iloc[0]
    assert (row["n_images"], row["first_only"], row["p_mcnemar"]) == (0, 0, 1)
    assert np.isnan([row["accuracy_first"], row["difference"], row["difference_low"]]).all()


def test_pointing_table_by_hand():
    # Two images of 100 × 100 with a box in the first: the only points of the grid are (25, 50) and (75, 50).
    grid_points = np.broadcast_to(np.array([[[25.0, 50], [75, 50]]]), (3, 1, 2, 2))
    boxes = [np.array([[60, 40, 90, 60]]), np.array([[60, 40, 90, 90]]), np.zeros((0, 4))]
    points = {"m": (np.array([70.0, 20, 70]), np.array([50.0, 50, 50]))}
    table = pointing_table(points, boxes, np.full(3, 100), np.full(3, 100), grid_points)
    assert list(table.columns) == POINTING_COLUMNS
    assert len(table) == 4 * 3 * 2 * 8
    table = table.set_index(["rule", "tolerance", "subset", "method"])
    expected = {"m": wilson(1, 2), "uniform": (0.5,) * 3, "best_cell": wilson(2, 2), "ceiling": wilson(2, 2)}
    for subset, n in (("all", 2), ("hard", 2)):
        for method, interval in expected.items():
            row = table.loc["any", 0, subset, method]
            assert row["n"] == n
            assert tuple(row[1:]) == pytest.approx(interval)
    empty = table.loc["cells", 15, "> 75 %", "ceiling"]
    assert empty["n"] == 0
    assert np.isnan(empty[["pointing", "pointing_low", "pointing_high"]]).all()
    of_one = table.loc["any", 0, "< 10 %", "uniform"]  # 600 pixels of the first image
    assert tuple(of_one) == (1, 0.5, 0, 1)
