"""Summarise what a look in two stages saves and changes, by label maps that hold all views."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.jobs.script import run_script
from labelmaps.methods import load_method
from labelmaps.scoring.statistics import number_images
from labelmaps.scoring.two_stages import needs_outer_views, two_stages_table
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.derived import check_saliency
from labelmaps.storage.label_map_file import IMAGES_PER_BLOCK, LabelMapFile, open_label_maps
from labelmaps.storage.provenance import check_same_images, check_same_pixels_of_tables, check_settings
from labelmaps.storage.saliency_file import read_saliency

logger = logging.getLogger(__name__)


def summarise_two_stages(
    *,
    index: Path,
    label_maps: list[Path],
    saliency: list[Path],
    two_stages: list[Path],
    rows: list[dict],
    made_by: dict,
) -> None:
    """Write the rows of `labelmaps.scoring.two_stages.two_stages_table` for every method of every network.

    label_maps: of each network. saliency: of each method on label maps, network by network; rows: what each of these files
    is, in the table's first columns. made_by: the settings of all, as from `Study.staged_settings`.

    Methods whose values of the inner views depend on the outer ones are left out, and the log names them.
    """
    images = read_index(index)
    ids, label = images["image"].tolist(), images["label"].to_numpy(np.int64)
    of_networks: dict[tuple[str, str], list[tuple[dict, Path]]] = {}
    for row, path in zip(rows, saliency, strict=True):
        of_networks.setdefault((row["view"], row["model"]), []).append((row, path))
    tables, origins = [], []
    for look, maps, methods in zip(made_by["networks"], label_maps, of_networks.values(), strict=True):
        with open_label_maps(maps, images) as file:
            check_settings(look, file.attributes, maps)
            origins.append(file.origin_of_tables)
            check_same_pixels_of_tables(origins[0], file.origin, maps)
            for row, path in methods:
                settings = made_by["methods"][row["method"]]
                values = read_values(path, settings, file)
                method = load_method(settings["method"], **settings["options"])
                if needs_outer_views(method, file.read(0, IMAGES_PER_BLOCK), label[:IMAGES_PER_BLOCK]):
                    logger.info("%s: left out, as its values of the inner views need the outer ones", path)
                    continue
                is_right = file.field("top_label") == label[:, None, None]
                table = two_stages_table(values, is_right, number_images(ids))
                tables.append(table.assign(**row)[[*row, *table.columns]])
    if not tables:
        raise InputError(
            f"{saliency[0]}: neither this method nor any other of the run can do without the outer views at first. Name "
            "another in run.methods, such as igub, and run again"
        )
    made_of = made_by | {"label_maps": [origin["label_maps"] for origin in origins]}
    write_results(two_stages, pd.concat(tables), made_of)


def read_values(path: Path, settings: dict, file: LabelMapFile) -> np.ndarray:
    """Read a method's values of the views of label maps, (case, row, column); settings: the method and its options."""
    maps = read_saliency(path)
    check_same_images(file.images, maps.image, path)
    check_saliency(maps, file, path)
    check_settings({key: settings[key] for key in ("method", "options")}, maps.attributes, path)
    return maps.saliency


if __name__ == "__main__":
    run_script(summarise_two_stages, snakemake)
