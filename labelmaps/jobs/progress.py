"""The progress of long work: a bar on stderr, or in a job lines of its log, since several jobs share a terminal."""

import io
import logging
import sys

from tqdm import tqdm

from labelmaps.jobs.logs import has_log
from labelmaps.jobs.progress_lines import Progress

SECONDS_BETWEEN_LINES = 10  # in a file, where every update adds a line
PLURALS = {"batch": "batches", "B": "MB"}
SIZES = {"B": 1e6}  # of the unit that is written, where it is not that which is counted
logger = logging.getLogger(__name__)


def progress(*arguments, **options) -> tqdm:
    """Create a progress bar with tqdm's arguments; it is updated often on a terminal, and rarely in a file or a log."""
    if has_log():
        return _Lines(*arguments, file=io.StringIO(), mininterval=SECONDS_BETWEEN_LINES, **options)
    return tqdm(*arguments, mininterval=0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES, **options)


class _Lines(tqdm):
    """A progress bar whose every update is a line of the log."""

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Log how far the work is: tqdm calls this for an update; both arguments concern a bar."""
        state = self.format_dict
        unit, size = state["unit"], SIZES.get(state["unit"], 1)
        rate = state["rate"] or (state["n"] / state["elapsed"] if state["elapsed"] else 0)
        total = None if state["total"] is None else state["total"] / size
        now = Progress(state["n"] / size, total, PLURALS.get(unit, f"{unit}s"), rate / size)
        postfix = f" ({state['postfix']})" if state["postfix"] else ""
        logger.info("%s%s: %s", state["prefix"], postfix, now)
        return True
