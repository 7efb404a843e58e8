"""Score a method's fixations, one per image, or one per class of each image where images show several."""

from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring.scores import compute_scores
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet


def score_fixations(
    *, fixations: Path, label_maps: Path, index: Path, scores: Path, tolerance: float
) -> None:
    """Write one row per case: image, and the columns of `labelmaps.scoring.scores.compute_scores`."""
    images = read_index(index)
    with open_label_maps(label_maps, images) as file:
        selected = read_rows(fixations, file.images, file.origin)
        top_label = file.field("top_label")
    label = images["label"].to_numpy(np.int16)
    table = compute_scores(
        selected, label, images["boxes"], top_label, tolerance, number_images(images["image"])
    )
    table.insert(0, "image", images["image"])
    table.attrs = selected.attrs | {"tolerance": tolerance}
    write_parquet(scores, table)


if __name__ == "__main__":
    run_script(score_fixations, snakemake)
