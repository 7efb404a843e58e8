"""Draw a sample of a data set's images."""

import logging
from pathlib import Path

from labelmaps.data.index import read_index, write_index
from labelmaps.data.index import sample_images as draw
from labelmaps.jobs.logs import job

logger = logging.getLogger(__name__)


def sample_images(whole: Path, output: Path, images: int, seed: int) -> None:
    """Write the index of `images` images drawn at random, or of all where there are no more."""
    index = read_index(whole)
    sample = draw(index, images, seed)
    logger.info("%d of %d images", len(sample), len(index))
    write_index(output, sample)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        sample_images(
            Path(snakemake.input.index),
            Path(snakemake.output.index),
            **dict(snakemake.params.items()),
        )
