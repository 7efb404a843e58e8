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


def with_enough_memory(attempt: Callable[[int], T], batch: int, round_batch: Callable[[int], int]) -> T:
    """Return `attempt(batch)`; where memory runs out, call it again with half the batch, and so on.

    round_batch: rounds a number of views to one that can go through the network together. Raises `InputError` where not
    even the smallest batch fits.
    """
    batch = round_batch(batch)
    while True:
        try:
            return attempt(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            smaller = round_batch(max(batch // 2, 1))
            if smaller == batch:
                raise InputError(
                    f"no memory left for {batch} views at once, and fewer are not possible. Free some, choose reduced "
                    f"precision (compute.precision) or a smaller network: {error}"
                ) from error
        # Free memory only after leaving the `except` block: until then the exception keeps its tensors alive.
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        logger.warning("no memory left for %d views at once: starting again with %d", batch, smaller)
        batch = smaller


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an exception says that the GPU, or the machine, has no memory left."""
    is_one = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_one or any(text in str(error) for text in OUT_OF_MEMORY)
