"""State dicts of networks: loading, which runs no code from the file, saving, and drawing at random."""

import re
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build, sized
from labelmaps.storage.files import moved_into_place

SHOWN_KEYS = 5  # of each kind, listed in an error message


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load a network's weights from a state dict file, without running code from it.

    network: receives the weights, in its own floating-point type.
    path: of a file as `torch.save(network.state_dict(), path)` writes it, of any floating-point type.

    Raises `InputError` where the file is not a state dict, or where its keys do not fit the network; the message names them.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each kind of damage
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
    # Old checkpoints of DenseNets, among them torchvision's, write `norm.1` for `norm1`.
    for key in [key for key in state if "denselayer" in key]:
        state[re.sub(r"\b(norm|conv)\.([12])\.", r"\1\2.", key)] = state.pop(key)
    # Batch norm counts batches for training only; older checkpoints, among them torchvision's, lack the counts.
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
    """Return the reason why torch cannot read a file, without torch's advice to run code from it."""
    if found := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
        return f"it holds a {found[1]}, and whatever is no tensor could run code"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_usable(value: Tensor, parameter: Tensor) -> bool:
    """Return whether a tensor's values can replace those of a parameter.

    They can if they are on the CPU, dense and finite, and floating-point or integer as the parameter's are.
    """
    is_plain = value.device.type == "cpu" and value.layout == torch.strided
    return (
        is_plain
        and value.is_floating_point() == parameter.is_floating_point()
        and bool(value.float().isfinite().all())
    )


def save_weights(state: dict[str, Tensor], path: str | Path) -> None:
    """Write a state dict file, which appears at `path` only when it is complete; the same state gives the same bytes."""
    # Given a path, torch would write the file's name into the file, and hide the reason where it cannot write.
    buffer = BytesIO()
    torch.save(state, buffer)
    with moved_into_place(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def random_weights(architecture: str, n_labels: int, seed: int, size: int = 224) -> dict[str, Tensor]:
    """Draw a state dict of random weights, for benchmarks and tests.

    Batch-norm statistics are those of one batch of noise, drawn with the same seed: with the initial statistics, the
    activations of deep networks grow by orders of magnitude, and the logits overflow float16.

    architecture, n_labels, size: as for `build`.

    Raises `InputError` where the network does not accept views of this size.
    """
    with torch.random.fork_rng(devices=[]), sized(architecture, size):
        torch.manual_seed(seed)
        network = build(architecture, n_labels, size)
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = None  # the statistics are averages over all batches, here of one
        network.train()
        with torch.inference_mode():
            network(torch.randn(8, 3, size, size))
    return network.state_dict()
