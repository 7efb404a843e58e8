"""Train a small network on synthetic scenes that share no random stream with the evaluation's."""

from pathlib import Path

from labelmaps.jobs.logs import job
from labelmaps.networks.training import train
from labelmaps.networks.weights import save_weights


def train_network(output: Path, architecture: str, training: dict[str, int], threads: int) -> None:
    """Write the trained state dict; `training` holds `seed`, `scenes` and `epochs`, as in the settings."""
    save_weights(train(architecture, threads=threads, **training), output)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        train_network(Path(snakemake.output.weights), **dict(snakemake.params.items()))
