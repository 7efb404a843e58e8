"""Weights of networks: loading from a checkpoint, without running code from it; saving; and random weights."""

import logging
from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build, explaining_sizes
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.networks.state_dicts import SHOWN_LETTERS, FoundState, find_state, join_shortened, needed_keys
from labelmaps.storage.files import moved_into_place

FLOATING_POINT = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

logger = logging.getLogger(__name__)


def load_weights(network: nn.Module, path: str | Path) -> list[str]:
    """Load a network's weights from a checkpoint, without running code from it.

    network: receives the weights, converted to its own floating-point type.
    path: a file of safetensors or `torch.save` that contains a state dict of float16, bfloat16, float32 or float64, alone or
        within a training checkpoint. `labelmaps.networks.state_dicts` describes the rule by which it is found.

    Returns notes on what was unwrapped, removed from keys and ignored, and logs them; none for a plain state dict.
    Raises `InputError` if the file contains no state dict, or if keys, shapes or values do not fit the network; the message
    names the keys.
    """
    own = network.state_dict()
    expected = {key: value for key, value in own.items() if isinstance(value, Tensor)}
    needed = needed_keys(network)
    found = find_state(read_checkpoint(path), expected, needed, path)
    if faults := _misfits(found, expected, needed):
        raise InputError(f"{path}: does not fit {type(network).__name__}. {'. '.join(faults)}")
    # Safetensors and plain dicts do not state the versions of modules, which are then assumed to be the network's own.
    own.clear()
    own.update(found.state)
    if found.versions is not None:
        vars(own)["_metadata"] = found.versions
    try:
        network.load_state_dict(own, strict=False)
    except Exception as error:  # torch does not check the versions of modules that a state dict states
        raise InputError(f"{path}: a damaged state dict ({type(error).__name__}). Save it again") from error
    if found.notes:
        logger.info("%s: %s", path, "; ".join(found.notes))
    return found.notes


def _misfits(found: FoundState, expected: dict[str, Tensor], needed: set[str]) -> list[str]:
    """Describe in sentences why a state dict does not fit a network; return an empty list if it fits.

    expected: the network's own state dict. needed: those of its keys that must be there.
    """
    state = found.state
    reshaped = [
        key
        for key, parameter in expected.items()
        if key in state and _is_plain(state[key]) and state[key].shape != parameter.shape
    ]
    missing = sorted(needed - state.keys())
    wrong = {
        "missing": missing,
        "unexpected": found.unexpected,
        "of another shape": [
            f"{key}: {str(list(state[key].shape))[:SHOWN_LETTERS]} in the file, {list(expected[key].shape)} in the network"
            for key in reshaped
        ],
        # Only of the right shape: a tensor of another shape can have any number of values although it takes no memory.
        "without plain, finite numbers of the network's kind": [
            key
            for key, parameter in expected.items()
            if key in state and key not in reshaped and not _is_usable(state[key], parameter)
        ],
    }
    if not any(wrong.values()):
        return []
    # The last parameter with two axes or more belongs, in most networks, to the layer that computes the logits.
    head = ([key for key, parameter in expected.items() if parameter.ndim > 1] or [""])[-1]
    faults = []
    if head in reshaped or not (missing or found.unexpected):
        faults += _other_classes(
            [(state[key].shape, expected[key].shape) for key in reshaped if key in needed]
        )
    module = head.rpartition(".")[0]
    if head in missing and all(key.startswith(f"{module}.") for key in missing):
        faults.append(
            f"It has no head, the network's `{module}`: it was saved without its last layer, or with another one"
        )
    if missing and not found.prefix and not {*_beginnings(found.keys)} & {*_beginnings(expected)}:
        theirs, ours = (_beginnings(keys) for keys in (found.keys, expected))
        faults.append(
            f"{'All its' if len(theirs) == 1 else 'Its'} keys begin with {_quoted(theirs)}, the network's with "
            f"{_quoted(ours)}"
        )
    if found.name:
        faults.append(f"The state dict that fits best is in {found.name}")
    return faults + [
        f"{len(keys)} keys {kind}: {join_shortened(keys)}" for kind, keys in wrong.items() if keys
    ]


