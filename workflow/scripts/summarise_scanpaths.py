"""Join the scanpaths' curves of all networks into one table."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_pixels_of_tables, check_settings

MADE_OF = ("methods", "scanpaths")  # the keys of further settings, beside those of the label maps


def summarise_scanpaths(
    *, curves: list[Path], scanpaths: list[Path], networks: list[dict], made_by: dict
) -> None:
    """Write the curves of all networks as one table.

    networks: the network of each file of curves, as the table's first columns. made_by: the settings of all files, as from
    `Study.scanpath_settings_of_networks`.
    """
    tables: list[pd.DataFrame] = []
    for settings, path in zip(made_by["networks"], curves, strict=True):
        table = read_parquet(path)
        check_settings(settings["look"] | {key: settings[key] for key in MADE_OF}, table.attrs, path)
        check_same_pixels_of_tables((tables or [table])[0].attrs, table.attrs, path)
        tables.append(table)
    joined = [
        table.assign(**network)[[*network, *table]] for network, table in zip(networks, tables, strict=True)
    ]
    label_maps = [table.attrs["label_maps"] for table in tables]
    write_results(scanpaths, pd.concat(joined), made_by | {"label_maps": label_maps})


if __name__ == "__main__":
    run_script(summarise_scanpaths, snakemake)
