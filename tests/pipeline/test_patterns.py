"""A constraint on a wildcard matches its names and nothing else, and stays short for thousands of them."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.patterns import match_any

NAMES = st.sets(st.text("ab1-_.^]|", min_size=1, max_size=5), max_size=12)


def is_matched(name, pattern):
    return re.fullmatch(f"(?P<name>{pattern})", name) is not None


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (["a", "b.c"], ["ab", "bxc", "", "a|b.c"]),
        (["a+"], ["a", "aa"]),
        (["zoom", "zoom_3x3", "zoom_5x5", "zoom_mask"], ["zoom_", "zoom_3x5", "zoom_mask_mask", "oom"]),
        (["a-c", "b"], ["c", "a", "-"]),
        ([], ["", "a"]),
    ],
)
def test_a_constraint_matches_names_and_nothing_else(names, others):
    pattern = match_any(name for name in names)
    assert all(is_matched(name, pattern) for name in names)
    assert not any(is_matched(name, pattern) for name in others)


@given(NAMES, NAMES)
def test_of_any_names_no_other_is_matched(names, others):
    pattern = match_any(names)
    assert {name for name in names | others if is_matched(name, pattern)} == names


@pytest.mark.parametrize("name", ["m{}", "m{:05}", "{:05}_of_mine", "view_{:x}"])
def test_of_ten_thousand_names_the_constraint_is_a_hundredth(name):
    names = [name.format(i) for i in range(10_000)]
    assert len(match_any(names)) < len("|".join(names)) / 100
    assert all(is_matched(name, match_any(names)) for name in names[::1000])


def test_a_name_that_is_given_again_costs_nothing():
    assert match_any(["gain", "failure"] * 10_000) == match_any(["failure", "gain"])


def test_braces_in_a_constraint_would_be_taken_for_those_of_wildcards():
    assert not set(match_any(string.ascii_letters + string.digits + "_.-")) & set("{}")
