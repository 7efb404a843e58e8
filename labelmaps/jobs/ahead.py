"""Computation in threads, ahead of the consumer of the results."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(
    pool: ThreadPoolExecutor,
    function: Callable[..., T],
    items: Iterable[tuple],
    ahead: int,
    size: Callable[..., float] = lambda *item: 0,
    room: float = math.inf,
) -> Iterator[T]:
    """Compute `function(*item)` for each item in a thread pool, and yield the results in the order of the items.

    ahead: the largest number of items that are being computed, or whose results wait for the consumer.
    size: the size of an item and its result, in the unit of room.
    room: the largest size of all these items together; an item that is larger is computed alone.

    An exception that the function raises is raised when its result would be yielded.
    """
    futures: deque[tuple[Future[T], float]] = deque()
    try:
        for item in items:
            taken = size(*item)
            while futures and sum(other for _, other in futures) + taken > room:
                yield futures.popleft()[0].result()
            futures.append((pool.submit(function, *item), taken))
            if len(futures) == ahead:
                yield futures.popleft()[0].result()
        while futures:
            yield futures.popleft()[0].result()
    finally:
        for future, _ in futures:  # there are any left only if the consumer stopped or an item failed
            future.cancel()
