"""Compute for one view whether the network is right before and after the saccade of each of the paper's methods."""

from pathlib import Path

import numpy as np
import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import labels_where_needed, read_index
from labelmaps.jobs.script import run_script
from labelmaps.protocol.readings import label_map_saliency, read_protocol
from labelmaps.storage.derived import check_saliency
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images, check_settings
from labelmaps.storage.saliency_file import read_saliency

MADE_BY = ("weights_sha256", "operations_per_view")


def score_reading(
    *, index: Path, label_maps: Path, gradcam: Path, dff: Path, outcomes: Path, methods: dict
) -> None:
    """Write one row per arrival and case: arrival, image, and the columns of `labelmaps.protocol.readings.read_protocol`.

    gradcam, dff: their saliency files. If their maps have as many cells as the grid, the arrival "index" is computed, too.
    methods: the settings of the two, as from `Study.paper_settings`.
    """
    images, glimpses = read_index(index), {"gradcam": gradcam, "dff": dff}
    label = images["label"].to_numpy(np.int64)
    on_glimpses = {method: read_saliency(path) for method, path in glimpses.items()}
    for method, path in glimpses.items():
        check_same_images(images["image"].tolist(), on_glimpses[method].image, path)
    with open_label_maps(label_maps, images) as file:
        for method, path in glimpses.items():
            check_saliency(on_glimpses[method], file, path)
            check_settings(methods[method], on_glimpses[method].attributes, path)
        maps = label_map_saliency(file.blocks(), label)
        centre, top_label = file.field("centre"), file.field("top_label")
        made_by = file.origin_of_tables | {key: file.origin[key] for key in MADE_BY}
    same_cells = all(maps.saliency.shape == top_label.shape for maps in on_glimpses.values())
    tables = []
    for arrival in ("nearest", "index") if same_cells else ("nearest",):
        arrival_rows = read_protocol(maps, on_glimpses, centre, top_label, label, arrival)
        arrival_rows.insert(0, "arrival", arrival)
        of_cases = {"image": images["image"].to_numpy()} | labels_where_needed(images)
        for place, (name, values) in enumerate(of_cases.items(), start=1):
            arrival_rows.insert(place, name, values)
        tables.append(arrival_rows)
    table = pd.concat(tables, ignore_index=True)
    table.attrs = {key: str(value) for key, value in made_by.items()} | {"methods": methods}
    write_parquet(outcomes, table)


if __name__ == "__main__":
    run_script(score_reading, snakemake)
