"""Alternatives timed in turn, so that a machine that slows down slows all of them."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """Let torch share each operation among so many threads, as it does unasked; before and after, ours has one."""
    torch.set_num_threads(n)
    yield
    torch.set_num_threads(1)


def timed(function: Callable[[], object]) -> float:
    """Seconds that one call takes, on whatever device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def in_turn(functions: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each function in each round, called with the round's number after a round that is not counted."""
    times = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            seconds = timed(lambda function=function, turn=turn: function(turn))
            if turn:
                times[name].append(seconds)
    return times


def ratio(times: Mapping[str, list[float]], of: str, to: str) -> float:
    """Median over the rounds of the time of one over the time of another."""
    return statistics.median(a / b for a, b in zip(times[of], times[to], strict=True))
