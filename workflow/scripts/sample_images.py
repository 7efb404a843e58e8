"""Draw a sample of a data set's images."""

import logging
from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import draw_sample, read_index, write_index
from labelmaps.jobs.script import run_script

logger = logging.getLogger(__name__)


def sample_images(*, whole_index: Path, index: Path, n_images: int, seed: int) -> None:
    """Write the index of `n_images` images drawn at random, or of all images if there are no more."""
    images = read_index(whole_index)
    sample = draw_sample(images, n_images, seed)
    logger.info("%d of %d images", len(sample), len(images))
    write_index(index, sample)


if __name__ == "__main__":
    run_script(sample_images, snakemake)
