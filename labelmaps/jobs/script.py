"""The call of a script's function with the files and params that its rule declares."""

import gc
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labelmaps.jobs.logs import job


def run_script(function: Callable[..., None], snakemake: Any) -> None:
    """Call a script's function with the files, params and resources of its rule, and log to the rule's log.

    function: each of its parameters has the name of an input, an output, a param or a resource of the rule, or of a key of
        the param `by_name`, or is `threads`. Files are passed as paths. Params that it does not have, as `code`, are for
        Snakemake only.
    snakemake: the object that Snakemake defines in a script.

    The call runs as a `job`: if a parameter's name is missing in the rule or occurs twice (a `TypeError`), or the function
    fails, the failure is logged and the process exits.
    """
    by_name = snakemake.params.get("by_name", {})
    resources = snakemake.resources.items()
    declarations = [("threads", snakemake.threads), *resources, *snakemake.params.items(), *by_name.items()]
    declarations += [
        (name, as_paths(files)) for name, files in (*snakemake.input.items(), *snakemake.output.items())
    ]
    with job(snakemake.log[0]):
        function(**{name: only(name, declarations) for name in inspect.signature(function).parameters})
    # The process ends here; without this, Python would first search all objects of torch for cycles, for half a second.
    gc.freeze()


def only(name: str, declarations: Iterable[tuple[str, Any]]) -> Any:
    """Return the value of the declaration (name, value) with this name; raise `TypeError` if there is not exactly one."""
    values = [value for other, value in declarations if other == name]
    if len(values) != 1:
        raise TypeError(
            f"the rule has {len(values)} inputs, outputs, params and resources of the name {name}"
        )
    return values[0]


def as_paths(files: str | Iterable[str]) -> Path | list[Path]:
    """Convert a rule's file to a path, or its list of files to a list of paths."""
    return Path(files) if isinstance(files, str) else [Path(file) for file in files]
