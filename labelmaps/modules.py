"""Families of interchangeable modules: a view family or a method is one module in its package."""

import importlib
import pkgutil
from types import ModuleType

from labelmaps.errors import InputError


def module_names(package: ModuleType) -> list[str]:
    """Sorted names of the modules in a package; those that begin with _ are its own affair."""
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


def load_module(package: ModuleType, name: str) -> ModuleType:
    """Import the module `name` of a package; raise `InputError` naming those there are."""
    if name not in module_names(package):
        raise InputError(
            f"no module '{name}' in {package.__name__}: choose one of {', '.join(module_names(package))}"
        )
    return importlib.import_module(f"{package.__name__}.{name}")
