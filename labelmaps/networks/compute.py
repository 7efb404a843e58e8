"""How networks are run: device, precision, compilation and batch size, with the same results in every run."""

import os
import shutil
import warnings
from dataclasses import dataclass
from typing import Literal

import torch

from labelmaps.errors import InputError

MIN_VIEWS_TO_COMPILE = {"cpu": 20_000, "cuda": 200_000}  # below this, compiling takes longer than it saves


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The configuration's block `compute`: how networks are run; `auto` and None let the machine at hand decide.

    device: the device on which networks run; `auto` is a GPU if there is one.
    precision: that of all layers but the last; `auto` is bfloat16 if the device has it in hardware.
    compile: whether torch's compiler compiles the network; `auto` decides by the number of views.
    batch: the number of views that go through the network together.
    """

    device: Literal["cpu", "cuda", "auto"] = "auto"
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    compile: Literal["auto", "always", "never"] = "auto"
    batch: int | None = None


def be_deterministic() -> None:
    """Set up torch so that every run on a machine gives the same bytes: deterministic kernels, no TF32, one thread.

    Rounding depends on how many threads share a sum, so each operation uses one thread. More threads are used by computing
    several batches at the same time.
    """
    torch.set_num_threads(1)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # without it, cuBLAS may change the order of sums
    # `use_deterministic_algorithms` does the same, but imports torch's compiler, which takes two seconds.
    torch.set_deterministic_debug_mode("warn")
    # Filling costs time, and no code reads uninitialised memory. Torch's types do not declare this property.
    torch.utils.deterministic.fill_uninitialized_memory = False  # ty: ignore[missing-attribute]
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # the compiler recommends them


def resolve_device(device: str) -> torch.device:
    """Return the device on this machine that `cpu`, `cuda` or `auto` stands for; `auto` is a GPU if there is one.

    Raises `InputError` for `cuda` if torch sees no GPU.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError(
            "compute.device is cuda, but torch sees no CUDA device here. Run on a machine with a GPU, or set "
            "`compute: {device: cpu}`"
        )
    return torch.device("cuda" if device == "cuda" or (device == "auto" and available) else "cpu")


def resolve_precision(precision: str, device: torch.device) -> str:
    """Replace the precision `auto` by bfloat16, if the device has it in hardware, or float32; return others unchanged."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_bfloat16 = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return "bfloat16" if has_bfloat16 else "float32"


def resolve_compiled(choice: str, device: torch.device, precision: str, n_views: float) -> bool:
    """Decide whether to compile the network.

    choice: `always`, `never`, or `auto`, which compiles if this saves time for so many views and a C++ compiler is there.
    device, precision: those with which the network runs; in float32, compiling saves nothing on a CPU.
    n_views: the number of views that the job will process, in units of the cost of one view.

    Raises `InputError` for `always` if there is no C++ compiler.
    """
    has_compiler = shutil.which(os.environ.get("CXX", "g++")) is not None
    if choice == "always" and not has_compiler:
        raise InputError(
            "compute.compile is always, but there is no C++ compiler here. Install g++ (or name another compiler in the "
            "environment variable CXX), or set `compute: {compile: never}`"
        )
    pays = n_views >= MIN_VIEWS_TO_COMPILE[device.type] and (device.type == "cuda" or precision != "float32")
    return choice == "always" or (choice == "auto" and pays and has_compiler)


def resolve_batch(batch: int | None, device: torch.device) -> int:
    """Return the number of views that go through the network together: `batch`, or if it is None, a default for the device.

    The default is 1024 on a GPU. It is 8 on a CPU, where the activations of 8 views fit in the cache.
    """
    return batch or (1024 if device.type == "cuda" else 8)
