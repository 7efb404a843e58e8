"""Options describe themselves, each in a line of its owner's docstring, and are checked for callers in Python."""

import inspect
import re
from typing import Literal

import numpy as np
import pytest

from labelmaps import methods, views
from labelmaps.errors import InputError
from labelmaps.methods import dff
from labelmaps.modules import check_options, load_module, module_names, option_descriptions, option_names
from labelmaps.views import zoom

BUILT_IN = [
    *(load_module(views, family).View for family in module_names(views)),
    *(load_module(methods, method).saliency for method in module_names(methods)),
]


def test_descriptions_are_read_by_hand():
    def function(given, *, first: int = 1, second: int = 2, third: int = 3, fourth: int = 4, fifth: int = 5):
        """Do this: it has a colon.

        given: is no option.
            Nor is this.
        second: One line, with a colon: here.
        first: The first line
            and the second
              and the third.
        third, fourth: Both.

            Of no option.
        Returns nothing.
            Nor of any.
        """

    assert option_descriptions(function) == {
        "first": "The first line and the second and the third.",
        "second": "One line, with a colon: here.",
        "third": "Both.",
        "fourth": "Both.",
    }
    assert option_names(function) == ["first", "second", "third", "fourth", "fifth"]


def test_a_description_may_begin_below_its_name():
    def function(*, option):
        """Do this.

        option:
            What it is.
        """

    assert option_descriptions(function) == {"option": "What it is."}


def test_without_a_docstring_nothing_is_described():
    def function(*, option):
        pass

    class View:
        def __init__(self, *, grid): ...

    assert option_descriptions(function) == option_descriptions(View) == {}


def test_the_options_are_keyword_only_parameters_and_fields():
    assert option_names(zoom.View) == ["grid", "floor", "antialias", "mask", "sampling"]
    assert option_names(dff.saliency) == ["components", "choose"]


@pytest.mark.parametrize("described", BUILT_IN, ids=lambda described: described.__module__.split(".", 1)[1])
def test_every_option_is_described_in_full(described):
    texts = option_descriptions(described)
    assert list(texts) == option_names(described)
    for text in texts.values():
        assert text.endswith(".")
        assert len(text.split()) > 5


@pytest.mark.parametrize("described", BUILT_IN, ids=lambda described: described.__module__.split(".", 1)[1])
def test_every_word_that_an_option_may_be_is_in_its_description(described):
    annotations = (
        described.__init__.__annotations__ if isinstance(described, type) else described.__annotations__
    )
    for name, text in option_descriptions(described).items():
        choices = [value for value in getattr(annotations[name], "__args__", ()) if isinstance(value, str)]
        assert [value for value in choices if not re.search(f'"{value}"', text)] == []


@pytest.mark.parametrize("described", BUILT_IN, ids=lambda described: described.__module__.split(".", 1)[1])
def test_defaults_are_values_that_options_can_take(described):
    parameters = inspect.signature(described).parameters
    check_options(described, {name: parameters[name].default for name in option_names(described)}, "x")


def options(
    *,
    count: int = 1,
    share: float | Literal["network"] = 1.0,
    is_on: bool = True,
    word: str = "",
    kind: Literal[1, "a"] = 1,
): ...


@pytest.mark.parametrize(
    ("name", "taken", "refused", "words"),
    [
        ("count", [0, np.int64(3)], [1.0, "1", True, None], "a whole number"),
        ("share", [1, 0.5, np.float32(2), "network"], ["net", True, None], "a number or 'network'"),
        ("is_on", [True], [1, "yes", None], "True or False"),
        ("word", [""], [1, None], "some text"),
        ("kind", [1, "a"], [True, 2, "b", None, [1]], "1 or 'a'"),
    ],
)
def test_options_of_callers_are_checked_by_their_types(name, taken, refused, words):
    for value in taken:
        check_options(options, {name: value}, "x")
    for value in refused:
        with pytest.raises(InputError, match=re.escape(f"x: {name} is {value!r}. Make it {words}")):
            check_options(options, {name: value}, "x")


def test_options_that_there_are_not_are_refused_with_those_that_there_are():
    with pytest.raises(
        InputError, match="x has no option 'counts'; its options are count, share, is_on, word, kind"
    ):
        check_options(options, {"counts": 1}, "x")
    with pytest.raises(InputError, match="x has no option 'a'; it has none"):
        check_options(lambda given: given, {"a": 1}, "x")
