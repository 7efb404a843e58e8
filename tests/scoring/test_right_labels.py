"""Acceptable labels judge as a loop over images and labels does, and leave out what has none."""

import numpy as np
import pandas as pd
import pytest

from labelmaps.data.listed import write_labels
from labelmaps.errors import InputError
from labelmaps.protocol.paper import compare_numbers, compare_orders
from labelmaps.scoring.right_labels import AFTER, BEFORE, RightLabels, add_outcomes, read_right_labels
from labelmaps.scoring.scores import compute_scores
from labelmaps.scoring.statistics import difference_of_gains, paired_difference, proportion
from labelmaps.scoring.summary import GAINS_OVER, add_pairs_acceptable, compare_pairs, summarise
from pipeline.sources import ROOT

NAN = np.nan
SETS = [np.array([0, 2]), np.array([1]), np.array([], int), None]


def test_what_is_right_by_hand():
    right = RightLabels.of(SETS)
    assert right.labels.tolist() == [[0, 2], [1, -1], [-1, -1], [-1, -1]]
    assert right.is_known.tolist() == [True, True, False, False]
    assert right.contain(np.array([2, 0, 0, -1])).tolist() == [True, False, False, False]
    said = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 2], [-1, 0, 1]])
    assert right.contain(said).astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    nothing = RightLabels.of([None, None])
    assert not nothing.contain(said[:2]).any()
    assert not nothing.is_known.any()
    assert nothing.find_best(np.zeros((2, 3)), np.zeros(2)).tolist() == [0, 0]
    assert (nothing.log_likelihood(np.zeros((2, 1, 1, 3))) == -np.inf).all()


def test_the_digest_is_that_of_the_labels():
    digest = RightLabels.of(SETS).digest
    assert RightLabels.of([*SETS[:3], []]).digest == digest  # no label is no label
    assert RightLabels.of([*SETS[:3], [0]]).digest != digest
    assert RightLabels.of([[0], [1]]).digest != RightLabels.of([[0, 1]]).digest


def test_likelihoods_of_sets_are_sums_of_probabilities():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (4, 2, 3, 5))
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    found = RightLabels.of(SETS).log_likelihood(log_p)
    for i, labels in enumerate(SETS[:2]):
        np.testing.assert_allclose(np.exp(found[i]), np.exp(log_p[i])[..., labels].sum(axis=-1))
    assert (found[2:] == -np.inf).all()
    one = RightLabels.of([np.array([k]) for k in range(4)]).log_likelihood(log_p)
    np.testing.assert_array_equal(
        one, np.stack([log_p[k, ..., k] for k in range(4)])
    )  # to the bit: ties stay


def test_the_first_right_label_is_the_top_one_or_the_most_probable():
    log_p = np.array([[-3.0, -1, -2], [-1, -1, -1], [-1, -np.inf, -np.inf], [0, -1, -2]])
    sets = [np.array([0, 2]), np.array([1, 2]), np.array([1, 2]), np.array([1, 2])]
    assert RightLabels.of(sets).find_best(log_p, np.array([1, 0, 0, 0])).tolist() == [2, 1, 1, 1]
    assert RightLabels.of(sets).find_best(log_p, np.array([0, 2, 2, 2])).tolist() == [0, 2, 2, 2]


# Per case: image, label, top label before and after; acceptable labels.
FIVE = [
    ("a", 0, 0, 1, [0, 1]),  # broken by the label, right both times by the set
    ("b", 1, 0, 1, [1]),  # corrected by both
    ("c", 1, 2, 1, [2]),  # corrected by the label, broken by the set
    ("d", 2, 0, 0, []),  # left out
    ("e", 0, 1, 1, [2]),  # wrong throughout
]


def scores_of(rows, sets=True):
    image, label, before, after, right = zip(*rows, strict=True)
    fixations = pd.DataFrame({"row": [0] * len(rows), "column": 0, "x": 1, "y": 1, "dead": False})
    fixations["own_label"] = pd.Series([pd.NA] * len(rows), dtype="Int16")
    top = np.zeros((len(rows), 3, 3), int)
    top[:, 1, 1], top[:, 0, 0] = before, after
    table = compute_scores(fixations, np.array(label), [np.empty((0, 4))] * len(rows), top)
    table.insert(0, "image", image)
    labels = RightLabels(RightLabels.of([np.array(some, int) for some in right]).labels, image)
    return add_outcomes(table, labels if sets else None, "x.parquet")


