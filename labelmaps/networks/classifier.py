"""A network that gives logits: at a stated precision, on a stated device, compiled or not."""

import os
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from labelmaps.errors import InputError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


COMPILING_PAYS = {
    "cpu": 20_000,
    "cuda": 200_000,
}  # views: compiling takes as long as some thousand, or some 100,000


def be_deterministic() -> None:
    """Have torch compute the same bytes each time: deterministic kernels, no TF32, and one thread to an operation.

    Sums depend on how many threads share them. More threads are used by asking several things at a time.
    """
    torch.set_num_threads(1)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # without it, cuBLAS may sum in another order each time
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # nothing reads it, and views are large
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # the compiler would like them


def resolve_device(device: str) -> torch.device:
    """The device that `cpu`, `cuda` or `auto` means here; asking for a GPU that is not there is an error."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError(
            "compute.device is cuda, but torch sees no CUDA device here. Run where there is a GPU, or set "
            "`compute: {device: cpu}`"
        )
    return torch.device("cuda" if device == "cuda" or (device == "auto" and available) else "cpu")


def resolve_precision(precision: str, device: torch.device) -> str:
    """The precision that `auto` means: bfloat16 where the device has it in hardware, else float32."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_bfloat16 = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return "bfloat16" if has_bfloat16 else "float32"


def resolve_compiled(choice: str, device: torch.device, precision: str, n_views: float) -> bool:
    """Whether to compile the network: `always`, `never`, or where it pays for `n_views` views (`auto`).

    In float32 a CPU gains next to nothing. Raises `InputError` where a compiler is needed and there is none.
    """
    has_compiler = shutil.which(os.environ.get("CXX", "g++")) is not None
    if choice == "always" and not has_compiler:
        raise InputError(
            "compute.compile is always, but there is no C++ compiler here. Install g++ (or name one in the environment "
            "variable CXX), or set `compute: {compile: never}`"
        )
    pays = n_views >= COMPILING_PAYS[device.type] and (device.type == "cuda" or precision != "float32")
    return choice == "always" or (choice == "auto" and pays and has_compiler)


def count_operations(run: Callable[[], object]) -> int:
    """Floating-point operations of what `run` does with torch: a multiplication and an addition are two."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it hides attention from the counter
    with FlopCounterMode(display=False) as counter:
        run()
    torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops()


def last_linear(network: nn.Module) -> nn.Linear | None:
    """The linear layer that gives the logits, or None where the network ends otherwise (SqueezeNet)."""
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else None


def _compiled(network: nn.Module, device: torch.device, precision: str) -> Callable[[Tensor], Tensor]:
    """A network compiled for the shape of the first views that it is given, and for each further shape as it comes."""
    options = {"deterministic": True}
    if device.type == "cpu":
        options["freezing"] = True  # lays out weights for the CPU
        options["cpp_wrapper"] = True  # gives up Python's lock, so that other threads go on
    elif precision != "float32":
        from labelmaps.networks.fused_convolutions import FuseConvolutions, packed

        options["post_grad_custom_pre_pass"] = FuseConvolutions()
        network = packed(network)
    return torch.compile(network, dynamic=False, options=options)


class Classifier:
    """A network ready to be asked for logits.

    The network runs in `precision`; its last linear layer always in float32, because rounded logits tie.
    compiled: by torch's compiler, for the shape of the first views; each further shape is compiled as it comes.
    """

    def __init__(self, network: nn.Module, device: torch.device, precision: str, compiled: bool = False):
        self.device = device
        self.dtype = PRECISIONS[precision]
        self.network = network.eval().to(device, self.dtype, memory_format=torch.channels_last)
        head = last_linear(self.network)
        if head is not None:
            head.float().register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
        self._forward, self.compiled = self.network, compiled
        if compiled:
            self._forward = _compiled(self.network, device, precision)

    def _ready(self, views: Tensor) -> Tensor:
        return views.to(self.device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def operations(self, size: int) -> int:
        """Floating-point operations for one view (3, size, size): a multiplication and an addition are two."""
        return count_operations(lambda: self.network(self._ready(torch.zeros(1, 3, size, size))))

    @torch.inference_mode()
    def logits(self, views: Tensor) -> Tensor:
        """Logits (view, label), float32, of normalised views (view, 3, size, size)."""
        return self._forward(self._ready(views)).float()
