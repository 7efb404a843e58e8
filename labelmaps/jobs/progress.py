"""Progress bars."""

import sys

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10  # in a log file, where every update adds a line


def progress(*arguments, **options) -> tqdm:
    """Create a progress bar on stderr with tqdm's arguments; it is updated often on a terminal and rarely in a log file."""
    return tqdm(*arguments, mininterval=0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES, **options)
