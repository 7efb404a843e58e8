"""Check a network on a data set before it is run at length: weights, classes, size, logits, and the map of x₀."""

import json
import logging
from pathlib import Path

import torch

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import first_images
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.inference.inputs import squares_to_compare
from labelmaps.jobs.script import run_script
from labelmaps.networks.compute import be_deterministic
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import COMPARED_IMAGES, load_network, provenance
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.tap import NoMapError
from labelmaps.networks.verification import compute_known_logits, copy_with_folded_norms
from labelmaps.storage.files import moved_into_place

logger = logging.getLogger(__name__)


def check_network(
    *,
    index: Path,
    classes: Path,
    weights: Path,
    checked: Path,
    network_config: dict,
) -> None:
    """Write what was found, as JSON; with the network's last map, or why it has none. network_config: of `NetworkConfig`."""
    be_deterministic()
    network, cpu = NetworkConfig(**network_config), torch.device("cpu")
    module, preprocessing, notes = load_network(network, weights, len(read_classes(classes)))
    name = network.architecture
    images = first_images(read_index(index), COMPARED_IMAGES)
    known = compute_known_logits(module, squares_to_compare(images, preprocessing), name)
    found = provenance(network, weights, preprocessing, cpu, notes)
    try:
        split = SplitClassifier(copy_with_folded_norms(module, known, name), cpu, known, name=name)
        found |= {"layer": split.block_name, "layout": split.layout._asdict(), "difference": split.difference}
    except NoMapError as error:
        found |= {"layer": None, "reason": str(error)}
    logger.info("%s", json.dumps(found))
    with moved_into_place(checked) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_script(check_network, snakemake)
