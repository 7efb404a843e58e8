"""Load a network from its weights, and say what made a result."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from labelmaps.networks.build import build
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.weights import load_weights
from labelmaps.storage.files import sha256

# On the first so many of the data set, in every part, what is done to a network is compared with the network itself.
COMPARED_IMAGES = 3


def load_network(
    network: NetworkConfig, weights: str | Path, n_labels: int
) -> tuple[nn.Module, Preprocessing, list[str]]:
    """Build a network, load its weights, and say what it expects of its input.

    weights: a checkpoint. n_labels: the number of logits.

    Returns the network as its library made it, in evaluation mode, what it expects, and the notes of `load_weights`. Raises
    `InputError` for weights that do not fit.
    """
    preprocessing = network.preprocessing()
    module = build(network.built, n_labels, preprocessing.size)
    notes = load_weights(module, weights)
    return module.eval(), preprocessing, notes


def provenance(
    network: NetworkConfig,
    weights: str | Path,
    preprocessing: Preprocessing,
    device: torch.device,
    notes: list[str],
) -> dict[str, object]:
    """Say what made a result, in the attributes of its file. weights: the checkpoint. notes: of `load_weights`."""
    return {
        "architecture": network.architecture,
        "weights_source": network.source,
        "weights_sha256": sha256(weights),
        "weights_notes": notes,
        "preprocessing": asdict(preprocessing),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "versions": {
            name: version(name) for name in ("torch", "torchvision", "timm", "numba", "pillow", "numpy")
        },
    }
