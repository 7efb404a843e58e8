"""The loading of a network with its weights, and the provenance of its results."""

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

COMPARED_IMAGES = 3  # each job compares the modified network with the original on the data set's first images


def load_network(
    network: NetworkConfig, weights: str | Path, n_labels: int
) -> tuple[nn.Module, Preprocessing, list[str]]:
    """Build a network, load its weights, and determine its preprocessing.

    network: its entry in the configuration. weights: a checkpoint. n_labels: the number of logits.

    Returns the network as its library made it, in evaluation mode, on the CPU; its preprocessing; and the notes of
    `load_weights`.
    Raises `InputError` if the network cannot be built, or if the weights do not fit it.
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
    """Return the provenance of a network's results, as attributes for their file.

    weights: the checkpoint, whose SHA-256 is computed. notes: as `load_weights` returns them. device: the one on which the
    network runs.
    """
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
