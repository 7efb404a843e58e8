"""Work that threads do ahead of whoever takes it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(
    pool: ThreadPoolExecutor, function: Callable[..., T], items: Iterable[tuple], ahead: int
) -> Iterator[T]:
    """function(*item) of each item, in order, made in the pool's threads up to `ahead` items before it is taken."""
    waiting = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, *item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for later in waiting:  # nobody will take them
            later.cancel()
