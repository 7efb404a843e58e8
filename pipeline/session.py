"""What of a user's session must not reach the jobs, or would be lost without a word: variables, an encoding, options.

Jobs inherit the environment of Snakemake, which reads the workflow anew where it starts one (on a node of a cluster, too).
"""

import re
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path

from pipeline.settings.base import ConfigurationError

# Text files are UTF-8, and names of files are what their bytes say in UTF-8, whatever the locale; figures need no display.
SET = {"PYTHONUTF8": "1", "MPLBACKEND": "agg"}
# Names, and beginnings of names (which end with _).
CLEARED = (
    "MATPLOTLIBRC",  # a style of the user's; labelmaps.figures.style undoes what matplotlib finds elsewhere
    "PYTHONINSPECT",  # a job that failed would wait for commands
    "PYTHONOPTIMIZE",  # assertions are left out
    "PYTHONWARNINGS",  # "error": a library's hint ends the job
    "TQDM_",  # a progress bar that cannot be drawn ends the job
    "NUMBA_",  # no compilation, other instructions
    *("NPY_", "OPENBLAS_CORETYPE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),  # other instructions
    *("ATEN_CPU_CAPABILITY", "ONEDNN_", "DNNL_", "NVIDIA_TF32_OVERRIDE"),  # and another precision
    *("TORCH_", "TORCHDYNAMO_", "TORCHINDUCTOR_"),  # no compilation, TF32, checkpoints that may run code
)
# Options of Snakemake that take several values, and of which the last holds alone where they are repeated.
REPEATED = {"--configfile": r"--configfiles?(=.*)?", "--config": r"--config(=.*)?|-C.*"}
KEPT = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TORCH_HOME")  # where files lie


def clear(environment: MutableMapping[str, str]) -> None:
    """Take out of an environment what must not reach the jobs, and set what they need."""
    for name in list(environment):
        is_cleared = any(
            name.startswith(cleared) if cleared.endswith("_") else name == cleared for cleared in CLEARED
        )
        if is_cleared and name not in KEPT:
            del environment[name]
    environment.update(SET)


def refuse_misread_paths(paths: Iterable[str | Path | None], encoding: str | None = None) -> None:
    """Raise `ConfigurationError` for a path that this process reads otherwise than its jobs, which take names for UTF-8.

    encoding: of the names of files, in this process.
    """
    encoding = encoding or sys.getfilesystemencoding()
    for path in paths:
        if encoding != "utf-8" and path is not None and not str(path).isascii():
            raise ConfigurationError(
                f"{str(path)!a}: the encoding of this session is {encoding}, and the name is not ASCII. "
                "Run again with PYTHONUTF8=1 (export PYTHONUTF8=1), or in a locale of UTF-8"
            )


def refuse_repeated_options(arguments: Sequence[str]) -> None:
    """Raise `ConfigurationError` where an option stands twice on the command line: Snakemake takes the last alone."""
    for option, pattern in REPEATED.items():
        if sum(re.fullmatch(pattern, argument, re.DOTALL) is not None for argument in arguments) > 1:
            raise ConfigurationError(
                f"{option} is given twice, and Snakemake takes the last alone; give all values after one, as in "
                f"{option} first second"
            )
