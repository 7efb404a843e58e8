"""List the acceptable labels of a data set's images."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.acceptable_labels import find_acceptable_labels
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.data.listed import write_labels
from labelmaps.jobs.script import run_script


def list_acceptable_labels(
    *, index: Path, source: Path, classes: Path, min_matched: float, acceptable_labels: Path
) -> None:
    """Write the acceptable labels of each row of the index, as found in the user's file `source`."""
    images = read_index(index)
    found = find_acceptable_labels(images, source, read_classes(classes), min_matched)
    write_labels(acceptable_labels, images["image"].tolist(), found)


if __name__ == "__main__":
    run_script(list_acceptable_labels, snakemake)
