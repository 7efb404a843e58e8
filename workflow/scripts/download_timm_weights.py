"""Download timm's weights of an architecture from the hub of Hugging Face."""

import logging
from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.networks.download import download_from_hub
from labelmaps.networks.preprocessing import timm_repository

logger = logging.getLogger(__name__)


def download_timm_weights(*, weights: Path, name: str, revision: str, sha256: str | None) -> None:
    """Write timm's weights of this name and revision, after their SHA-256 was checked.

    sha256: the expected value in hexadecimal; None takes the one that the hub states.
    """
    repository = timm_repository(name)
    found = download_from_hub(repository, revision, sha256, weights)
    logger.info("%s, revision %s: the sha256 of model.safetensors is %s", repository, revision, found)


if __name__ == "__main__":
    run_script(download_timm_weights, snakemake)
