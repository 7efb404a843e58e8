"""Work that threads do ahead of the consumer of its results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(
    pool: ThreadPoolExecutor, function: Callable[..., T], items: Iterable[tuple], ahead: int
) -> Iterator[T]:
    """Compute `function(*item)` for each item in a thread pool, and yield the results in the order of the items.

    ahead: the number of items whose results are computed, or waiting, before the consumer takes them.
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
        for future in futures:  # the consumer stopped, and will not take them
            future.cancel()
