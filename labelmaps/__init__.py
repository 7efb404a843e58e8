"""Label maps: a classifier's logits on a grid of fixation points, and what to make of them.

A script of the workflow begins its log here, before it imports what takes seconds and memory.

What the package exports (`EXPORTED`, and for types `__init__.pyi`) is imported when it is first used. Its modules are named
in strings: every rule's code is what its script imports, through this file too, and an edit of them must rerun nothing.
"""

import sys
from importlib import import_module
from pathlib import Path

from labelmaps.extras import name_missing_extras

name_missing_extras()

EXPORTED = {
    "InputError": "labelmaps.errors",
    "look": "labelmaps.looking.look",
    "Look": "labelmaps.looking.result",
    "Results": "labelmaps.results",
}


def __getattr__(name: str) -> object:
    """Import what the package exports."""
    if name not in EXPORTED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(EXPORTED[name]), name)


def __dir__() -> list[str]:
    """List what the module has, with what it exports."""
    return sorted({*globals(), *EXPORTED})


_main = sys.modules["__main__"]
if hasattr(_main, "snakemake") and (
    Path(getattr(_main, "__file__", "")).resolve().parent
    == Path(__file__).resolve().parents[1] / "workflow" / "scripts"
):
    from labelmaps.jobs.logs import begin_log

    begin_log(_main.snakemake.log[0])