def test_summary_by_acceptable_labels_by_hand():
    table = scores_of(FIVE)
    np.testing.assert_array_equal(table[BEFORE], [1, 0, 1, NAN, 0])
    np.testing.assert_array_equal(table[AFTER], [1, 1, 0, NAN, 0])
    summary = summarise(table)
    assert summary["n_images"] == 5
    assert summary["n_acceptable"] == 4
    expected = {
        "accuracy_before_acceptable": proportion(2, 4),
        "accuracy_after_acceptable": proportion(2, 4),
        # one corrected and one broken of four; by the label two and one of the same four
        "gain_acceptable": paired_difference(np.array([1, 0, 1, 0]) > 0, np.array([1, 1, 0, 0]) > 0),
        "gain_label": paired_difference(np.array([1, 0, 0, 0]) > 0, np.array([0, 1, 1, 0]) > 0),
    }
    for name, interval in expected.items():
        assert [summary[f"{name}{end}"] for end in ("", "_low", "_high")] == pytest.approx(interval), name
    # per image −1 − 0, 1 − 1, 1 − (−1), 0
    assert summary["gain_noise"] == pytest.approx((-1 + 0 + 2 + 0) / 4)
    assert summary["gain_noise"] == pytest.approx(summary["gain_label"] - summary["gain_acceptable"])
    assert summary["gain_noise_low"] < summary["gain_noise"] < summary["gain_noise_high"]


def test_without_acceptable_labels_nothing_is_added():
    without = summarise(scores_of(FIVE, sets=False))
    with_them = summarise(scores_of(FIVE))
    assert [name for name in with_them if name in without] == list(without)
    assert not any("acceptable" in name or "noise" in name for name in without)
    for name, value in without.items():
        assert with_them[name] == pytest.approx(value, nan_ok=True), name


def test_where_no_image_has_an_acceptable_label_all_is_nan():
    summary = summarise(scores_of([(*row[:4], []) for row in FIVE]))
    assert summary["n_acceptable"] == 0
    fields = [
        name for name in summary if "acceptable" in name or name.startswith(("gain_label", "gain_noise"))
    ]
    assert len(fields) == 16
    assert np.isnan([summary[name] for name in fields if name != "n_acceptable"]).all()


def test_labels_of_other_images_are_refused():
    table = scores_of(FIVE, sets=False)
    right = RightLabels(RightLabels.of([[0]] * 5).labels, [*"abcdf"])
    with pytest.raises(InputError, match=r"x\.parquet: contains other images"):
        add_outcomes(table, right, "x.parquet")


def test_they_come_from_the_table_or_there_are_none(tmp_path):
    path = tmp_path / "labels.parquet"
    write_labels(path, [*"abcd"], [None if some is None else some.astype(np.int16) for some in SETS])
    right = read_right_labels([path])
    assert list(right.image) == [*"abcd"]
    assert right.labels.tolist() == RightLabels.of(SETS).labels.tolist()
    assert read_right_labels([]) is None


@pytest.mark.parametrize(("corrected", "broken", "n"), [(0, 0, 5), (3, 1, 40), (2, 7, 9), (1, 0, 20)])
def test_the_difference_of_a_gain_and_no_gain_has_the_interval_of_the_gain(corrected, broken, n):
    change = np.repeat([1.0, -1.0, 0.0], [corrected, broken, n - corrected - broken])
    gain = paired_difference(change < 0, change > 0)
    assert difference_of_gains(change, np.zeros(n)) == pytest.approx(gain)
    image = np.arange(n)
    twice = difference_of_gains(np.tile(change, 2), np.zeros(2 * n), np.tile(image, 2))
    assert twice == pytest.approx(gain)  # cases that say the same twice are no more images
    assert np.isnan(difference_of_gains(np.zeros(0), np.zeros(0))).all()


def test_the_interval_of_a_difference_of_gains_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    values, weights = np.array([-2, -1, 0, 1, 2]), np.array([0.01, 0.05, 0.8, 0.1, 0.04])
    truth, n_covered = values @ weights, 0
    for _ in range(2000):
        change = random.choice(values, 300, p=weights)
        _, low, high = difference_of_gains(change, np.zeros(300))
        n_covered += low <= truth <= high
    assert 0.93 < n_covered / 2000 < 0.97


