"""How networks are run: device, precision, compilation, batch size, and the same bytes each time."""

import os
import shutil
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from labelmaps.errors import InputError

MIN_VIEWS_TO_COMPILE = {"cpu": 20_000, "cuda": 200_000}  # below this, compiling takes longer than it saves


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The configuration's block `compute`: what is asked of the machine; `auto` and None leave it to what is there.

    batch: views that go through the network together.
    """

    device: Literal["cpu", "cuda", "auto"] = "auto"
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    compile: Literal["auto", "always", "never"] = "auto"
    batch: int | None = None


def be_deterministic() -> None:
    """Have torch compute the same bytes each time: deterministic kernels, no TF32, and one thread to an operation.

    Sums depend on how many threads share them. More threads are used by computing several batches at a time.
    """
    torch.set_num_threads(1)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # without it, cuBLAS may sum in another order each time
    # As `use_deterministic_algorithms` does, but without its import of torch's compiler, which takes two seconds.
    torch.set_deterministic_debug_mode("warn")
    # Nothing reads it, and views are large. Torch makes this a property of the module, which its types do not say.
    torch.utils.deterministic.fill_uninitialized_memory = False  # ty: ignore[missing-attribute]
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # the compiler would like them


@contextmanager
def deterministic() -> Generator[None]:
    """Let torch compute as after `be_deterministic` inside the `with` block, and afterwards as it did before.

    Random numbers, which a network draws when it is built, go on afterwards as if none had been drawn.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    fills = torch.utils.deterministic.fill_uninitialized_memory  # ty: ignore[missing-attribute] (see above)
    tf32, workspace = (matmul.allow_tf32, cudnn.allow_tf32), os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        be_deterministic()
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_deterministic_debug_mode(before[1])
            torch.utils.deterministic.fill_uninitialized_memory = fills  # ty: ignore[missing-attribute]
            matmul.allow_tf32, cudnn.allow_tf32 = tf32
            if workspace is None:
                del os.environ["CUBLAS_WORKSPACE_CONFIG"]
            else:
                os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace


def resolve_device(device: str) -> torch.device:
    """Return the device that `cpu`, `cuda` or `auto` means here.

    Raises `InputError` for `cuda` where there is no GPU.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InputError(
            "compute.device is cuda, but torch sees no CUDA device here. Run where there is a GPU, or set "
            "`compute: {device: cpu}`"
        )
    return torch.device("cuda" if device == "cuda" or (device == "auto" and available) else "cpu")


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return the precision that `auto` means on a device: bfloat16 where it has it in hardware, else float32."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_bfloat16 = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return "bfloat16" if has_bfloat16 else "float32"


def resolve_compiled(choice: str, device: torch.device, precision: str, n_views: float) -> bool:
    """Decide whether to compile the network: `always`, `never`, or where it pays for `n_views` views (`auto`).

    In float32 a CPU gains next to nothing. Raises `InputError` where a compiler is needed and there is none.
    """
    has_compiler = shutil.which(os.environ.get("CXX", "g++")) is not None
    if choice == "always" and not has_compiler:
        raise InputError(
            "compute.compile is always, but there is no C++ compiler here. Install g++ (or name one in the environment "
            "variable CXX), or set `compute: {compile: never}`"
        )
    pays = n_views >= MIN_VIEWS_TO_COMPILE[device.type] and (device.type == "cuda" or precision != "float32")
    return choice == "always" or (choice == "auto" and pays and has_compiler)


def resolve_batch(batch: int | None, device: torch.device) -> int:
    """Return the number of views that go through the network together: as given, or what suits the device.

    On a CPU, 8 views keep what a layer hands to the next in the cache.
    """
    return batch or (1024 if device.type == "cuda" else 8)
