"""The log of a job, and how failures are reported in it."""

import logging
import re
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from labelmaps.errors import InputError

GPU_FAILURE = re.compile(r"(CUDA|cuDNN) error|No CUDA GPUs are available")  # in messages of torch


@contextmanager
def job(log: str | Path) -> Generator[None]:
    """Run the block as a job: log to the file `log`, and exit with a status other than 0 if the block fails.

    Expected failures are logged in one line: an `InputError`, a GPU that fails, or a signal to stop (SIGTERM, SIGINT). Any
    other exception is a defect of the workflow and is logged with its traceback. The exit status is 1, or 128 + the number
    of the signal. Nothing is printed, because Snakemake prints the log of a failed job.
    """
    logging.basicConfig(
        filename=log,
        filemode="w",
        encoding="utf-8",
        errors="backslashreplace",
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.captureWarnings(True)
    signal.signal(
        signal.SIGTERM, _stop
    )  # the default handler ends Python at once, and temporary files are left
    try:
        yield
    except InputError as error:
        logging.error("ERROR: %s", error)
        sys.exit(1)
    except KeyboardInterrupt as stop:
        number = signal.Signals(*stop.args or [signal.SIGINT])
        logging.error("ERROR: stopped by %s. Run again; what is finished is kept", number.name)
        sys.exit(128 + number)
    except Exception as error:
        if GPU_FAILURE.search(str(error)):
            logging.error("ERROR: %s", _describe_gpu_failure(error))
        else:
            logging.exception("ERROR: this should not have happened; please report it with the lines below")
        sys.exit(1)


def _stop(number: int, frame: object) -> None:
    """Raise `KeyboardInterrupt` with the number of the signal: a signal handler."""
    raise KeyboardInterrupt(number)


def _describe_gpu_failure(error: Exception) -> str:
    """Describe in one line what failed, at which images (a note of `labelmaps.inference.label_maps`) and how to fix it."""
    # Work on the next images starts before the results of the last ones have arrived, so either may have failed.
    where = "".join(f" {note} or just before" for note in getattr(error, "__notes__", ()))
    reason = str(error).splitlines()[0]
    return f"the GPU failed{where} ({reason}). Run again, on another GPU if it fails again; what is finished is kept"
