"""Copies of arrays to a device and back, which do not interrupt the GPU's computation."""

import numpy as np
import torch
from torch import Tensor


def send(array: np.ndarray, device: torch.device) -> Tensor:
    """Copy an array to a device, and return a tensor; to a GPU, the copy is asynchronous, by way of pinned memory.

    On a CPU, the tensor shares the memory of the array.
    """
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class PendingArrays:
    """Tensors that are being copied to the CPU asynchronously; `arrays()` waits for the copies and returns NumPy arrays."""

    def __init__(self, **tensors: Tensor):
        self._tensors = {name: tensor.to("cpu", non_blocking=True) for name, tensor in tensors.items()}
        self._done = None
        if any(tensor.is_cuda for tensor in tensors.values()):
            self._done = torch.cuda.Event()
            self._done.record()

    def arrays(self) -> dict[str, np.ndarray]:
        """Wait until all copies are complete, and return them as arrays, by the tensors' names."""
        if self._done is not None:
            self._done.synchronize()
        return {name: tensor.numpy() for name, tensor in self._tensors.items()}
