"""Rank readings of the protocol by their misfit to the paper's numbers."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.jobs.script import run_script
from labelmaps.protocol.calibration import join_networks, judge_readings, rank_readings, terms_of
from labelmaps.protocol.readings import readings_of
from labelmaps.protocol.verdicts import FEWEST, REDUCED, TOO_FEW, find_obstacle
from labelmaps.storage.csv_tables import read_paper, write_results
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    check_same_images,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
)

logger = logging.getLogger(__name__)


ALL = "all networks"  # in the column model: the networks together


def calibrate(
    *,
    outcomes: list[Path],
    standard: list[Path],
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
    """Write the ranking of the readings and the terms of their misfits.

    outcomes: one file per network and view; rows: the network and view of each, which are the tables' first columns.
    standard: the label maps of each network's standard crop, in the order of the networks. has_imagenet_classes: whether the
    labels are ImageNet's. made_by: the settings of all files, as from `Study.calibration_settings`.

    In the tables, view and arrival name a reading; the column images states whether these are ImageNet's validation images.
    If there are several networks, the ranking also has rows of all of them together.
    """
    stated, ours = read_paper(paper), read_index(index)
    ids, same_images = ours["image"].tolist(), are_imagenet_validation(ours, has_imagenet_classes)
    images = "ImageNet validation" if same_images else "other images"
    by_model: dict[str, list[tuple[dict, dict, Path]]] = {}
    for row, map_settings, path in zip(rows, made_by["networks"], outcomes, strict=True):
        by_model.setdefault(row["model"], []).append((row, map_settings, path))
    networks, of_networks, of_terms, obstacles, label_maps = {}, {}, {}, {}, []
    for (model, files), view, crop in zip(by_model.items(), made_by["standard_views"], standard, strict=True):
        readings, origin, precisions = {}, {}, set()
        for row, map_settings, path in files:
            table = read_parquet(path)
            check_settings(map_settings | {"methods": made_by["methods"]}, table.attrs, path)
            origin = origin or table.attrs
            check_same_origin(origin, table.attrs, path, ["weights_sha256"])
            precisions.add(table.attrs["precision"])
            check_same_pixels_of_tables(origin, table.attrs, path)
            label_maps.append(table.attrs["label_maps"])
            for _, arrival_rows in table.groupby("arrival"):
                check_same_images(ids, arrival_rows["image"].tolist(), path)
            readings |= readings_of(row["view"], table)
        is_right = read_standard_crop(crop, ours, view, origin)
        readings = {
            name: (what, table.assign(standard_crop=is_right)) for name, (what, table) in readings.items()
        }
        before = max(table["before"].mean() for _, table in readings.values())
        network = {key: value for key, value in files[0][0].items() if key != "view"}
        obstacles[model] = (
            find_obstacle(network["weights"], before, same_images)
            or TOO_FEW * (len({*ids}) < FEWEST)
            or REDUCED * (precisions != {"float32"})
        )
        networks[model] = network | {"images": images}
        of_networks[model] = readings
        of_terms[model] = terms_of(network["architecture"], stated)
    rankings, by_terms = [], []
    for model, readings in of_networks.items():
        ranked = rank(readings, of_terms[model], resamples, seed, obstacles[model])
        for table, collected in zip(ranked, (rankings, by_terms), strict=True):
            collected.append(name_readings(table, networks[model], readings))
        report(model, ranked[0], obstacles[model])
    if len(networks) > 1:
        readings = join_networks(of_networks)
        every = pd.concat([table.assign(model=model) for model, table in of_terms.items()], ignore_index=True)
        obstacle = next(filter(None, obstacles.values()), "")
        ranked, _ = rank(readings, every, resamples, seed, obstacle)
        columns = pd.DataFrame(networks.values())
        together = {key: ", ".join(columns[key].unique()) for key in columns} | {"model": ALL}
        rankings.append(name_readings(ranked, together, readings))
        report(ALL, ranked, obstacle)
    made_of = made_by | {"label_maps": label_maps}
    write_results(ranking, pd.concat(rankings), made_of)
    write_results(terms, pd.concat(by_terms), made_of)


def read_standard_crop(path: Path, index: pd.DataFrame, view: dict, origin: dict) -> np.ndarray:
    """Read whether a network is right in the standard crop, (case,).

    path: the label maps of the crop. view: its settings. origin: the attributes of a table of the network's outcomes, with
    which the label maps must share weights and pixels; otherwise `InputError` is raised.
    """
    with open_label_maps(path, index) as file:
        check_same_origin(origin, file.attributes, path, ["weights_sha256"])
        check_settings({"view": view}, file.attributes, path)
        check_same_pixels_of_tables(origin, file.origin, path)
        return file.field("top_label")[:, 0, 0] == index["label"].to_numpy()


def rank(
    readings: dict[str, tuple[dict, pd.DataFrame]],
    terms: pd.DataFrame,
    resamples: int,
    seed: int,
    obstacle: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank readings, as from `readings_of` or `join_networks`, and add the verdict on each."""
    named = {name: table for name, (_, table) in readings.items()}
    return judge_readings(*rank_readings(named, terms, resamples, seed), obstacle)


def name_readings(
    table: pd.DataFrame, network: dict, readings: dict[str, tuple[dict, pd.DataFrame]]
) -> pd.DataFrame:
    """Add the network, and the view and arrival of each reading, as the first columns of its rows."""
    what = pd.DataFrame([network | readings[name][0] for name in table["reading"]])
    return pd.concat([what, table], axis=1)


def report(model: str, ranking: pd.DataFrame, obstacle: str) -> None:
    """Log which reading is best, or why readings are not ranked."""
    best = f"best: {ranking['reading'].iloc[0]}" if not obstacle else f"not ranked: {obstacle}"
    logger.info("%s, %d readings; %s", model, len(ranking), best)


if __name__ == "__main__":
    run_script(calibrate, snakemake)
