"""Work that threads do ahead of the consumer of its results."""

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

    ahead: the number of items whose results are computed, or waiting, before the consumer takes them. size: of an item and
    its result, in the unit of room, beyond which they are no more together; an item that is larger comes alone.
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
        for future, _ in futures:  # the consumer stopped, and will not take them
            future.cancel()
