"""Draw a sample of a data set's images."""

from pathlib import Path

from labelmaps.index import read_index, sample_images, write_index
from labelmaps.logs import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        whole = read_index(Path(snakemake.input.index))
        write_index(snakemake.output.index, sample_images(whole, **dict(snakemake.params.items())))
