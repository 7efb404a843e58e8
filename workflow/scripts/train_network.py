"""Train a small network on synthetic scenes whose random stream is not that of the evaluation."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.networks.training import train
from labelmaps.networks.weights import save_weights


def train_network(*, weights: Path, architecture: str, training: dict[str, int], n_threads: int) -> None:
    """Write the trained state dict.

    training: `seed`, `scenes` and `epochs`, as in the settings.
    """
    save_weights(train(architecture, threads=n_threads, **training), weights)


if __name__ == "__main__":
    run_script(train_network, snakemake)
