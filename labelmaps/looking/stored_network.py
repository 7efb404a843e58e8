"""The network of a run, loaded anew for methods on x₀ that the run had not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labelmaps import views
from labelmaps.errors import InputError
from labelmaps.inference.inputs import views_to_compare
from labelmaps.looking.compute import compute_saliency_of_x0
from labelmaps.looking.given_images import GivenImage
from labelmaps.looking.given_methods import GivenMethod
from labelmaps.looking.given_network import SHIPPED
from labelmaps.looking.kept_weights import weights_folder
from labelmaps.networks.compute import deterministic
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import compute_known_logits, copy_with_folded_norms
from labelmaps.storage.files import sha256
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.provenance import seen_view
from labelmaps.views import View


@dataclass(frozen=True)
class StoredNetwork:
    """The network of a run, cut at its last map, with the view and the input through which the run looked."""

    classifier: SplitClassifier
    view: View
    preprocessing: Preprocessing


def load_stored_network(
    made_by: Mapping[str, Any],
    n_labels: int,
    images: Sequence[np.ndarray],
    weights: str | Path | None,
    roots: Sequence[Path],
) -> StoredNetwork:
    """Load the network that made label maps, on the CPU.

    made_by: their provenance. n_labels: the number of logits. images: those on which a run compares the network with itself,
    (y, x, RGB) uint8. weights: a file, or None to search for it. roots: the folders in which the run may have been made.

    Raises `InputError` where the weights are not found, or are others.
    """
    file = find_weights(made_by["weights_sha256"], weights, roots)
    config, view = NetworkConfig(**made_by["network"]), views.create_view(**seen_view(made_by))
    with deterministic():
        module, preprocessing, _ = load_network(config, file, n_labels)
        known = compute_known_logits(
            module, views_to_compare(images, view, preprocessing), config.architecture
        )
        prepared = copy_with_folded_norms(module, known, config.architecture)
        cpu, precision = torch.device("cpu"), made_by["precision"]
        classifier = SplitClassifier(prepared, cpu, known, precision, config.architecture)
    return StoredNetwork(classifier, view, preprocessing)


def find_weights(digest: str, weights: str | Path | None, roots: Sequence[Path]) -> Path:
    """Find the file of weights with a SHA-256: the one given, or in the folders where runs and torch keep weights."""
    if weights is not None:
        file = Path(weights).expanduser()
        if not file.is_file():
            raise InputError(
                f"{file}: no such file. Give the file of the network's weights: Results(folder, weights=…)"
            )
        if sha256(file) != digest:
            raise InputError(
                f"{file}: other weights than the label maps were made with. Give theirs, of SHA-256 {digest}"
            )
        return file
    folders = [*(root / "resources" / "networks" for root in roots), SHIPPED.parent, weights_folder()]
    for folder in dict.fromkeys(folders):
        for file in sorted([*folder.rglob("*.pth"), *folder.rglob("*.safetensors")]):
            if sha256(file) == digest:
                return file
    raise InputError(
        f"the weights that made the label maps, of SHA-256 {digest}, lie in none of {', '.join(map(str, folders))}. Give "
        "their file: Results(folder, weights=…)"
    )


def compute_saliency_of_image(
    network: StoredNetwork, given: GivenMethod, image: GivenImage, maps: LabelMaps, label: int
) -> np.ndarray:
    """Compute the map (row, column) of a method on x₀ of one image; maps: its label maps."""
    with deterministic():
        (computed,) = compute_saliency_of_x0(
            {given.method: given},
            [image],
            [maps],
            [label],
            network.classifier,
            network.view,
            network.preprocessing,
        )
    return computed[given.method].saliency[0]
