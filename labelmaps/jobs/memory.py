"""Halve the batch where memory runs out."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from labelmaps.errors import InputError

logger = logging.getLogger(__name__)
T = TypeVar("T")
# What torch says where its error is of no particular type.
OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def usual_batch(device: torch.device) -> int:
    """Views that go through a network together where the settings leave it open.

    On a CPU, what a layer hands to the next then stays in the cache.
    """
    return 1024 if device.type == "cuda" else 8


def with_enough_memory(attempt: Callable[[int], T], batch: int, possible: Callable[[int], int]) -> T:
    """What `attempt(batch)` returns; where memory runs out it is called again, with half the views at once each time.

    possible: gives the number of views at once next to a number. Raises `InputError` where not even the fewest fit.
    """
    batch = possible(batch)
    while True:
        try:
            return attempt(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            smaller = possible(max(batch // 2, 1))
            if smaller == batch:
                raise InputError(
                    f"no memory left for {batch} views at once, and fewer are not possible. Free some, choose reduced "
                    f"precision (compute.precision) or a smaller network: {error}"
                ) from error
        # Only here, out of the handler, are the tensors given back that the exception held.
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        logger.warning("no memory left for %d views at once: starting again with %d", batch, smaller)
        batch = smaller


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that the GPU, or the machine, has no memory left."""
    is_one = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_one or any(text in str(error) for text in OUT_OF_MEMORY)
