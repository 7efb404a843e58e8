"""Check the parts of a network's label maps and join them."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import find_digests
from labelmaps.data.index import images_of, read_index
from labelmaps.jobs.script import run_script
from labelmaps.storage import label_map_file


def join_label_maps(*, parts: list[Path], index: Path, label_maps: Path) -> None:
    """Join parts that hold the images of the index, one after another.

    If the index has no digests (`verify: header`), the images are read again, since a part must have been made from the
    files as they are now.
    """
    images = images_of(read_index(index))
    label_map_file.join_label_maps(parts, label_maps, images["image"].tolist(), find_digests(images))


if __name__ == "__main__":
    run_script(join_label_maps, snakemake)
