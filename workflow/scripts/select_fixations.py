"""Select a fixation on each saliency map."""

import logging
from pathlib import Path

import pandas as pd

from labelmaps.jobs.logs import job
from labelmaps.scoring.fixations import Arrival
from labelmaps.scoring.fixations import select_fixations as select
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images, check_same_origin
from labelmaps.storage.saliency_file import NO_LABEL, read_saliency

logger = logging.getLogger(__name__)


def select_fixations(saliency: Path, label_maps: Path, output: Path, arrival: Arrival) -> None:
    """Write one row per image: image, the columns of `labelmaps.scoring.fixations.select_fixations`, and own_label.

    own_label is the label that the method itself gives (DFF), null for methods that give none.
    """
    maps = read_saliency(saliency)
    with open_label_maps(label_maps) as file:
        check_same_images(file.images, maps.image, saliency)
        check_same_origin(file.origin, maps.attributes, saliency)
        fixations = select(maps.saliency, maps.point, file.field("centre"), arrival)
        fixations.attrs = {key: file.origin[key] for key in ("weights_source", "label_maps")}
    fixations.insert(0, "image", maps.image)
    fixations["own_label"] = pd.Series(maps.own_label, dtype="Int16").mask(maps.own_label == NO_LABEL)
    logger.info("%d images, %d ties, %d dead maps", len(fixations), fixations.tie.sum(), fixations.dead.sum())
    write_parquet(output, fixations)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        select_fixations(
            Path(snakemake.input.saliency),
            Path(snakemake.input.label_maps),
            Path(snakemake.output.fixations),
            **dict(snakemake.params.items()),
        )
