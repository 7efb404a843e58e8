"""The paper's numbers and orders beside ours: nothing is called compatible that cannot be compared."""

import math

import numpy as np
import pandas as pd
import pytest

from labelmaps.protocol.paper import compare_numbers, compare_orders
from labelmaps.protocol.verdicts import find_marks, find_obstacle
from labelmaps.scoring.statistics import paired_difference
from pipeline.sources import ROOT

PAPER = pd.read_csv(ROOT / "resources/paper.csv", comment="#")
ORDERS = pd.read_csv(ROOT / "resources/paper_orders.csv", comment="#")
R18, R101 = ("resnet18", "torchvision V1"), ("resnet101", "torchvision DEFAULT")


def row(model, network, variant, before, after, pointing=0.8, n=1000):
    values = {
        "accuracy_before": before,
        "accuracy_after": after,
        "gain": after - before,
        "gain_over_standard_crop": after - before - 0.05,
        "pointing": pointing,
    }
    intervals = {f"{name}_low": value - 0.01 for name, value in values.items()}
    intervals |= {f"{name}_high": value + 0.02 for name, value in values.items()}
    names = {"view": "zoom", "model": model, "variant": variant, "method": variant}
    names |= {"architecture": network[0], "weights": network[1], "n_images": n, "n_pointing": n - 10}
    return names | values | intervals


def compared(*rows, same_images=True):
    return compare_numbers(pd.DataFrame(rows), PAPER, same_images)


def one(table, **key):
    match = table[(table[list(key)] == pd.Series(key)).all(axis=1)]
    assert len(match) == 1
    return match.iloc[0]


def test_every_number_of_the_paper_is_there():
    table = compared(row("a", R101, "center", 0.77, 0.77), row("b", R18, "center", 0.61, 0.61))
    stated = table.set_index(["paper_network", "method", "measure"])["paper"]
    accuracy = stated.xs("accuracy_after", level="measure")
    assert accuracy["resnet101"].to_dict() == {
        "center": 0.772,
        "likelihood": 0.942,
        "gradcam": 0.803,
        "max_logit": 0.734,
        "igub": 0.796,
        "dff": 0.751,
    }
    assert accuracy["resnet18"].to_dict() == {"center": 0.613, "likelihood": 0.878}
    assert stated.xs("pointing", level="measure").to_dict() == {("resnet101", "gradcam"): 0.8775}
    gains = stated.xs("gain", level="measure").round(6).to_dict()
    assert gains == {
        ("resnet101", "likelihood"): 0.17,
        ("resnet101", "gradcam"): 0.031,
        ("resnet101", "max_logit"): -0.038,
        ("resnet101", "igub"): 0.024,
        ("resnet101", "dff"): -0.021,
        ("resnet18", "likelihood"): 0.265,
    }
    over_crop = stated.xs("gain_over_standard_crop", level="measure").round(4).to_dict()
    assert over_crop[("resnet18", "center")] == -0.0846
    assert over_crop[("resnet18", "likelihood")] == 0.1804
    assert over_crop[("resnet101", "center")] == -0.0469
    assert len(over_crop) == 8


def test_relative_to_the_standard_crop_ours_stands_beside_the_papers():
    table = compared(row("b", R18, "center", 0.6, 0.6))
    found = one(table, paper_network="resnet18", method="center", measure="gain_over_standard_crop")
    assert found[["paper", "ours", "difference"]].tolist() == pytest.approx([-0.08458, -0.05, 0.03458])
    assert (found["n"], found["verdict"]) == (1000, "not compatible")


def test_ours_stands_beside_with_its_interval_difference_and_n():
    table = compared(row("b", R18, "center", 0.6, 0.6), row("b", R18, "likelihood", 0.6, 0.85))
    found = one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")
    assert found[["ours", "ours_low", "ours_high", "difference"]].tolist() == pytest.approx(
        [0.85, 0.84, 0.87, -0.028]
    )
    assert found["n"] == 1000
    table = compared(row("a", R101, "gradcam", 0.77, 0.8, pointing=0.87))
    assert one(table, method="gradcam", measure="pointing")["n"] == 990


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (0.878, "compatible"),
        (0.889, "not compatible"),
        (0.887, "compatible"),  # the interval reaches from −.01 …
        (0.859, "compatible"),  # … to +.02
        (0.857, "not compatible"),
    ],
)
def test_compatible_is_what_lies_in_our_interval(after, verdict):
    table = compared(row("b", R18, "likelihood", 0.613, after))
    assert (
        one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")["verdict"]
        == verdict
    )


