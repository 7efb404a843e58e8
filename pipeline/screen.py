"""A terminal on which lines at the bottom are replaced; in a file or a pipe, lines only follow each other."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TextIO

RED, YELLOW = "\033[31m", "\033[33m"
NO_COLOUR = "\033[0m"
FIRST_LINE, LONGEST_SILENCE = 30.0, 600.0  # seconds
UP_AND_CLEAR = "\r\033[{}A\033[J"


def write_lines(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines; what the stream's encoding does not have becomes a question mark. Nobody needs to read them."""
    _write(stream, "".join(f"{line}\n" for line in lines))


class Silence:
    """The time after which a file gets lines again: longer and longer, so that a run of hours fills few pages."""

    def __init__(self) -> None:
        self._end = FIRST_LINE

    def is_over(self, gone: float) -> bool:
        """Tell whether it is over, and begin the next; gone: seconds since the run began."""
        if gone < self._end:
            return False
        self._end = gone + min(gone, LONGEST_SILENCE)
        return True


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    with suppress(BrokenPipeError):  # as of `snakemake … | head`: the run goes on
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()


class Screen:
    """The place where a run is shown."""

    def __init__(self, stream: TextIO, has_colours: bool = True):
        """Write to a stream; has_colours: if it is a terminal and the environment has no NO_COLOR."""
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._stream = stream
        self._has_colours = has_colours and self.is_terminal and not os.environ.get("NO_COLOR")
        self._n_live = 0

    def show(self, lines: Iterable[str] = (), live: Sequence[str] = ()) -> None:
        """Write lines that stay, and below them, on a terminal alone, some that the next call replaces."""
        text = UP_AND_CLEAR.format(self._n_live) if self._n_live else ""
        text += "".join(f"{line}\n" for line in lines)
        self._n_live = 0
        if self.is_terminal:
            columns, rows = self._size()
            live = live[-max(1, rows - 2) :]
            text += "".join(f"{_fit(line, columns - 1)}\n" for line in live)
            self._n_live = len(live)
        if text:
            _write(self._stream, text)

    def colour(self, text: str, colour: str) -> str:
        """Colour a text, where the screen has colours."""
        return f"{colour}{text}{NO_COLOUR}" if self._has_colours else text

    def _size(self) -> tuple[int, int]:
        """Return the columns and rows that there are now."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        return columns or 80, rows or 24


def _fit(line: str, columns: int) -> str:
    """Cut a line that is too long, since one that goes on in a second row could not be replaced."""
    return line if len(line) <= columns else f"{line[: columns - 1]}…"
