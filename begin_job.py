"""Import this first in a script: the job takes the package from the clone to which its script belongs.

What a rule's params name is the code beside the Snakefile, and Python puts the scripts' folders last on its path: a wheel of
labelmaps in the environment, another clone that is installed there in place, or one in PYTHONPATH, comes before them. This
module stands in none of the packages, because it must not be taken from the other copy of one; should it be, it tells by the
script's place.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def find_another(package: str, root: Path) -> str | None:
    """Say from where Python takes a package, and how to fix it, if that is not the folder `root`; None if all is well.

    root: the folder of the clone that runs. A link to it, or another mount of it, is the same folder.
    """
    found, own = find_spec(package), root / package
    if found is None:
        return None  # the import says so
    places = [Path(place) for place in found.submodule_search_locations or ()]
    if len(places) == 1 and places[0].is_dir() and places[0].samefile(own):
        return None
    other = ", ".join(map(str, places)) or found.origin
    return (
        f"another copy of the package {package}: Python takes it from {other}, but the workflow that runs, and whose code "
        f"is noted with its results, lies in {own}. Uninstall the other (pip uninstall {package}), take its folder out of "
        "PYTHONPATH, or rename it if it is a module of yours, and run again"
    )


def _begin(main: Any) -> None:
    """Let Python look first in the clone of a script that Snakemake runs; stop, with a line in its log, if too late."""
    folder = Path(getattr(main, "__file__", "")).parent
    if not hasattr(main, "snakemake") or folder.parts[-2:] != ("workflow", "scripts"):
        return
    sys.path.insert(0, str(folder.parents[1]))  # as for the plan; processes that the job starts have it, too
    if problem := find_another("labelmaps", folder.parents[1]):  # which was imported before
        log = Path(main.snakemake.log[0])
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"ERROR: {problem}\n", encoding="utf-8", errors="backslashreplace")
        sys.exit(1)


_begin(sys.modules["__main__"])
