"""Compare label maps, and the accuracies that follow from them, with those of the reference on the same images."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.protocol.fidelity import changes, flips
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.label_map_file import LabelMapFile, open_label_maps
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    OLDER,
    SAME_NETWORK,
    check_same_images,
    check_same_origin,
    check_same_pixels,
    check_settings,
)

MADE_BY = ("engine", "precision", "compiled")


def measure_fidelity(
    *,
    label_maps: list[Path],
    outcomes: list[Path],
    reference_label_maps: list[Path],
    reference_outcomes: list[Path],
    fidelity: list[Path],
    rows: list[dict],
    settings: dict,
) -> None:
    """Write one row per network, view and accuracy; the eye arrives at the nearest view.

    The other lists have one file per network and view; rows: their network and view, which are the table's first columns.
    settings: those of all files, as from `Study.fidelity_settings`.
    """
    tables = []
    both_settings = settings["networks"], settings["references"]
    paths = label_maps, outcomes, reference_label_maps, reference_outcomes
    files = zip(rows, *both_settings, *paths, strict=True)
    for row, map_settings, reference_settings, maps, reading, reference_maps, reference_reading in files:
        with open_label_maps(maps) as ours, open_label_maps(reference_maps) as reference:
            check_settings(map_settings, ours.attributes, maps)
            check_settings(reference_settings, reference.attributes, reference_maps)
            check_same_images(reference.images, ours.images, maps)
            check_same_origin(reference.attributes, ours.attributes, maps, (*SAME_NETWORK, "view"))
            check_same_pixels(ours.images, reference.digests, ours.digests, maps, OLDER)
            made_by = {key: ours.attributes[key] for key in MADE_BY}
            flipped = flips(ours.field("top_label"), reference.field("top_label"))
            (found, ids), (expected, _) = nearest(reading, ours), nearest(reference_reading, reference)
            table = changes(found, expected, number_images(ids))
        for place, (name, value) in enumerate((row | made_by | flipped).items()):
            table.insert(place, name, value)
        tables.append(table)
    write_results(fidelity, pd.concat(tables, ignore_index=True), settings)


def nearest(path: Path, label_maps: LabelMapFile) -> tuple[pd.DataFrame, list[str]]:
    """Read the outcomes for which the eye arrives at the nearest view, and the images' ids.

    path: the table of outcomes. label_maps: those from which it must have been made, otherwise `InputError` is raised.
    """
    outcomes = read_parquet(path)
    check_same_origin(label_maps.origin, outcomes.attrs, path)
    table = outcomes[outcomes["arrival"] == "nearest"]
    named = table.columns.intersection(["arrival", "image", "label"])
    return table.drop(columns=named), table["image"].tolist()


if __name__ == "__main__":
    run_script(measure_fidelity, snakemake)
