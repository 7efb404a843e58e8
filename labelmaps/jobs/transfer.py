"""Arrays to a device and back, while the GPU goes on with what it has."""

import numpy as np
import torch
from torch import Tensor


def send(array: np.ndarray, device: torch.device) -> Tensor:
    """An array on a device. A GPU need not have finished what it does: only pinned memory is copied beside."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class OnItsWay:
    """Arrays that a GPU may still be computing; on a CPU they are there."""

    def __init__(self, **tensors: Tensor):
        self._tensors = {name: tensor.to("cpu", non_blocking=True) for name, tensor in tensors.items()}
        self._done = None
        if any(tensor.is_cuda for tensor in tensors.values()):
            self._done = torch.cuda.Event()
            self._done.record()

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays, once they are there."""
        if self._done is not None:
            self._done.synchronize()
        return {name: tensor.numpy() for name, tensor in self._tensors.items()}
