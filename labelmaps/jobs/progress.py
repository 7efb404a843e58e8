"""How long work shows itself."""

import sys

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10  # in a file, where every update is a line


def progress(*arguments, **options) -> tqdm:
    """A progress bar on stderr, with tqdm's arguments: lively on a terminal, sparing in a log file."""
    return tqdm(*arguments, mininterval=0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES, **options)
