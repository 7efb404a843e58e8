"""Computation in threads, ahead of the consumer of the results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(
    pool: ThreadPoolExecutor, function: Callable[..., T], items: Iterable[tuple], ahead: int
) -> Iterator[T]:
    """Compute `function(*item)` for each item in a thread pool, and yield the results in the order of the items.

    ahead: the largest number of items that are being computed, or whose results wait for the consumer.

    An exception that the function raises is raised when its result would be yielded.
    """
    futures = deque()
    try:
        for item in items:
            futures.append(pool.submit(function, *item))
            if len(futures) == ahead:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        for future in futures:  # there are any left only if the consumer stopped or an item failed
            future.cancel()
