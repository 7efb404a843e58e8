"""Families of interchangeable modules: a view family or a method is one module in its package."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from numbers import Integral, Real
from types import ModuleType
from typing import Literal, get_args, get_origin

from labelmaps.errors import InputError

DESCRIPTION = re.compile(r"(\w+(?:, \w+)*):(.*)")


def module_names(package: ModuleType) -> list[str]:
    """List the modules of a package in alphabetical order, without those whose names begin with _."""
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


@cache  # the folder is not listed again for a module that is there
def load_module(package: ModuleType, name: str) -> ModuleType:
    """Import one module of a package.

    Raises `InputError`, which lists the modules of the package, where `name` is none of them.
    """
    if name not in module_names(package):
        raise InputError(
            f"no module '{name}' in {package.__name__}: choose one of {', '.join(module_names(package))}"
        )
    return importlib.import_module(f"{package.__name__}.{name}")


def option_names(function_or_class: Callable) -> list[str]:
    """List the options of a function or a class, its keyword-only parameters, in the signature's order."""
    parameters = inspect.signature(function_or_class).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def option_descriptions(function_or_class: Callable) -> dict[str, str]:
    """Read the descriptions of a function's or a class's options from its docstring.

    A line `name: text` describes an option, `a, b: text` several, and the indented lines after it continue the text.

    Returns option → text on one line, in the signature's order, without the options that are not described.
    """
    described: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in inspect.cleandoc(function_or_class.__doc__ or "").splitlines():
        if match := DESCRIPTION.fullmatch(line):
            lines = [match[2]]
            described |= dict.fromkeys(match[1].split(", "), lines)
        elif line.startswith(" "):
            lines.append(line)
        else:
            lines = []  # of no option
    texts = {name: " ".join(" ".join(lines).split()) for name, lines in described.items()}
    return {name: texts[name] for name in option_names(function_or_class) if name in texts}


def check_options(function_or_class: Callable, options: Mapping[str, object], owner: str) -> None:
    """Raise `InputError` for options that a function or a class does not have, or whose values it cannot take.

    owner: whose options they are, for the message. A configuration is checked by its schema; this is for callers in Python.
    """
    known = option_names(function_or_class)
    parameters = inspect.signature(function_or_class).parameters
    for name, value in options.items():
        if name not in known:
            choices = f"its options are {', '.join(known)}" if known else "it has none"
            raise InputError(f"{owner} has no option '{name}'; {choices}")
        annotation = parameters[name].annotation
        if not _can_be(value, annotation):
            raise InputError(f"{owner}: {name} is {value!r}. Make it {_in_words(annotation)}")


def _can_be(value: object, annotation: object) -> bool:
    """Tell whether a value is of a kind that an annotation names; where it names others than these, it may be."""
    if get_origin(annotation) is Literal:
        return any(
            value == one and isinstance(value, bool) == isinstance(one, bool) for one in get_args(annotation)
        )
    if kinds := get_args(annotation):
        return any(_can_be(value, kind) for kind in kinds)
    if annotation in (int, float):
        return isinstance(value, Integral if annotation is int else Real) and not isinstance(value, bool)
    return isinstance(value, annotation) if isinstance(annotation, type) else True


def _in_words(annotation: object) -> str:
    """Write what values an annotation allows."""
    if get_origin(annotation) is Literal:
        return " or ".join(map(repr, get_args(annotation)))
    if kinds := get_args(annotation):
        return " or ".join(map(_in_words, kinds))
    names = {bool: "True or False", str: "some text", int: "a whole number", float: "a number"}
    return names.get(annotation, str(annotation))
