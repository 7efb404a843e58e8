"""Download torchvision's weights for an architecture."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.networks import download
from labelmaps.networks.preprocessing import torchvision_weights


def download_weights(*, weights: Path, architecture: str, name: str) -> None:
    """Write torchvision's weights of this name, after their hash was checked against the one in the name of their file."""
    download.download_weights(torchvision_weights(architecture, name).url, weights)


if __name__ == "__main__":
    run_script(download_weights, snakemake)
