"""What a job says while it runs and how it fails."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelmaps.errors import InputError


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Log to the file `log`; turn an `InputError` into one clear line and exit status 1.

    Any other exception is a defect of ours, and its traceback goes to the log. Snakemake shows the log of a
    failed job, so nothing is printed twice.
    """
    logging.basicConfig(
        filename=log, filemode="w", level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.captureWarnings(True)
    try:
        yield
    except InputError as error:
        logging.error("ERROR: %s", error)
        sys.exit(1)
    except Exception:
        logging.exception("ERROR: this should not have happened; please report it with the lines below")
        sys.exit(1)