def _other_classes(shapes: Sequence[tuple[torch.Size, torch.Size]]) -> list[str]:
    """Return a sentence, alone in a list, if file and network differ only in the number of classes, else an empty list.

    shapes: pairs of different shapes, in the file and in the network, of the same parameters.

    It is the number of classes if the same first axis differs in all pairs, and no other: another number of channels would
    also change a later axis of the layer that follows.
    """
    rows = {(theirs[:1], ours[:1]) for theirs, ours in shapes}
    if len(rows) != 1 or any(theirs[1:] != ours[1:] or not theirs or not ours for theirs, ours in shapes):
        return []
    theirs, ours = shapes[0]
    return [
        f"It has {theirs[0]} classes, the classes file lists {ours[0]}: give the classes on which the network was trained, "
        "in their order, or a checkpoint for these classes"
    ]


def _beginnings(keys: Collection[str]) -> list[str]:
    """List the distinct beginnings of keys, up to and including the first dot, in order of appearance."""
    return [*dict.fromkeys("".join(key.partition(".")[:2]) for key in keys)]


def _quoted(texts: Collection[str]) -> str:
    """Join the first texts from a file for a message, each in backquotes."""
    return join_shortened([f"`{text}`" for text in texts], ", ")


def _is_plain(value: object) -> bool:
    """Return whether a value is a dense tensor of numbers on the CPU: not sparse, nested, quantised or without data."""
    return (
        isinstance(value, Tensor)
        and value.device.type == "cpu"
        and value.layout == torch.strided
        and not value.is_nested
        and not value.is_quantized
    )


def _is_usable(value: object, parameter: Tensor) -> bool:
    """Return whether a value from a file can replace the values of a parameter of the same shape.

    It can if it is a plain tensor with finite values, which are floating-point or integer as the parameter's are.
    Floating-point types of 8 bits or fewer are excluded, because they need scales that are stored elsewhere.
    """
    return (
        isinstance(value, Tensor)
        and _is_plain(value)
        and value.is_floating_point() == parameter.is_floating_point()
        and (not value.is_floating_point() or value.dtype in FLOATING_POINT)
        and bool(value.float().isfinite().all())
    )


def save_weights(state: dict[str, Tensor], path: str | Path) -> None:
    """Write a state dict to a file, which appears only when it is complete; the same state gives the same bytes."""
    # Given a path, torch would write the file's name into the file, and hide the reason if writing fails.
    buffer = BytesIO()
    torch.save(state, buffer)
    with moved_into_place(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def random_weights(
    architecture: str, n_labels: int, seed: int, size: int = 224, views: Tensor | None = None
) -> dict[str, Tensor]:
    """Draw a state dict of random weights, for benchmarks and tests.

    architecture, n_labels, size: as for `build`.
    seed: the seed of the random numbers.
    views: a batch (view, 3, size, size), normalised, from which the batch-norm statistics are computed; noise by default.
        With the initial statistics, the activations of deep networks would grow by orders of magnitude, and the logits would
        overflow float16.

    Raises `InputError` as `build` does, and if the network does not support views of this size.
    """
    with torch.random.fork_rng(devices=[]), explaining_sizes(architecture, size):
        torch.manual_seed(seed)
        network = build(architecture, n_labels, size).eval()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train()  # not the whole network: in training mode, some have heads that need larger views
                module.momentum = (
                    None  # the statistics are averages over all batches, of which there is one here
                )
            elif isinstance(module, nn.Linear) and not module.weight.any():
                nn.init.normal_(
                    module.weight, std=0.02
                )  # some last layers are initialised to 0, as MLP-Mixer's
        for scale in network.parameters():
            # Scales of residual branches are initialised close to 0 (CaiT, DINOv2), so logits would hardly depend on views.
            if scale.numel() > 1 and 0 < scale.min() == scale.max() < 0.01:
                nn.init.constant_(scale, 0.1)
        with torch.inference_mode():
            network(torch.randn(8, 3, size, size) if views is None else views)
    return network.state_dict()
