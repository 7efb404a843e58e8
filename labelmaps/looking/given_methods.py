"""The methods that a caller of `labelmaps.look` gives, with their options."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from labelmaps import methods as package
from labelmaps.errors import InputError
from labelmaps.methods import Facts, facts_of
from labelmaps.modules import check_options, load_module, module_names
from labelmaps.scoring.fixations import Arrival

ALL = "all"


@dataclass(frozen=True)
class GivenMethod:
    """A method with its options, as an entry of the configuration's `methods`.

    method: the module. options: of its `saliency`. arrival: how a cell of its map leads to a view.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    arrival: Arrival = "nearest"

    @property
    def facts(self) -> Facts:
        """The facts that the method's module states."""
        return facts_of(self.method)

    @property
    def variant(self) -> str:
        """The method with what is not at its default, as in "igub prior=mean"."""
        parameters = inspect.signature(load_module(package, self.method).saliency).parameters
        changed = {key: value for key, value in self.options.items() if value != parameters[key].default}
        if self.arrival != "nearest":
            changed = {"arrival": self.arrival, **changed}
        return " ".join([self.method, *(f"{key}={value}" for key, value in changed.items())])


def read_methods(methods: object) -> dict[str, GivenMethod]:
    """Read the methods that a caller gives, by name.

    methods: "all", a name, several names, or name → {"method": …, "arrival": …, options…}, as in a configuration, where
    `method` may be left out if it is the name. Raises `InputError` for methods, options and values that there are not.
    """
    if methods == ALL:
        return {name: GivenMethod(name) for name in module_names(package)}
    if isinstance(methods, str):
        methods = [methods]
    if isinstance(methods, Mapping):
        return {str(name): _read(str(name), entry) for name, entry in methods.items()}
    if not isinstance(methods, Iterable):
        raise InputError(f'methods: {methods!r}. Give "{ALL}", names, or name → options')
    names = list(methods)
    if unnamed := [name for name in names if not isinstance(name, str)]:
        raise InputError(f"methods: {unnamed[0]!r} is no name of a method; give options as name → options")
    return {name: _read(name, {}) for name in names}


def _read(name: str, entry: object) -> GivenMethod:
    """Read one method."""
    if not isinstance(entry, Mapping):
        raise InputError(
            f'methods: {name}: {entry!r}. Give its options by name, such as {{"method": "igub"}}'
        )
    options = {str(key): value for key, value in entry.items()}
    method, arrival = str(options.pop("method", name)), options.pop("arrival", "nearest")
    check_options(load_module(package, method).saliency, options, f"methods: {name}")
    if arrival not in get_args(Arrival):
        raise InputError(f"methods: {name}: arrival is {arrival!r}. Make it {' or '.join(get_args(Arrival))}")
    return GivenMethod(method, options, arrival)
