"""Verify the parts of a network's label maps and join them."""

from pathlib import Path

from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.storage import label_map_file


def join_label_maps(*, parts: list[Path], index: Path, label_maps: Path) -> None:
    """Join parts that hold the images of the index, one after the other."""
    label_map_file.join_label_maps(parts, label_maps, read_index(index)["image"].tolist())


if __name__ == "__main__":
    run_script(join_label_maps, snakemake)
