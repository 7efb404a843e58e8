"""Select a fixation on each saliency map."""

import logging
from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.scoring.fixations import Arrival, find_fixations
from labelmaps.storage.derived import check_saliency
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.saliency_file import NO_LABEL, read_saliency

logger = logging.getLogger(__name__)


def select_fixations(*, saliency: Path, label_maps: Path, fixations: Path, arrival: Arrival) -> None:
    """Write one row per map: image, the columns of `labelmaps.scoring.fixations.find_fixations`, and own_label.

    own_label is the label that the method itself gives (DFF), null for methods that give none.
    """
    maps = read_saliency(saliency)
    with open_label_maps(label_maps) as opened:
        file = opened.of_cases(maps.image, saliency)
        check_saliency(maps, file, saliency)
        table = find_fixations(maps.saliency, maps.point, file.field("centre"), arrival)
        made_by = {key: maps.attributes[key] for key in ("method", "options")}
        table.attrs = file.origin_of_tables | made_by | {"arrival": arrival}
    table.insert(0, "image", maps.image)
    table["own_label"] = pd.Series(maps.own_label, dtype="Int16").mask(maps.own_label == NO_LABEL)
    logger.info("%d maps, %d ties, %d dead ones", len(table), table.tie.sum(), table.dead.sum())
    write_parquet(fixations, table)


if __name__ == "__main__":
    run_script(select_fixations, snakemake)
