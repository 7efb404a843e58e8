"""Options describe themselves: each has a line of its own in the docstring of a view or a method."""

import re

import pytest

from labelmaps import methods, views
from labelmaps.methods import dff
from labelmaps.modules import load_module, module_names, option_descriptions, option_names
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
