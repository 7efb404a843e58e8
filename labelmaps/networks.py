"""Classifiers: built by name, loaded from a state dict, and run at a stated precision.

Torchvision, with which comes torch's compiler, takes over a second to import, and is so where it is needed.
"""

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from http.client import HTTPException
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.flop_counter import FlopCounterMode

from labelmaps.errors import InputError
from labelmaps.files import moved_into_place, sha256
from labelmaps.progress import progress
from labelmaps.small_resnet import SmallResNet

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

OWN_ARCHITECTURES = {"small_resnet": SmallResNet}
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# What torch says where its error is of no particular type.
OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
SHOWN_KEYS = 5  # of each kind, in an error message
SAFE_SCHEMES = ("https",)
SILENCE = 60  # seconds without a byte after which a download is given up
BLOCK = 2**20  # bytes
COMPILING_PAYS = {
    "cpu": 20_000,
    "cuda": 200_000,
}  # views: compiling takes as long as some thousand, or some 100,000


def build(architecture: str, n_labels: int, size: int = 224) -> nn.Module:
    """An untrained classifier with `n_labels` outputs: a torchvision name, or one of our own architectures.

    size: side of the input, in pixels; it matters to vision transformers only.
    """
    if architecture in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[architecture](n_labels)
    from torchvision import models

    if architecture not in models.list_models(module=models):
        raise InputError(f"architecture: torchvision has no classifier '{architecture}'")
    options = {}
    if architecture in ("googlenet", "inception_v3"):  # torchvision's weights expect inputs scaled otherwise
        options = {"transform_input": True, "init_weights": True}
    elif architecture.startswith("vit_"):
        options = {"image_size": size}
    return models.get_model(architecture, weights=None, num_classes=n_labels, **options)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Fill a network from a state dict file (any floating-point type; loaded without running code from it).

    Raises `InputError` when the file is no state dict, or naming the keys that do not fit the architecture.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each way in which a file can be wrong
        raise InputError(
            f"{path}: not a readable checkpoint ({_reason(error)}). It must hold a state dict, as written by "
            "torch.save(network.state_dict(), path), with tensors only"
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise InputError(
            f"{path}: not a state dict (parameter name → tensor). Save network.state_dict(), not the network "
            "or a training checkpoint that contains it"
        )
    # Old DenseNet checkpoints, torchvision's too, write `norm.1` for `norm1`.
    for key in [key for key in state if "denselayer" in key]:
        state[re.sub(r"\b(norm|conv)\.([12])\.", r"\1\2.", key)] = state.pop(key)
    # Batch norm counts batches only to train; older checkpoints, torchvision's too, lack the counts.
    expected, found = (
        {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}
        for tensors in (network.state_dict(), state)
    )
    common = [key for key in expected if key in found]
    reshaped = [key for key in common if found[key].shape != expected[key].shape]
    wrong = {
        "missing": sorted(expected.keys() - found.keys()),
        "unexpected": sorted(found.keys() - expected.keys()),
        "of another shape": [
            f"{key}: {list(found[key].shape)} in the file, {list(expected[key].shape)} in the network"
            for key in reshaped
        ],
        "without plain, finite numbers of the network's kind": [
            key for key in common if not _is_usable(found[key], expected[key])
        ],
    }
    if any(wrong.values()):
        lines = [
            f"{len(keys)} keys {kind}: {'; '.join(keys[:SHOWN_KEYS])}{'; …' * (len(keys) > SHOWN_KEYS)}"
            for kind, keys in wrong.items()
            if keys
        ]
        if reshaped and all(found[key].shape[1:] == expected[key].shape[1:] for key in reshaped):
            lines.append(
                "Has it another number of classes? The network has an output for each line of the classes file"
            )
        raise InputError(f"{path}: does not fit {type(network).__name__}. {'. '.join(lines)}")
    network.load_state_dict(state, strict=False)


def _reason(error: Exception) -> str:
    """Why torch cannot read a file, without its advice to run code from it."""
    if found := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
        return f"it holds a {found[1]}, and whatever is no tensor could run code"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_usable(value: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor holds plain, finite numbers of the kind, floating-point or whole, of the one that it replaces."""
    plain = value.device.type == "cpu" and value.layout == torch.strided
    return (
        plain
        and value.is_floating_point() == wanted.is_floating_point()
        and bool(value.float().isfinite().all())
    )


def save_weights(state: dict[str, Tensor], path: str | Path) -> None:
    """Write a state dict file, which appears under its name only when whole; the same state gives the same bytes."""
    # To a file, torch writes the file's name, and hides why it cannot write.
    buffer = BytesIO()
    torch.save(state, buffer)
    with moved_into_place(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def preprocessing_of(model: dict) -> "Preprocessing":
    """What a network of the settings expects of its input."""
    keys = ("architecture", "weights", "size", "mean", "std")
    return Preprocessing.of(**{key: model[key] for key in keys})


def load_network(model: dict, path: str | Path, n_labels: int) -> tuple[nn.Module, "Preprocessing"]:
    """A network of the settings (`model`) with the weights of a state dict file, and what it expects of its input.

    It is in evaluation mode, for good: batch norm is folded into the convolutions. Raises `InputError` for weights that do
    not fit, and where the network cannot look at pictures of its `size`.
    """
    preprocessing = preprocessing_of(model)
    with sized(model["architecture"], preprocessing.size):
        network = build(model["architecture"], n_labels, preprocessing.size)
        load_weights(network, path)
        fold_batch_norm(network.eval(), preprocessing.size)
    return network, preprocessing


@contextmanager
def sized(architecture: str, size: int) -> Iterator[None]:
    """Turn what a network says of views (3, size, size) that do not suit it into an `InputError`."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"size: {architecture} cannot look at {size} × {size} pixels ({error}). Give the size that it was trained with"
        ) from error


@torch.no_grad()
def fold_batch_norm(network: nn.Module, size: int) -> None:
    """Make each batch norm that follows a convolution part of that convolution; the logits stay the same.

    A view (3, size, size) shows which follows which.
    """
    outputs, pairs = [], []
    convolutions = {}  # by the tensor that each gave; `outputs` keeps it, so that no other takes its place

    def note_output(convolution: nn.Module, _: tuple, output: Tensor) -> None:
        outputs.append(output)
        convolutions[id(output)] = convolution

    def note_pair(norm: nn.Module, inputs: tuple) -> None:
        if id(inputs[0]) in convolutions:
            pairs.append((convolutions[id(inputs[0])], norm))

    handles = [
        module.register_forward_hook(note_output)
        if isinstance(module, nn.Conv2d)
        else module.register_forward_pre_hook(note_pair)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    network(torch.zeros(1, 3, size, size))
    for handle in handles:
        handle.remove()
    names = {module: name for name, module in network.named_modules()}
    for convolution, norm in pairs:
        network.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm))
        network.set_submodule(names[norm], nn.Identity())


