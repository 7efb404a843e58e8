"""A method of one's own, as a module of the package that lies in another folder."""

import sys

from labelmaps import methods
from labelmaps.modules import load_module

SALIENCY = "\n\ndef saliency(maps, label, *, power: float = 1.0):\n    return maps.log_sum_exp**power\n"


def add_method(monkeypatch, folder, name, constants):
    """Make `labelmaps.methods.<name>` importable from a folder, for one test; returns the module's file."""
    load_module.cache_clear()
    path = folder / f"{name}.py"
    path.write_text("".join(f"{constant} = {value!r}\n" for constant, value in constants.items()) + SALIENCY)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folder)])
    monkeypatch.setattr(
        methods, name, None, raising=False
    )  # what the import leaves there is taken away again
    monkeypatch.setitem(sys.modules, f"labelmaps.methods.{name}", None)
    monkeypatch.delitem(sys.modules, f"labelmaps.methods.{name}")
    return path
