"""Run a script's function as its rule says."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labelmaps.jobs.logs import job


def run_script(function: Callable[..., None], snakemake: Any) -> None:
    """Call a script's function with the files, the params and the threads of its rule, and log to the rule's log.

    function: each of its parameters bears the name of an input, an output or a param of the rule, or is `threads`. It gets
    files as paths; other inputs, such as `code` and `env`, are there for Snakemake alone.
    snakemake: the object that Snakemake defines in a script.

    Raises `TypeError` where the rule has no such name, or one name for two things.
    """
    given = [("threads", snakemake.threads), *snakemake.params.items()]
    given += [
        (name, as_paths(files)) for name, files in (*snakemake.input.items(), *snakemake.output.items())
    ]
    with job(snakemake.log[0]):
        function(**{name: only(name, given) for name in inspect.signature(function).parameters})


def only(name: str, given: Iterable[tuple[str, Any]]) -> Any:
    """Return the one value that is given under a name."""
    values = [value for other, value in given if other == name]
    if len(values) != 1:
        raise TypeError(f"the rule has {len(values)} inputs, outputs and params of the name {name}")
    return values[0]


def as_paths(files: str | Iterable[str]) -> Path | list[Path]:
    """Convert a rule's file, or its list of files, to paths."""
    return Path(files) if isinstance(files, str) else [Path(file) for file in files]