def provenance(
    model: dict, source: str, path: str | Path, preprocessing: "Preprocessing", device: torch.device
) -> dict[str, object]:
    """What made a result, as its file's attributes say; `model` and `source` as in the settings, `path` of the weights."""
    return {
        "architecture": model["architecture"],
        "weights_source": source,
        "weights_sha256": sha256(path),
        "preprocessing": asdict(preprocessing),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "versions": {name: version(name) for name in ("torch", "torchvision", "numba", "pillow", "numpy")},
    }


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


def random_weights(architecture: str, n_labels: int, seed: int, size: int = 224) -> dict[str, Tensor]:
    """State dict of random weights, for benchmarks and tests only.

    Batch-norm statistics come from one seeded batch of noise: with the initial ones, the activations of deep networks
    grow by orders of magnitude, and the logits overflow float16.
    """
    with torch.random.fork_rng(devices=[]), sized(architecture, size):
        torch.manual_seed(seed)
        network = build(architecture, n_labels, size)
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = None  # average over batches: after one batch, that batch's statistics
        network.train()
        with torch.inference_mode():
            network(torch.randn(8, 3, size, size))
    return network.state_dict()


def download_weights(url: str, path: str | Path) -> None:
    """Download torchvision weights to `path`, checked against the hash in their file name (name-<hash>.pth).

    Raises `InputError` when the address is not https, when the server falls silent or the download fails otherwise, or when
    the hash is another; then no file is left.
    """
    match = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    if match is None:
        raise InputError(
            f"{url}: the file name carries no hash (name-<8 hexadecimal digits>.pth) to check against"
        )
    try:
        with moved_into_place(path) as temporary:
            found = _fetch(url, temporary)
            if not found.startswith(match.group(1)):
                raise ValueError(f"its sha256 is {found}: the file is cut or another")
    except (OSError, HTTPException, ValueError) as error:
        raise InputError(
            f"{url}: not downloaded ({str(error) or type(error).__name__}). Check network and disk, or fetch the file "
            "elsewhere and give it as `checkpoint:`"
        ) from error


