"""Draw random weights, for benchmarks and tests only."""

from pathlib import Path

from labelmaps.data.classes import read_classes
from labelmaps.jobs.logs import job
from labelmaps.networks.weights import random_weights, save_weights


def draw_random_weights(classes: Path, output: Path, architecture: str, seed: int, size: int) -> None:
    """Write a state dict of random weights with one output per class."""
    state = random_weights(architecture, len(read_classes(classes)), seed, size)
    save_weights(state, output)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_random_weights(
            Path(snakemake.input.classes), Path(snakemake.output.weights), **dict(snakemake.params.items())
        )
