"""State dicts of networks: loading, which runs no code from the file, saving, and drawing at random."""

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build, sized
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.storage.files import moved_into_place

SHOWN_KEYS = 5  # of each kind, listed in an error message
SHOWN_LETTERS = 80
FLOATING_POINT = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load a network's weights from a state dict file, without running code from it.

    network: receives the weights, in its own floating-point type.
    path: of a file as `torch.save(network.state_dict(), path)` writes it, of float16, bfloat16, float32 or float64.

    Raises `InputError` where the file is not a state dict, or where its keys do not fit the network; the message names them.
    """
    state = read_checkpoint(path)
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
    expected = network.state_dict()
    common = [key for key in expected if key in state]
    reshaped = [key for key in common if _is_plain(state[key]) and state[key].shape != expected[key].shape]
    wrong = {
        "missing": _without_counts(expected.keys() - state.keys()),
        "unexpected": _without_counts(state.keys() - expected.keys()),
        "of another shape": [
            f"{key}: {str(list(state[key].shape))[:SHOWN_LETTERS]} in the file, {list(expected[key].shape)} in the network"
            for key in reshaped
        ],
        # Of the right shape only: another may stand for any number of values, in no memory.
        "without plain, finite numbers of the network's kind": [
            key for key in common if key not in reshaped and not _is_usable(state[key], expected[key])
        ],
    }
    if any(wrong.values()):
        lines = [
            f"{len(keys)} keys {kind}: {'; '.join(map(_shown, keys[:SHOWN_KEYS]))}{'; …' * (len(keys) > SHOWN_KEYS)}"
            for kind, keys in wrong.items()
            if keys
        ]
        if reshaped and all(state[key].shape[1:] == expected[key].shape[1:] for key in reshaped):
            lines.append(
                "Has it another number of classes? The network has an output for each line of the classes file"
            )
        raise InputError(f"{path}: does not fit {type(network).__name__}. {'. '.join(lines)}")
    try:
        network.load_state_dict(state, strict=False)
    except (
        Exception
    ) as error:  # of what a state dict says beside its tensors, the versions of modules, torch believes all
        raise InputError(f"{path}: a damaged state dict ({type(error).__name__}). Save it anew") from error


def _without_counts(keys: Iterable[str]) -> list[str]:
    """Sort keys, without the counts of batches that batch norm needs for training only; older checkpoints lack them."""
    return sorted(key for key in keys if not key.endswith("num_batches_tracked"))


def _shown(text: str) -> str:
    """Return a text from a file as a message shows it: shortened, and without what a terminal might obey."""
    return text[: 2 * SHOWN_LETTERS] if text.isprintable() else ascii(text)[:SHOWN_LETTERS]


def _is_plain(value: Tensor) -> bool:
    """Return whether a tensor is an array of numbers on the CPU: neither sparse, nested nor quantised, nor without data."""
    return (
        value.device.type == "cpu"
        and value.layout == torch.strided
        and not value.is_nested
        and not value.is_quantized
    )


def _is_usable(value: Tensor, parameter: Tensor) -> bool:
    """Return whether a tensor's values, which have the shape of a parameter, can replace those of the parameter.

    They can if they are plain and finite, and floating-point or integer as the parameter's are. Of the floating-point types,
    those of 8 bits and fewer need scales that are stored elsewhere.
    """
    return (
        _is_plain(value)
        and value.is_floating_point() == parameter.is_floating_point()
        and (not value.is_floating_point() or value.dtype in FLOATING_POINT)
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
