"""Play the Pointing Game by every rule, with its baselines."""

from itertools import islice
from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring.statistics import number_images
from labelmaps.scoring.summary import pointing_table
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.provenance import check_settings


def play_pointing_game(
    *,
    index: Path,
    label_maps: list[Path],
    fixations: list[Path],
    pointing: list[Path],
    networks: list[dict],
    methods: list[list[str]],
    made_by: dict,
) -> None:
    """Write the rows of `labelmaps.scoring.summary.pointing_table` for every network.

    networks: the network of each file of label maps, as the table's first columns. methods: the names of each network's
    methods, whose files `fixations` holds, network by network. made_by: the settings of all files, as from
    `Study.run_settings`.
    """
    images = read_index(index)
    ids = images["image"].tolist()
    width, height = images["width"].to_numpy(), images["height"].to_numpy()
    tables = []
    files = iter(fixations)
    for i, (network, path) in enumerate(zip(networks, label_maps, strict=True)):
        with open_label_maps(path, images) as maps:
            check_settings(made_by["networks"][i], maps.attributes, path)
            grid_points, origin = maps.field("centre"), maps.origin
        points = {}
        for method, file in zip(methods[i], islice(files, len(methods[i])), strict=True):
            selected = read_rows(file, ids, origin)
            check_settings(made_by["methods"][method], selected.attrs, file)
            points[method] = selected["x"].to_numpy(), selected["y"].to_numpy()
        cases = images["label"].to_numpy(), number_images(ids)
        table = pointing_table(points, images["boxes"], width, height, grid_points, *cases)
        tables.append(table.assign(**network)[[*network, *table.columns]])
    write_results(pointing, pd.concat(tables), made_by)


if __name__ == "__main__":
    run_script(play_pointing_game, snakemake)
