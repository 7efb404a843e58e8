"""Checks of the user's session: variables and encodings that must not reach the jobs, and options that would be lost.

Jobs inherit the environment of Snakemake, which reads the workflow again for each job that it starts (also on a node of a
cluster).
"""

import re
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path

from pipeline.settings.base import ConfigurationError

# Text files and names of files are read as UTF-8, whatever the locale; figures need no display.
SET = {"PYTHONUTF8": "1", "MPLBACKEND": "agg"}
# Names of variables, and beginnings of names (those that end with _), with the reason for removing them.
CLEARED = (
    "MATPLOTLIBRC",  # sets a user's style; labelmaps.figures.style resets what matplotlib finds elsewhere
    "PYTHONINSPECT",  # makes a job that failed wait for commands
    "PYTHONOPTIMIZE",  # removes assertions
    "PYTHONWARNINGS",  # with "error", a library's warning ends the job
    "TQDM_",  # may set a progress bar that cannot be drawn and ends the job
    "NUMBA_",  # may turn compilation off or select other instructions
    *("NPY_", "OPENBLAS_CORETYPE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),  # select other instructions
    *(
        "ATEN_CPU_CAPABILITY",
        "ONEDNN_",
        "DNNL_",
        "NVIDIA_TF32_OVERRIDE",
    ),  # select those, and another precision
    *(
        "TORCH_",
        "TORCHDYNAMO_",
        "TORCHINDUCTOR_",
    ),  # may turn compilation off, TF32 on, or allow unsafe checkpoints
)
# Options of Snakemake that take several values; if they are repeated, only the last counts.
REPEATED = {"--configfile": r"--configfiles?(=.*)?", "--config": r"--config(=.*)?|-C.*"}
KEPT = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TORCH_HOME")  # folders for files


def clear(environment: MutableMapping[str, str]) -> None:
    """Remove from an environment the variables that must not reach the jobs, and set those that they need."""
    for name in list(environment):
        is_cleared = any(
            name.startswith(cleared) if cleared.endswith("_") else name == cleared for cleared in CLEARED
        )
        if is_cleared and name not in KEPT:
            del environment[name]
    environment.update(SET)


def refuse_misread_paths(paths: Iterable[str | Path | None], encoding: str | None = None) -> None:
    """Raise `ConfigurationError` for a path that jobs would read differently, as they decode names of files as UTF-8.

    encoding: the encoding of names of files in this process; found out unless given.
    """
    encoding = encoding or sys.getfilesystemencoding()
    for path in paths:
        if encoding != "utf-8" and path is not None and not str(path).isascii():
            raise ConfigurationError(
                f"{str(path)!a}: the encoding of this session is {encoding}, and the name is not ASCII. "
                "Run again with PYTHONUTF8=1 (export PYTHONUTF8=1), or in a locale of UTF-8"
            )


def refuse_repeated_options(arguments: Sequence[str]) -> None:
    """Raise `ConfigurationError` if an option is given twice on the command line, since Snakemake uses only the last."""
    for option, pattern in REPEATED.items():
        if sum(re.fullmatch(pattern, argument, re.DOTALL) is not None for argument in arguments) > 1:
            raise ConfigurationError(
                f"{option} is given twice, but Snakemake uses only the last; give all values after one, as in "
                f"{option} first second"
            )
