"""The progress of a job as lines of its log, which the process that shows the run reads again; no library is imported."""

import re
from typing import NamedTuple

PATTERN = re.compile(
    r"(?P<done>[\d.]+)(?: of (?P<total>[\d.]+))? (?P<unit>\w+), (?P<rate>[\d.]+) (?P=unit)/s(?:, [\w ]+ left)?$"
)


class Progress(NamedTuple):
    """How far a job is.

    done, total: counts of the unit; total is None where nobody knows it.
    unit: in the plural.
    rate: per second.
    """

    done: float
    total: float | None
    unit: str
    rate: float

    def __str__(self) -> str:
        """Write it as the end of a line, as `read` takes it."""
        total = "" if self.total is None else f" of {_number(self.total)}"
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        return f"{_number(self.done)}{total} {self.unit}, {_number(self.rate, 3)} {self.unit}/s{left}"

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the end at this rate; None at the end, and where it cannot be told."""
        if self.total is None or self.rate <= 0 or self.done >= self.total:
            return None
        return (self.total - self.done) / self.rate


def read(line: str) -> Progress | None:
    """Read the progress that a line of a log ends in; None if it does not."""
    found = PATTERN.search(line)
    if found is None:
        return None
    total = None if found["total"] is None else float(found["total"])
    return Progress(float(found["done"]), total, found["unit"], float(found["rate"]))


def duration(seconds: float) -> str:
    """Write a duration so that one sees its size: in seconds below two minutes, then minutes, then hours and minutes."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _number(value: float, digits: int = 6) -> str:
    """Write a number with so many significant digits, but never as a power of ten."""
    if value >= 10**digits or value == int(value):
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if value >= 0.001 else "0"
