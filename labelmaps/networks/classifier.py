"""A network that computes logits, on a given device, in a given precision, compiled or not."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class OperationCounter(TorchDispatchMode):
    """A `with` block that counts the floating-point operations that torch runs in it, by torch's own formulas.

    Torch's `FlopCounterMode` also counts them for each module, for which it imports the compiler, and that takes as long as
    importing torch.

    operations: the number so far; a multiplication and an addition are two operations.
    """

    supports_higher_order_operators = True

    def __init__(self):
        super().__init__()
        self.operations = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in the block; True, torch's default, imports the compiler

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation and add its cost; an operation without a formula is decomposed into those that have one."""
        kwargs = kwargs or {}
        operation = getattr(func, "_overloadpacket", func)  # a higher-order operator has no overloads
        if operation not in flop_registry and isinstance(func, OpOverload):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if operation in flop_registry:
            self.operations += flop_registry[operation](*args, **kwargs, out_val=result)
        return result


def count_operations(run: Callable[[], object]) -> int:
    """Call `run`, and count the floating-point operations of torch's matrix products, convolutions and attention in it.

    A multiplication and an addition are two operations. Elementwise operations are not counted.
    """
    is_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it hides attention from the counter
    try:
        with OperationCounter() as counter:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)
    return counter.operations


def last_linear(network: nn.Module) -> nn.Linear | None:
    """Return the last linear layer of a network, which in most networks computes the logits; None if it has none."""
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else None


def _compile(network: nn.Module, device: torch.device, precision: str) -> Callable[[Tensor], Tensor]:
    """Return a function that runs a network, compiled by torch at the first call and again for every new shape of views.

    precision: the precision of the network; below float32, a GPU runs its convolutions fused (`fused_convolutions`).
    """
    options = {"deterministic": True}
    if device.type == "cpu":
        options["freezing"] = True  # stores the weights in the layout that suits the CPU
        options["cpp_wrapper"] = True  # releases Python's lock, so that other threads can run
    elif precision != "float32":
        from labelmaps.networks.fused_convolutions import FuseConvolutions, pack_convolutions

        options["post_grad_custom_pre_pass"] = FuseConvolutions()
        network = pack_convolutions(network)
    return torch.compile(network, dynamic=False, options=options)


class Classifier:
    """A network that computes logits on a device.

    network: belongs to this object, which moves it to the device and changes its precision and memory layout.
    precision: that of all layers except the last linear one, which runs in float32 because rounded logits would tie.
    compiled: whether torch's compiler compiles the network, at the first call and again for every new shape of views.
    """

    def __init__(self, network: nn.Module, device: torch.device, precision: str, compiled: bool = False):
        self.device = device
        self.precision, self.dtype = precision, PRECISIONS[precision]
        self.network = network.eval().to(device, self.dtype).to(memory_format=torch.channels_last)
        head = last_linear(self.network)
        if head is not None:
            head.float().register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
        self._forward, self.compiled = self.network, compiled
        if compiled:
            self._forward = _compile(self.network, device, precision)

    def _ready(self, views: Tensor) -> Tensor:
        """Copy views to the network's device, in its precision and memory layout."""
        return views.to(self.device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def operations(self, size: int) -> int:
        """Count the floating-point operations that the network needs for one view (3, size, size), as `count_operations`."""
        return count_operations(lambda: self.network(self._ready(torch.zeros(1, 3, size, size))))

    @torch.inference_mode()
    def logits(self, views: Tensor) -> Tensor:
        """Compute the logits (view, label), float32, of normalised views (view, 3, size, size)."""
        return self._forward(self._ready(views)).float()
