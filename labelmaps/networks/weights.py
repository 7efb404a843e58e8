"""State dicts of networks: loading, which runs no code from the file, saving, and drawing at random."""

import logging
from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from labelmaps.errors import InputError
from labelmaps.networks.build import build, sized
from labelmaps.networks.checkpoints import read_checkpoint
from labelmaps.networks.state_dicts import SHOWN_LETTERS, FoundState, find_state, listed, needed_keys
from labelmaps.storage.files import moved_into_place

FLOATING_POINT = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

logger = logging.getLogger(__name__)


def load_weights(network: nn.Module, path: str | Path) -> list[str]:
    """Load a network's weights from a checkpoint, without running code from it.

    network: receives the weights, in its own floating-point type.
    path: of a state dict of float16, bfloat16, float32 or float64, in safetensors or as `torch.save` writes it, alone or
        within a training checkpoint. `labelmaps.networks.state_dicts` says by which rule it is found there.

    Returns what was unwrapped, dropped and left aside, in words, and logs it; of a plain state dict, nothing.
    Raises `InputError` where the file holds no state dict, or where its keys do not fit the network; the message names them.
    """
    own = network.state_dict()
    expected = {key: value for key, value in own.items() if isinstance(value, Tensor)}
    needed = needed_keys(network)
    found = find_state(read_checkpoint(path), expected, needed, path)
    if faults := _misfits(found, expected, needed):
        raise InputError(f"{path}: does not fit {type(network).__name__}. {'. '.join(faults)}")
    # Safetensors and plain dicts do not say of which version the modules were: they are taken to be the network's own.
    own.clear()
    own.update(found.state)
    if found.versions is not None:
        vars(own)["_metadata"] = found.versions
    try:
        network.load_state_dict(own, strict=False)
    except (
        Exception
    ) as error:  # of what a state dict says beside its tensors, the versions of modules, torch believes all
        raise InputError(f"{path}: a damaged state dict ({type(error).__name__}). Save it anew") from error
    if found.notes:
        logger.info("%s: %s", path, "; ".join(found.notes))
    return found.notes


def _misfits(found: FoundState, expected: dict[str, Tensor], needed: set[str]) -> list[str]:
    """Say why a state dict does not fit a network, if it does not. expected: the network's own. needed: keys of it."""
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
        # Of the right shape only: another may stand for any number of values, in no memory.
        "without plain, finite numbers of the network's kind": [
            key
            for key, parameter in expected.items()
            if key in state and key not in reshaped and not _is_usable(state[key], parameter)
        ],
    }
    if not any(wrong.values()):
        return []
    # The last layer with a matrix of weights, by the network's order: mostly that which gives the logits.
    head = ([key for key, parameter in expected.items() if parameter.ndim > 1] or [""])[-1]
    faults = []
    if head in reshaped or not (missing or found.unexpected):
        faults += _other_classes(
            [(state[key].shape, expected[key].shape) for key in reshaped if key in needed]
        )
    module = head.rpartition(".")[0]
    if head in missing and all(key.startswith(f"{module}.") for key in missing):
        faults.append(
            f"It has no head, the network's `{module}`: it was saved without its last layer, or with one of another form"
        )
    if missing and not found.prefix and not {*_beginnings(found.keys)} & {*_beginnings(expected)}:
        theirs, ours = (_beginnings(keys) for keys in (found.keys, expected))
        faults.append(
            f"{'All its' if len(theirs) == 1 else 'Its'} keys begin with {_quoted(theirs)}, the network's with "
            f"{_quoted(ours)}"
        )
    if found.name:
        faults.append(f"Nearest comes what stands in {found.name}")
    return faults + [f"{len(keys)} keys {kind}: {listed(keys)}" for kind, keys in wrong.items() if keys]


def _other_classes(shapes: Sequence[tuple[torch.Size, torch.Size]]) -> list[str]:
    """Say of shapes that differ, those in the file and in the network, if only the number of classes makes the difference.

    Another number of channels anywhere else would change the columns of the layer that follows.
    """
    rows = {(theirs[:1], ours[:1]) for theirs, ours in shapes}
    if len(rows) != 1 or any(theirs[1:] != ours[1:] or not theirs or not ours for theirs, ours in shapes):
        return []
    theirs, ours = shapes[0]
    return [
        f"It has {theirs[0]} classes, the classes file lists {ours[0]}: give the classes that it was trained on, in their "
        "order, or the checkpoint of a network for these"
    ]


def _beginnings(keys: Collection[str]) -> list[str]:
    """Return what keys begin with, up to the first dot, each once, in their order."""
    return [*dict.fromkeys("".join(key.partition(".")[:2]) for key in keys)]


def _quoted(texts: Collection[str]) -> str:
    """List the first texts from a file, in backquotes."""
    return listed([f"`{text}`" for text in texts], ", ")


def _is_plain(value: object) -> bool:
    """Return whether a value is an array of numbers on the CPU: neither sparse, nested nor quantised, nor without data."""
    return (
        isinstance(value, Tensor)
        and value.device.type == "cpu"
        and value.layout == torch.strided
        and not value.is_nested
        and not value.is_quantized
    )


def _is_usable(value: object, parameter: Tensor) -> bool:
    """Return whether what stands for a parameter, and has its shape if it is a tensor, can replace its values.

    They can if they are plain and finite, and floating-point or integer as the parameter's are. Of the floating-point types,
    those of 8 bits and fewer need scales that are stored elsewhere.
    """
    return (
        isinstance(value, Tensor)
        and _is_plain(value)
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


def random_weights(
    architecture: str, n_labels: int, seed: int, size: int = 224, views: Tensor | None = None
) -> dict[str, Tensor]:
    """Draw a state dict of random weights, for benchmarks and tests.

    Batch-norm statistics are those of one batch: with the initial statistics, the activations of deep networks grow by
    orders of magnitude, and the logits overflow float16.

    architecture, n_labels, size: as for `build`. views: that batch, (view, 3, size, size), normalised; noise, drawn with the
    same seed, unless given.

    Raises `InputError` where the network does not accept views of this size.
    """
    with torch.random.fork_rng(devices=[]), sized(architecture, size):
        torch.manual_seed(seed)
        network = build(architecture, n_labels, size).eval()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train()  # it alone: in training, some networks run further heads, which need larger views
                module.momentum = None  # the statistics are averages over all batches, here of one
            elif isinstance(module, nn.Linear) and not module.weight.any():
                nn.init.normal_(module.weight, std=0.02)  # last layers that begin with zeros, as MLP-Mixer's
        for scale in network.parameters():
            # Residual branches that begin next to nothing, as CaiT's and DINOv2's: the logits would hardly follow the view.
            if scale.numel() > 1 and 0 < scale.min() == scale.max() < 0.01:
                nn.init.constant_(scale, 0.1)
        with torch.inference_mode():
            network(torch.randn(8, 3, size, size) if views is None else views)
    return network.state_dict()
