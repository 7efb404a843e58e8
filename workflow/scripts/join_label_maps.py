"""Verify the parts of a network's label maps and join them."""

from pathlib import Path

from labelmaps.data.index import read_index
from labelmaps.jobs.logs import job
from labelmaps.storage import label_map_file


def join_label_maps(parts: list[Path], index: Path, output: Path) -> None:
    """Join parts that hold the images of the index, one after the other."""
    label_map_file.join_label_maps(parts, output, read_index(index)["image"].tolist())


if __name__ == "__main__":
    with job(snakemake.log[0]):
        join_label_maps(
            [Path(part) for part in snakemake.input.parts],
            Path(snakemake.input.index),
            Path(snakemake.output.label_maps),
        )
