"""Extras of `pip install labelmaps`: a library that is missing is told by its extra, wherever a module imports it."""

import sys
from collections.abc import Sequence
from importlib import _bootstrap
from importlib.machinery import ModuleSpec
from types import ModuleType

# Library, as it is imported → the extra of pyproject.toml that installs it.
EXTRAS = {
    **dict.fromkeys(("numba", "pytorch_grad_cam", "safetensors", "timm", "torch", "torchvision"), "networks"),
    **dict.fromkeys(("adjustText", "matplotlib"), "figures"),
}


class NameExtra:
    """The last of Python's finders, which is asked for what no other has found, and finds nothing either."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError`, which names the extra, if a module of this package imports a missing library.

        Where another package looks whether the library is there, it is told that it is not, as by Python.
        """
        if name in EXTRAS and _importer().startswith(f"{__package__}."):
            raise ModuleNotFoundError(
                f"this needs {name}: pip install 'labelmaps[{EXTRAS[name]}]'", name=name
            )
        return None


def _importer() -> str:
    """Return the name of the module whose import is being resolved."""
    frame = sys._getframe(2)  # past the finder
    while frame.f_back and frame.f_globals is vars(_bootstrap):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "")


def name_missing_extras() -> None:
    """Let Python ask `NameExtra` last, from now on."""
    if NameExtra not in sys.meta_path:
        sys.meta_path.append(NameExtra)
