"""Score a method's fixations, image by image."""

from pathlib import Path

import numpy as np

from labelmaps.data.index import read_index
from labelmaps.jobs.logs import job
from labelmaps.scoring.scores import score_fixations as score
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images


def score_fixations(fixations: Path, label_maps: Path, index: Path, output: Path, tolerance: float) -> None:
    """Write one row per image: image, and the columns of `labelmaps.scoring.scores.score_fixations`."""
    images = read_index(index)
    with open_label_maps(label_maps) as file:
        check_same_images(images["image"].tolist(), file.images, label_maps)
        selected = read_rows(fixations, file.images, file.origin)
        top_label = file.field("top_label")
    label = images["label"].to_numpy(np.int16)
    scores = score(selected, label, images["boxes"], top_label, tolerance)
    scores.insert(0, "image", images["image"])
    scores.attrs = selected.attrs
    write_parquet(output, scores)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        score_fixations(
            Path(snakemake.input.fixations),
            Path(snakemake.input.label_maps),
            Path(snakemake.input.index),
            Path(snakemake.output.scores),
            **dict(snakemake.params.items()),
        )
