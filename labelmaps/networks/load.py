"""Load a network of the settings from its weights, and say what made a result."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from labelmaps.networks.build import build, fold_batch_norm, sized
from labelmaps.networks.preprocessing import Preprocessing, preprocessing_of
from labelmaps.networks.weights import load_weights
from labelmaps.storage.files import sha256


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
