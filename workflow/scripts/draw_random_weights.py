"""Draw random weights, for benchmarks and tests only."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.classes import read_classes
from labelmaps.jobs.script import run_script
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.weights import random_weights, save_weights


def draw_random_weights(*, classes: Path, weights: Path, network_config: dict, seed: int) -> None:
    """Write a state dict of random weights with one output per class; network_config: the fields of `NetworkConfig`."""
    network = NetworkConfig(**network_config)
    size = network.preprocessing().size
    state = random_weights(network.architecture, len(read_classes(classes)), seed, size)
    save_weights(state, weights)


if __name__ == "__main__":
    run_script(draw_random_weights, snakemake)
