"""Views and methods as they are written on a command line: `zoom:grid=5,floor=0.2`; `likelihood,dff:components=3`."""

import json
from typing import NamedTuple

from labelmaps.errors import InputError


class Choice(NamedTuple):
    """The name of a view family or a method, and its options."""

    name: str
    options: dict[str, object]


def read_choices(text: str, option: str) -> list[Choice]:
    """Read names, each with its options behind a colon, separated by commas.

    option: of the command line, for messages. Values are read as JSON where they are (`5`, `0.2`, `true`), else as text.

    Raises `InputError` for a name or an option that is empty, and for one that is given twice.
    """
    choices: list[Choice] = []
    for item in text.split(","):
        name, colon, first = item.partition(":")
        is_next_option = not colon and "=" in item and choices
        if not is_next_option:
            _refuse_unless(bool(name) and "=" not in name, item, text, option)
            choices.append(Choice(name.strip(), {}))
        if is_next_option or colon:
            key, equals, value = (item if is_next_option else first).partition("=")
            options = choices[-1].options
            _refuse_unless(all((key, equals, value)) and key not in options, item, text, option)
            options[key.strip()] = _read_value(value)
    return choices


def read_view(text: str) -> dict[str, object]:
    """Read a view as a configuration has it, `family` and options; raise `InputError` unless it is one."""
    choices = read_choices(text, "--view")
    if len(choices) > 1:
        raise InputError(
            f"--view: {text}: names {len(choices)} views, {' and '.join(choice.name for choice in choices)}; name one, "
            "and its options behind a colon, zoom:grid=5,floor=0.2"
        )
    return {"family": choices[0].name, **choices[0].options}


def read_methods(text: str) -> dict[str, dict[str, object]]:
    """Read methods as a configuration has them, name → `method` and options; raise `InputError` where one stands twice."""
    methods: dict[str, dict[str, object]] = {}
    for choice in read_choices(text, "--methods"):
        name = " ".join([choice.name, *(f"{key}={value}" for key, value in choice.options.items())])
        if name in methods:
            raise InputError(f"--methods: {text}: names {name} twice; name each once")
        methods[name] = {"method": choice.name, **choice.options}
    return methods


def _refuse_unless(is_right: bool, item: str, text: str, option: str) -> None:
    """Raise `InputError` about an item that is not written as it should be."""
    if not is_right:
        raise InputError(
            f"{option}: {text}: {item!r} cannot be read; write NAME, or NAME:OPTION=VALUE,OPTION=VALUE with each option once"
        )


def _read_value(text: str) -> object:
    """Read the value of an option."""
    try:
        return json.loads(text)
    except ValueError:
        return text
