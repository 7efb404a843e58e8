"""The command line: which command is meant, and what is said and returned where one fails."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cyclopts import App, CycloptsError

from labelmaps.command.check import check
from labelmaps.command.look import look
from labelmaps.errors import InputError

BAD_INPUT = 2  # status at exit; a defect, with its traceback, has Python's 1
STDOUT = 1  # the descriptor of a file

app = App(
    name="labelmaps",
    help="Where should a classifier look? See one photo through a network, or check a configuration of the workflow before "
    "it runs.",
    help_epilogue="The workflow itself is run by Snakemake, in a clone: `uv run snakemake --cores all`. "
    "docs/command.md there says more.",
    help_format="markdown",
    version_flags=["--version"],
)
app.command(
    look,
    help_epilogue="Examples:\n\n"
    '`labelmaps look photo.jpg --network timm:resnet50 --label "tabby cat" -o figure.pdf`\n\n'
    "`labelmaps look cat.jpg dog.jpg -n resnet18 --view zoom:grid=5 --methods igub,dff -o figures/`",
)
app.command(
    check,
    help_epilogue="Example: `uv run labelmaps check config/imagenet.yaml mine.yaml --cores 16`",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command, and exit: with 0, with 1 where `check` finds what would stop a run, or with 2 for unusable input.

    arguments: those of the command line, unless given. What is wrong is said in one line on stderr, without a traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    _keep_quiet()
    signal.signal(signal.SIGTERM, _stop)  # the default would leave temporary files
    try:
        status = app(
            arguments or ["--help"], exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        fail(f"{_named(arguments)}: {_one_line(error)} ({_named(arguments)} --help lists what there is)")
    except (InputError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and "labelmaps[" not in str(error):
            raise
        fail(f"{_named(arguments)}: {error}")
    except KeyboardInterrupt as stop:
        sys.exit(128 + signal.Signals(*stop.args or [signal.SIGINT]))
    except BrokenPipeError:  # whoever read, as `head` does, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        sys.exit(0)
    sys.exit(status or 0)


def fail(message: str) -> None:
    """Say what is wrong, and exit."""
    print(message, file=sys.stderr)
    sys.exit(BAD_INPUT)


def _stop(number: int, frame: object) -> None:
    """Raise `KeyboardInterrupt` with the number of the signal: a signal handler."""
    raise KeyboardInterrupt(number)


def _named(arguments: Sequence[str]) -> str:
    """Name the command that is meant, as it is typed."""
    return " ".join(["labelmaps", *(name for name in arguments[:1] if name in ("look", "check"))])


def _one_line(error: CycloptsError) -> str:
    """Say on one line what is wrong with a command line."""
    return " ".join(str(error).split())


def _keep_quiet() -> None:
    """Let libraries say nothing, and the package no more than warnings; draw progress on a terminal alone."""
    logging.basicConfig(level=logging.WARNING, format="note: %(message)s", stream=sys.stderr)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # where the locale has no ×
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"