@pytest.mark.parametrize(
    "network",
    [
        ("resnet18", "checkpoint"),
        ("resnet18", "torchvision V2"),
        ("resnet50", "torchvision V1"),
    ],
)
def test_another_network_is_never_compatible(network):
    table = compared(row("b", network, "likelihood", 0.613, 0.878))
    ours = table[table["verdict"] != "not run"]
    assert len(ours)
    assert set(ours["verdict"]) == {"different network"}


@pytest.mark.parametrize("source", ["random (for tests only)", "trained on scenes", "of a new kind"])
@pytest.mark.parametrize("same_images", [True, False])
def test_weights_that_are_not_trained_have_no_verdict(source, same_images):
    network = row("b", ("resnet18", source), "likelihood", 0.613, 0.878)
    table = compared(network, same_images=same_images)
    assert set(table["verdict"]) == {"not run", f"weights {source}"}
    assert find_obstacle(source, 0.613, same_images) == f"weights {source}"
    assert find_marks(pd.DataFrame([network]), PAPER, same_images).empty


def test_a_network_that_does_not_know_the_labels_has_no_verdict():
    table = compared(row("b", R18, "likelihood", 0.001, 0.002)).query("paper_network == 'resnet18'")
    assert set(table["verdict"]) == {"not run", "does not know ImageNet's labels"}
    assert find_obstacle("checkpoint", 0.0999, True) == "does not know ImageNet's labels"
    assert find_obstacle("checkpoint", 0.1, True) == find_obstacle("torchvision V2", 0.1, True) == ""
    assert (
        find_obstacle("checkpoint", 0.9, False) == find_obstacle("checkpoint", 0, False) == "different images"
    )


def wide(network, half, n):
    """A network's likelihood map at the paper's very value, with intervals so wide."""
    names = ("accuracy_before", "accuracy_after", "gain", "gain_over_standard_crop", "pointing")
    values = row("b", network, "likelihood", 0.613, 0.878, n=n)
    return (
        values
        | {f"{name}_low": values[name] - half for name in names}
        | {f"{name}_high": values[name] + half for name in names}
    )


@pytest.mark.parametrize(
    ("half", "n", "verdict"),
    [(0.0199, 2400, "compatible"), (0.0201, 2400, "too few images"), (0.3, 30, "too few images")],
)
def test_a_sample_that_cannot_tell_is_not_called_compatible(half, n, verdict):
    table = compared(wide(R18, half, n))
    found = one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")
    assert (found["verdict"], found["ours"], found["paper"], found["n"]) == (verdict, 0.878, 0.878, n)


@pytest.mark.parametrize(("n", "verdict"), [(99, "too few images"), (100, "not compatible")])
def test_a_value_outside_a_wide_interval_is_refused_by_enough_images(n, verdict):
    table = compared(wide(R18, 0.05, n) | {"accuracy_after_low": 0.9, "accuracy_after_high": 1.0})
    found = one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")
    assert found["verdict"] == verdict


def test_marks_stand_beside_trained_networks_of_the_papers_architecture_on_enough_of_its_images():
    own, theirs = ("resnet18", "checkpoint"), ("resnet50", "torchvision V1")
    rows = [
        wide(own, 0.01, 10_000) | {"model": "own"},
        wide(R18, 0.03, 1000) | {"model": "few"},
        wide(theirs, 0.01, 10_000) | {"model": "other"},
        wide(("resnet18", "random (for tests only)"), 0.01, 10_000) | {"model": "drawn"},
        wide(own, 0.01, 10_000) | {"model": "guesses", "accuracy_before": 0.001},
        wide(own, 0.01, 10_000) | {"model": "own", "variant": "likelihood of=another"},
    ]
    marks = find_marks(pd.DataFrame(rows), PAPER, same_images=True)
    assert marks.drop(columns="pointing").values.tolist() == [["own", "likelihood", 0.613, 0.878]]
    assert find_marks(pd.DataFrame(rows), PAPER, same_images=False).empty


def test_the_pointing_games_mark_needs_an_interval_of_its_own():
    gradcam = row("a", R101, "gradcam", 0.77, 0.8)
    for width, mark in ((0.01, 0.8775), (0.1, math.nan)):
        summary = pd.DataFrame([gradcam | {"pointing_low": 0.85, "pointing_high": 0.85 + width}])
        assert find_marks(summary, PAPER, True)["pointing"].tolist() == pytest.approx([mark], nan_ok=True)


def test_other_images_are_never_compatible():
    table = compared(row("b", R18, "likelihood", 0.613, 0.878), same_images=False)
    found = one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")
    assert found["verdict"] == "different images"


def test_the_v1_weights_of_resnet101_are_another_network():
    table = compared(row("a", ("resnet101", "torchvision V1"), "likelihood", 0.772, 0.942))
    assert (
        one(table, paper_network="resnet101", method="likelihood", measure="gain")["verdict"]
        == "different network"
    )


