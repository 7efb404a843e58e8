"""A smaller batch if memory runs out; the default batch size is in `labelmaps.networks.compute`."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from labelmaps.errors import InputError

logger = logging.getLogger(__name__)
T = TypeVar("T")
# Parts of the messages of torch's errors that have no type of their own.
OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def with_enough_memory(attempt: Callable[[int], T], batch: int, round_batch: Callable[[int], int]) -> T:
    """Return `attempt(batch)`; as long as memory runs out, halve the batch and call it again.

    batch: the number of views that go through the network together in the first attempt.
    round_batch: rounds a batch to one that the engine can process.

    Raises `InputError` if memory runs out at the smallest possible batch. Other exceptions of `attempt` are passed on.
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
                    f"no memory left for {batch} views at once, and fewer are not possible. Free memory, choose reduced "
                    f"precision (compute.precision) or a smaller network: {error}"
                ) from error
        # Free memory only after leaving the `except` block: until then the exception keeps its tensors alive.
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        logger.warning("no memory left for %d views at once: starting again with %d", batch, smaller)
        batch = smaller


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an exception means that the GPU or the machine has no memory left."""
    has_type = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return has_type or any(text in str(error) for text in OUT_OF_MEMORY)
