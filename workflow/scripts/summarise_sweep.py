"""Summarise views that differ in one option: accuracy after the saccade, and the number of operations."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.protocol.readings import GLIMPSES, ON_GLIMPSES, accuracies
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    check_same_images,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
)

GIGA = 1e9


def summarise_sweep(
    *,
    outcomes: list[Path],
    sweep: list[Path],
    option: str,
    rows: list[dict],
    grids: list[int],
    methods: dict[str, str],
    made_by: dict,
) -> None:
    """Write one row per network, view and method; the eye arrives at the nearest view.

    option: the name of the option. rows: the network, view and value of the option of each file of outcomes, which are the
    table's first columns. grids: the fixations along each axis of each file. methods: method → its cue. made_by: the
    settings of all files, as from `Study.sweep_settings`.

    The column views is the number of forward passes per image that a method takes, gflop their number of operations in 10⁹.
    """
    table, first = [], {}
    for row, map_settings, grid, path in zip(rows, made_by["networks"], grids, outcomes, strict=True):
        reading = read_parquet(path)
        check_settings(map_settings | {"methods": made_by["methods"]}, reading.attrs, path)
        other = first.setdefault(row["model"], reading)
        check_same_origin(other.attrs, reading.attrs, path, ["weights_sha256"])
        check_same_pixels_of_tables(other.attrs, reading.attrs, path)
        operations = int(reading.attrs["operations_per_view"])
        nearest, others = (some[some["arrival"] == "nearest"] for some in (reading, other))
        check_same_images(others["image"].tolist(), nearest["image"].tolist(), path)
        for method, cue in methods.items():
            views = min(GLIMPSES, grid**2) if method in ON_GLIMPSES else grid**2
            named = {"option": option, "method": method, "variant": method, "cue": cue}
            cost = {"views": views, "gflop": views * operations / GIGA}
            table.append(row | named | cost | accuracies(nearest, method))
    write_results(sweep, pd.DataFrame(table), made_by)


if __name__ == "__main__":
    run_script(summarise_sweep, snakemake)
