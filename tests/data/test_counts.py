"""The line of counts, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers.study import NO_BOX, index_of
from labelmaps.data.counts import MOST_KINDS, count_reasons, describe_contents

HALF, WHOLE = np.array([[0, 0, 20, 10]], np.float32), np.array([[0, 0, 40, 10], [5, 5, 20, 10]], np.float32)


def described(label, boxes, n_classes=3, reasons=()):
    index = index_of(["a.png"] * len(label), [(40, 10)] * len(label), label=label, boxes=boxes)
    excluded = pd.DataFrame({"image": "x", "path": "x", "reason": list(reasons)})
    return describe_contents(index, n_classes, excluded)


def test_counts_by_hand():
    reasons = ["no label: neither", "unreadable image: a", "no label: none"]
    assert described([0, 2, 2], [HALF, WHOLE, NO_BOX], reasons=reasons) == [
        "3 images",
        "2 of 3 classes (1 to 2 of each)",
        "3 boxes, 1.5 per image with any, which cover 75.0 % of it",
        "1 image without a box",
        "3 left out: 2 × no label, 1 × unreadable image",
    ]


def test_where_images_show_several_classes_cases_are_counted_beside_them():
    index = index_of(["a", "a", "b"], [(40, 10)] * 3, label=[0, 2, 2], boxes=[HALF, WHOLE, NO_BOX])
    index["image"] = ["a", "a", "b"]
    assert describe_contents(index, 3, pd.DataFrame({"reason": []}, dtype=str)) == [
        "3 cases (an image and a class) of 2 images",
        "2 of 3 classes (1 to 2 of each)",
        "3 boxes, 1.5 per case with any, which cover 75.0 % of its image",
        "1 case without a box",
    ]


def test_what_there_is_none_of_is_not_said():
    assert described([1], [HALF], 2) == [
        "1 image",
        "1 of 2 classes (1 of each)",
        "1 box, 1.0 per image with any, which cover 50.0 % of it",
    ]
    assert described([1, 0], [NO_BOX, NO_BOX], 1000)[1:] == ["2 of 1,000 classes (1 of each)", "no boxes"]


@pytest.mark.parametrize(("kinds", "more"), [(MOST_KINDS, ""), (MOST_KINDS + 2, ", 2 more reasons")])
def test_the_commonest_reasons_are_named(kinds, more):
    reasons = [f"reason {i}: {j}" for i in range(kinds) for j in range(10 - i)]
    *_, said = described([0], [HALF], reasons=reasons)
    assert said.startswith(f"{len(reasons)} left out: 10 × reason 0, 9 × reason 1, ")
    assert said.endswith(f"{10 - MOST_KINDS + 1} × reason {MOST_KINDS - 1}{more}")


def test_reasons_are_counted_by_what_stands_before_the_colon():
    assert count_reasons(pd.Series(["a: b: c", "a: d", "a"])) == {"a": 3}
