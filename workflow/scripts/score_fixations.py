"""Score a method's fixations, image by image."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.files import moved_into_place
from labelmaps.index import check_same_images, read_index
from labelmaps.label_map_file import open_label_maps
from labelmaps.logs import job
from labelmaps.scores import score_fixations as score


def score_fixations(fixations: Path, label_maps: Path, index: Path, output: Path, tolerance: float) -> None:
    """Write one row per image: image, and the columns of `labelmaps.scores.score_fixations`."""
    images = read_index(index)
    selected = pd.read_parquet(fixations)
    check_same_images(images["image"].tolist(), selected["image"].tolist(), fixations)
    with open_label_maps(label_maps) as file:
        check_same_images(images["image"].tolist(), file.images, label_maps)
        top_label, weights = file.field("top_label"), file.attributes["weights_source"]
    label = images["label"].to_numpy(np.int16)
    scores = score(selected, label, images["boxes"], top_label, tolerance)
    scores.insert(0, "image", images["image"])
    scores.attrs["weights_source"] = weights
    with moved_into_place(output) as temporary:
        scores.to_parquet(temporary, index=False)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        score_fixations(
            Path(snakemake.input.fixations),
            Path(snakemake.input.label_maps),
            Path(snakemake.input.index),
            Path(snakemake.output.scores),
            **dict(snakemake.params.items()),
        )