def test_a_network_stands_beside_its_own_architecture_alone_where_there_is_one():
    table = compared(row("a", R101, "center", 0.77, 0.77), row("b", R18, "center", 0.61, 0.61))
    assert set(zip(table["model"], table["paper_network"], strict=True)) == {
        ("a", "resnet101"),
        ("b", "resnet18"),
    }
    table = compared(
        row("b", R18, "center", 0.61, 0.61), row("c", ("vgg16", "torchvision V1"), "center", 0.6, 0.6)
    )
    pairs = {("b", "resnet101"), ("c", "resnet101"), ("b", "resnet18")}
    assert set(zip(table["model"], table["paper_network"], strict=True)) == pairs


def test_a_method_that_did_not_run_is_listed_as_such():
    table = compared(row("b", R18, "center", 0.613, 0.613))
    found = one(table, paper_network="resnet18", method="likelihood", measure="accuracy_after")
    assert (found["verdict"], found["n"]) == ("not run", 0)
    assert math.isnan(found["ours"])


def test_other_options_are_another_method():
    table = compared(row("a", R101, "igub prior=mean", 0.772, 0.796))
    assert one(table, paper_network="resnet101", method="igub", measure="gain")["verdict"] == "other options"


def test_without_any_box_there_is_no_verdict_on_pointing():
    table = compared(row("a", R101, "gradcam", 0.772, 0.803, pointing=float("nan")) | {"n_pointing": 0})
    found = one(table, paper_network="resnet101", method="gradcam", measure="pointing")
    assert (found["verdict"], found["n"]) == ("no image has a box", 0)
    skipped = scores([True, False], ["skipped"] * 2)
    assert order({"dff": skipped, "igub": skipped}, "dff", "igub")["verdict"] == "no image has a box"


def scores(correct, pointing=None):
    return pd.DataFrame(
        {"correct_after": correct, "pointing": pointing or ["hit"] * len(correct)},
        index=range(5, 5 + len(correct)),
    )


def order(tables, greater, lesser, obstacle=""):
    return one(compare_orders(tables, ORDERS, obstacle), greater=greater, lesser=lesser)


@pytest.mark.parametrize(
    ("corrected", "broken", "verdict"),
    [(40, 5, "as in the paper"), (5, 40, "opposite"), (12, 9, "not settled"), (0, 0, "not settled")],
)
def test_orders_are_judged_on_the_same_images(corrected, broken, verdict):
    lesser = [False] * corrected + [True] * broken + [True] * 100
    greater = [True] * corrected + [False] * broken + [True] * 100
    found = order({"igub": scores(greater), "center": scores(lesser)}, "igub", "center")
    expected = paired_difference(np.array(lesser), np.array(greater))
    assert found[["ours", "ours_low", "ours_high"]].tolist() == pytest.approx(list(expected))
    assert (found["n"], found["verdict"]) == (corrected + broken + 100, verdict)


def test_an_order_has_no_verdict_on_few_images_or_where_something_stands_in_its_way():
    better, worse = [True] * 99, [False] * 99
    found = order({"igub": scores(better), "center": scores(worse)}, "igub", "center")
    assert (found["verdict"], found["ours"]) == ("too few images", 1)
    tables = {"igub": scores([*better, True]), "center": scores([*worse, False])}
    assert order(tables, "igub", "center")["verdict"] == "as in the paper"
    found = order(tables, "igub", "center", "different images")
    assert (found["verdict"], found["ours"], found["n"]) == ("different images", 1, 100)
    assert order(tables, "likelihood", "center", "different images")["verdict"] == "not run"


def test_pointing_is_compared_over_the_images_with_a_box():
    more, less = ["hit", "hit", "skipped", "miss"], ["miss", "hit", "skipped", "miss"]
    correct = [False, False, True, True]
    found = order({"dff": scores(correct, more), "igub": scores(correct, less)}, "dff", "igub")
    assert (found["n"], found["ours"]) == (3, pytest.approx(1 / 3))


def test_all_orders_are_listed_even_where_nothing_ran():
    table = compare_orders({}, ORDERS)
    assert len(table) == len(ORDERS) == 8
    assert set(table["verdict"]) == {"not run"}


def test_the_stated_orders_follow_from_the_stated_numbers():
    after = PAPER[PAPER["architecture"] == "resnet101"].set_index("method")["accuracy_after"]
    accuracy = ORDERS[ORDERS["measure"] == "accuracy_after"]
    assert (after[accuracy["greater"]].to_numpy() > after[accuracy["lesser"]].to_numpy()).all()
