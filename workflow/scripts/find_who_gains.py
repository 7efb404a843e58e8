"""Find who gains from a saccade: accuracy before and after it, in groups of images."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.data.listed import read_factors
from labelmaps.jobs.script import run_script
from labelmaps.scoring.groups import gains_table, list_groups
from labelmaps.scoring.statistics import number_images
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    check_same_images,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
)


def find_who_gains(
    *,
    index: Path,
    scores: list[Path],
    factors: list[Path],
    who_gains: list[Path],
    rows: list[dict],
    made_by: dict,
) -> None:
    """Write the rows of `labelmaps.scoring.groups.gains_table` for every method of every network.

    factors: the data set's table of them, or no path. rows: the network and method of each file of scores, network by
    network, which are the table's first columns. made_by: the settings of all files, as from `Study.run_settings`.
    """
    images = read_index(index)
    ids, known = images["image"].tolist(), None
    if factors:
        found = read_factors(factors[0])
        check_same_images(ids, found["image"].tolist(), factors[0])
        known = found.drop(columns="image")
    groups = list_groups(images["boxes"], images["width"].to_numpy(), images["height"].to_numpy(), known)
    networks = dict.fromkeys((row["view"], row["model"]) for row in rows)
    map_settings = dict(zip(networks, made_by["networks"], strict=True))
    origins: dict[tuple[str, str], dict] = {}
    tables = []
    for row, path in zip(rows, scores, strict=True):
        network, table = (row["view"], row["model"]), read_parquet(path)
        check_same_images(ids, table["image"].tolist(), path)
        check_same_origin(origins.setdefault(network, table.attrs), table.attrs, path)
        check_same_pixels_of_tables(next(iter(origins.values())), table.attrs, path)
        check_settings(map_settings[network] | made_by["methods"][row["method"]], table.attrs, path)
        outcomes = (table[name].to_numpy(bool) for name in ("correct_before", "correct_after"))
        gains = gains_table(*outcomes, groups, number_images(ids))
        tables.append(gains.assign(**row)[[*row, *gains.columns]])
    write_results(who_gains, pd.concat(tables), made_by)


if __name__ == "__main__":
    run_script(find_who_gains, snakemake)
