"""What is said of a configuration, a line at a time."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """A line of the report.

    kind: `title` of what follows; `ok`; `note`, of what the user may want to know; `stop`, of what would stop a run; `line`,
    of a table.
    """

    kind: Literal["title", "ok", "note", "stop", "line"]
    text: str


@contextmanager
def warnings_of_package() -> Generator[list[str]]:
    """Collect, instead of printing, the warnings that the package logs inside the block."""
    collected: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                collected.append(self.format(record))  # with the traceback of the user's own code

    logger, handler = logging.getLogger("labelmaps"), Collector()
    propagated = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield collected
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


def size(n_bytes: float) -> str:
    """Write a number of bytes in the unit that people would."""
    for unit, share in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= share:
            return f"{n_bytes / share:.{0 if n_bytes >= 20 * share else 1}f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """Write a time in the unit that people would."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.{0 if seconds >= 20 * length else 1}f} {unit}"
    return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
