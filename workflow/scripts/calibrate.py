"""Rank readings of the protocol by their misfit to the paper's numbers."""

import logging
from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.jobs.script import run_script
from labelmaps.protocol.calibration import judge_readings, rank_readings, terms_of
from labelmaps.protocol.readings import readings_of
from labelmaps.protocol.verdicts import FEWEST, TOO_FEW, find_obstacle
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
    has_imagenet_classes: bool,
    rows: list[dict],
    resamples: int,
    seed: int,
    made_by: dict,
) -> None:
    """Write the ranking and its terms; `rows` says what each file of outcomes is, in the tables' first columns.

    has_imagenet_classes: whether the labels are ImageNet's. In the tables, view and arrival say what a reading is; images,
    whether they are the paper's: those of ImageNet's validation.
    made_by: the settings of all files, as from `Study.calibrated`.
    """
    stated, ours = read_paper(paper), read_index(index)
    ids, same_images = ours["image"].tolist(), are_imagenet_validation(ours, has_imagenet_classes)
    images = "ImageNet validation" if same_images else "other images"
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
        before = max(table["before"].mean() for table in named.values())
        obstacle = find_obstacle(network["weights"], before, same_images) or TOO_FEW * (len({*ids}) < FEWEST)
        ranked = rank_readings(named, terms_of(network["architecture"], stated), resamples, seed)
        tables = judge_readings(*ranked, obstacle)
        for table, collected in zip(tables, (rankings, by_terms), strict=True):
            what = pd.DataFrame([network | readings[name][0] for name in table["reading"]])
            collected.append(pd.concat([what, table], axis=1))
        best = f"best: {tables[0]['reading'].iloc[0]}" if not obstacle else f"not ranked: {obstacle}"
        logger.info("%s, %d readings; %s", network["model"], len(readings), best)
    made_of = made_by | {"label_maps": label_maps}
    write_results(ranking, pd.concat(rankings), made_of)
    write_results(terms, pd.concat(by_terms), made_of)


if __name__ == "__main__":
    run_script(calibrate, snakemake)
