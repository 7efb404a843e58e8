"""Intervals against their closed formulas, and the summary by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from labelmaps.statistics import paired_difference, proportion, summarise

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


def scores(rows):
    """A method that gives no label itself, and whose map is dead on the first image."""
    table = pd.DataFrame(rows, columns=["correct_before", "correct_after", "pointing"])
    return table.assign(correct_own=pd.array([None] * len(rows), "boolean"), dead=table.index == 0)


def test_summary_by_hand():
    summary = summarise(
        scores(
            [
                (True, True, "hit"),
                (True, False, "skipped"),
                (False, True, "miss"),
                (False, True, "skipped"),
                (False, False, "hit"),
            ]
        )
    )
    expected = {"n_images": 5, "n_pointing": 3, "n_dead": 1}
    for name, (value, low, high) in {
        "accuracy_before": wilson(2, 5),
        "accuracy_after": wilson(3, 5),
        "gain": bonett_price(2, 1, 5),
        "pointing": wilson(2, 3),
    }.items():
        expected |= {name: value, f"{name}_low": low, f"{name}_high": high}
    none = {f"accuracy_own{end}": math.nan for end in ("", "_low", "_high")}
    assert summary == pytest.approx(expected | none, nan_ok=True)


def test_labels_of_the_method_itself_are_counted_where_it_gives_them():
    table = scores([(True, True, "hit")] * 4).assign(
        correct_own=pd.array([True, None, False, True], "boolean")
    )
    summary = summarise(table)
    assert [summary[f"accuracy_own{end}"] for end in ("", "_low", "_high")] == pytest.approx(wilson(2, 3))


def test_summary_where_no_image_has_a_box():
    summary = summarise(scores([(True, True, "skipped")] * 2))
    assert summary["n_pointing"] == 0
    assert math.isnan(summary["pointing"])
    assert summary["accuracy_after"] == 1


def test_summary_of_no_image():
    summary = summarise(scores([]))
    assert (summary["n_images"], summary["n_pointing"]) == (0, 0)
    assert math.isnan(summary["accuracy_after"])
