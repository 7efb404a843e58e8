"""Rank readings of the protocol by their misfit to the paper's numbers."""

import logging
from pathlib import Path

import pandas as pd

from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.jobs.script import run_script
from labelmaps.protocol.calibration import rank_readings, terms_of
from labelmaps.protocol.readings import readings_of
from labelmaps.storage.csv_tables import read_paper, write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    check_same_images,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
)

logger = logging.getLogger(__name__)


def calibrate(
    *,
    outcomes: list[Path],
    index: Path,
    paper: Path,
    ranking: list[Path],
    terms: list[Path],
    rows: list[dict],
    resamples: int,
    seed: int,
    made_by: dict,
) -> None:
    """Write the ranking and its terms; `rows` says what each file of outcomes is, in the tables' first columns.

    view and arrival say what a reading is; images, whether they are the paper's: those of ImageNet's validation.
    made_by: the settings of all files, as from `Study.calibrated`.
    """
    stated = read_paper(paper)
    ids = read_index(index)["image"].tolist()
    images = "ImageNet validation" if are_imagenet_validation(ids) else "other images"
    by_model: dict[str, list[tuple[dict, dict, Path]]] = {}
    for row, look, path in zip(rows, made_by["networks"], outcomes, strict=True):
        by_model.setdefault(row["model"], []).append((row, look, path))
    rankings, by_terms, label_maps = [], [], []
    for files in by_model.values():
        network = {key: value for key, value in files[0][0].items() if key != "view"}
        network["images"] = images
        readings, origins = {}, {}
        for row, look, path in files:
            table = read_parquet(path)
            check_settings(look | {"methods": made_by["methods"]}, table.attrs, path)
            origin = origins.setdefault(row["model"], table.attrs)
            check_same_origin(origin, table.attrs, path, ["weights_sha256"])
            check_same_pixels_of_tables(origin, table.attrs, path)
            label_maps.append(table.attrs["label_maps"])
            for _, arrival_rows in table.groupby("arrival"):
                check_same_images(ids, arrival_rows["image"].tolist(), path)
            readings |= readings_of(row["view"], table)
        named = {name: table for name, (_, table) in readings.items()}
        tables = rank_readings(named, terms_of(network["architecture"], stated), resamples, seed)
        for table, collected in zip(tables, (rankings, by_terms), strict=True):
            what = pd.DataFrame([network | readings[name][0] for name in table["reading"]])
            collected.append(pd.concat([what, table], axis=1))
        best = tables[0].iloc[0]
        logger.info("%s: best of %d readings: %s", network["model"], len(readings), best["reading"])
    made_of = made_by | {"label_maps": label_maps}
    write_results(ranking, pd.concat(rankings), made_of)
    write_results(terms, pd.concat(by_terms), made_of)


if __name__ == "__main__":
    run_script(calibrate, snakemake)