def _fetch(url: str, path: Path) -> str:
    """Write what an address gives to a file; returns the sha256 of its bytes, hexadecimal."""
    _refuse_unsafe(url)
    digest = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "labelmaps"})  # some servers refuse Python's own
    with build_opener(_SafeRedirects).open(request, timeout=SILENCE) as answer, path.open("wb") as file:
        length = int(answer.headers.get("Content-Length", 0)) or None
        with progress(total=length, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar:
            while block := answer.read(BLOCK):
                file.write(block)
                digest.update(block)
                bar.update(len(block))
    return digest.hexdigest()


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(self, request, file, code, message, headers, url: str) -> Request | None:
        _refuse_unsafe(url)
        return super().redirect_request(request, file, code, message, headers, url)


def _refuse_unsafe(url: str) -> None:
    if urlsplit(url).scheme not in SAFE_SCHEMES:
        raise ValueError(f"{url} is not an address of {' or '.join(SAFE_SCHEMES)}")


def torchvision_weights(architecture: str, weights: str) -> "WeightsEnum":
    """Torchvision's weights by name: DEFAULT, or a member's name such as IMAGENET1K_V2 (short: V2)."""
    from torchvision import models

    choices = models.get_model_weights(architecture)
    names = {name.removeprefix("IMAGENET1K_"): name for name in choices.__members__}
    short = weights.removeprefix("IMAGENET1K_")
    if short not in names:
        raise InputError(
            f"weights: torchvision has no '{weights}' for {architecture}; choose {', '.join(names)}"
        )
    return getattr(choices, names[short])


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


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that the GPU, or the machine, has no memory left."""
    is_one = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_one or any(text in str(error) for text in OUT_OF_MEMORY)


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


@cache  # a GPU is waited for whenever it is sent a few numbers
def on_device(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers as a float32 tensor."""
    return torch.tensor(numbers, device=device)


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its input: side in pixels, and the mean and standard deviation of RGB in [0, 1]."""

    size: int = 224
    mean: Sequence[float] = (0.485, 0.456, 0.406)
    std: Sequence[float] = (0.229, 0.224, 0.225)

    @classmethod
    def of(
        cls,
        architecture: str,
        weights: str | None,
        size: int | None,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
    ) -> "Preprocessing":
        """What is given, and for the rest what torchvision's weights were trained with, or ImageNet's usual values."""
        default = cls()
        if weights is not None:
            trained = torchvision_weights(architecture, weights).transforms()
            default = cls(trained.crop_size[0], trained.mean, trained.std)
        return cls(size or default.size, mean or default.mean, std or default.std)

    def normalise(self, image: Tensor) -> Tensor:
        """Images (…, 3, H, W) uint8 in the network's units, float32.

        In memory as boxes are resampled: row by row, the channels last.
        """
        # Of whole rows: an innermost axis of three is slow on a CPU.
        width = image.shape[-1]
        mean, std = (on_device(tuple(x), image.device).repeat(width) for x in (self.mean, self.std))
        rows = image.movedim(-3, -1).to(torch.float32, memory_format=torch.contiguous_format).flatten(-2)
        return rows.div_(255).sub_(mean).div_(std).unflatten(-1, (width, 3)).movedim(-1, -3)

    def black(self, device: torch.device) -> Tensor:
        """RGB 0 in the network's units, (3,) float32."""
        return on_device(tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True)), device)


def _compiled(network: nn.Module, device: torch.device, precision: str) -> Callable[[Tensor], Tensor]:
    """A network compiled for the shape of the first views that it is given, and for each further shape as it comes."""
    options = {"deterministic": True}
    if device.type == "cpu":
        options["freezing"] = True  # lays out weights for the CPU
        options["cpp_wrapper"] = True  # gives up Python's lock, so that other threads go on
    elif precision != "float32":
        from labelmaps.convolutions import FuseConvolutions, packed

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