def test_pairs_by_acceptable_labels_are_those_of_the_images_that_have_one():
    random = np.random.default_rng(3)
    by_label = pd.DataFrame(random.random((60, 3)) < 0.5, columns=[*"abc"])
    by_set = pd.DataFrame((random.random((60, 3)) < 0.6).astype(float), columns=[*"abc"])
    by_set.loc[::7] = NAN
    pairs = compare_pairs(by_label)
    joined = add_pairs_acceptable(pairs, by_set)
    pd.testing.assert_frame_equal(joined[list(pairs)], pairs)
    expected = compare_pairs(by_set.dropna().astype(bool))
    assert joined["n_acceptable"].tolist() == expected["n_images"].tolist() == [51] * 3
    for name in ("accuracy_first", "accuracy_second", "difference", "first_only", "p_mcnemar", "p_holm"):
        np.testing.assert_array_equal(joined[f"{name}_acceptable"], expected[name], err_msg=name)
    for end in ("low", "high"):
        np.testing.assert_array_equal(joined[f"difference_acceptable_{end}"], expected[f"difference_{end}"])
    # Of what nothing is known by these labels there is nothing to say, and of the others as much as before.
    two = add_pairs_acceptable(pairs, by_set.assign(c=NAN))
    assert two["difference_acceptable"].isna().tolist() == [False, True, True]
    assert two["p_holm_acceptable"][0] == two["p_mcnemar_acceptable"][0]
    none = add_pairs_acceptable(pairs, by_set * NAN)
    assert none["n_acceptable"].tolist() == [0] * 3
    assert none["difference_acceptable"].isna().all()


def test_cases_of_an_image_are_one_image():
    rows = [(f"{i // 2}", *FIVE[i // 2 % 5][1:]) for i in range(40)]  # each image twice
    twice, once = summarise(scores_of(rows)), summarise(scores_of(rows[::2]))
    for name in ("n_acceptable", "gain_noise", "accuracy_after_acceptable"):
        assert twice[name] == pytest.approx(once[name])
    assert twice["gain_noise_low"] == pytest.approx(once["gain_noise_low"])
    assert twice["accuracy_after_acceptable_low"] == pytest.approx(
        once["accuracy_after_acceptable_low"], abs=2e-2
    )


def test_the_papers_tables_have_accuracies_and_gains_by_acceptable_labels_but_no_verdict_by_them():
    paper = pd.read_csv(ROOT / "resources/paper.csv", comment="#")
    names = {"view": "zoom", "model": "m", "architecture": "resnet18", "weights": "torchvision V1"}
    scores = scores_of(FIVE)
    nulls = dict.fromkeys(GAINS_OVER.values(), scores["correct_before"].to_numpy())
    row = names | {"method": "likelihood", "variant": "likelihood", "cue": "cued"} | summarise(scores, nulls)
    table = compare_numbers(pd.DataFrame([row]), paper, same_images=True)
    of_r18 = table[table["paper_network"] == "resnet18"]
    likelihood = of_r18[of_r18["method"] == "likelihood"].set_index("measure")
    assert likelihood["ours_acceptable"]["accuracy_after"] == 0.5
    assert likelihood["ours_acceptable"]["gain"] == 0
    assert likelihood["n_acceptable"]["gain"] == 4
    assert table.loc[table["method"] == "center", "ours_acceptable"].isna().all()  # not run
    plain = compare_numbers(
        pd.DataFrame([{k: v for k, v in row.items() if "acceptable" not in k}]), paper, True
    )
    pd.testing.assert_frame_equal(table[list(plain)], plain)

    orders = pd.DataFrame(
        [("accuracy_after", "igub", "dff"), ("pointing", "gradcam", "dff")],
        columns=["measure", "greater", "lesser"],
    )
    other = scores_of([(*row[:3], 0, row[4]) for row in FIVE])
    found = compare_orders({"igub": scores_of(FIVE), "dff": other, "gradcam": other}, orders)
    assert found["ours"][0] == pytest.approx((3 - 3) / 5)  # b and c against a and e
    assert found["ours_acceptable"][0] == pytest.approx((2 - 1) / 4)
    assert found["n_acceptable"][0] == 4
    assert np.isnan(found["ours_acceptable"][1])
