"""State dicts: loaded without running code from them, written whole, or drawn at random for tests."""

import re
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build, sized
from labelmaps.storage.files import moved_into_place

SHOWN_KEYS = 5  # of each kind, in an error message


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
