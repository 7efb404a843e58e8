"""What a job says while it runs and how it fails."""

import logging
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelmaps.errors import InputError

GPU_FAILURE = re.compile(r"(CUDA|cuDNN) error|No CUDA GPUs are available")  # in messages of torch


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Log to the file `log`; turn what is no defect of ours into one clear line and exit status 1.

    That is an `InputError`, a GPU that fails, or a signal to stop (SIGTERM, SIGINT; the status is then 128 + its number).
    Any other exception is a defect, and its traceback goes to the log. Snakemake shows the log of a failed job, so nothing
    is printed twice.
    """
    logging.basicConfig(
        filename=log, filemode="w", level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.captureWarnings(True)
    signal.signal(signal.SIGTERM, _stop)  # by default it ends Python at once, and temporary files stay
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
    raise KeyboardInterrupt(number)


def _describe_gpu_failure(error: Exception) -> str:
    """One line: what, at which images (the note of `labelmaps.inference.label_maps`), and what to do."""
    # A GPU is asked for the next images before its answers to the last ones are waited for.
    where = "".join(f" {note} or just before" for note in getattr(error, "__notes__", ()))
    reason = str(error).splitlines()[0]
    return f"the GPU failed{where} ({reason}). Run again, on another GPU if it fails again; what is finished is kept"
