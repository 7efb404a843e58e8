"""Timing of alternatives in turn, so that a machine that becomes slower affects all of them."""

import statistics
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(n: int) -> Generator[None]:
    """Let torch divide each operation among n threads inside the `with` block; set it to one thread afterwards."""
    torch.set_num_threads(n)
    yield
    torch.set_num_threads(1)


def time_call(function: Callable[[], object]) -> float:
    """Measure the seconds that one call takes, on CPU or GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def time_in_turn(functions: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, list[float]]:
    """Call all functions in turn, in each of several rounds, and measure the seconds that each call takes.

    functions: name → function, which is called with the round's number: 1 to `rounds`, and 0 in a first round that does not
        count.

    Returns name → seconds (round,).
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            seconds = time_call(lambda function=function, turn=turn: function(turn))
            if turn:
                times[name].append(seconds)
    return times


def median_ratio(times: Mapping[str, list[float]], numerator: str, denominator: str) -> float:
    """Compute the median over the rounds of one alternative's time divided by another's.

    times: as from `time_in_turn`. numerator, denominator: the names of the two.
    """
    return statistics.median(a / b for a, b in zip(times[numerator], times[denominator], strict=True))
