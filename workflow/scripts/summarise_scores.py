"""Summarise a data set: one row per (model, view, method or null), and what n views are worth."""

from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.scoring.null_names import NOT_LOOKING, NULL_NAMES
from labelmaps.scoring.summary import GAINS_OVER, summarise, summarise_null
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    check_same_images,
    check_same_origin,
    check_same_pixels_of_tables,
    check_settings,
)

NULL = {"cue": "null model"}


def summarise_scores(
    *,
    scores: list[Path],
    nulls: list[Path],
    curves: list[Path],
    summary: list[Path],
    best_of_n: list[Path],
    rows: list[dict],
    networks: list[dict],
    made_by: dict,
) -> None:
    """Write the summary and the curves.

    rows, networks: what each file of scores, and each file of nulls and of curves, is; in the tables' first columns.
    made_by: the settings of all of them, as from `Study.scored`.
    """
    origins, compared, ids, null_rows = {}, {}, {}, []
    tolerance = {"tolerance": made_by["tolerance"]}
    of_nulls = zip(networks, made_by["networks"], made_by["nulls"], nulls, strict=True)
    for network, look, settings, path in of_nulls:
        table = read_parquet(path)
        check_settings(look | settings | tolerance, table.attrs, path)
        check_same_pixels_of_tables(next(iter(origins.values()), table.attrs), table.attrs, path)
        key = network["view"], network["model"]
        origins[key] = table.attrs
        by_null = dict(iter(table.groupby("null")))
        ids[key] = by_null[NOT_LOOKING]["image"].tolist()
        compared[key] = {name: by_null[name]["correct_after"].to_numpy() for name in GAINS_OVER.values()}
        variants = {NOT_LOOKING: f"{NOT_LOOKING} null={table.attrs['chosen'][NOT_LOOKING]}"}
        null_rows += [
            network
            | {"method": name, "variant": variants.get(name, name)}
            | NULL
            | summarise_null(by_null[name], compared[key])
            for name in NULL_NAMES
            if name in by_null
        ]
    method_rows = []
    for row, path in zip(rows, scores, strict=True):
        table = read_parquet(path)
        check_same_origin(origins[row["view"], row["model"]], table.attrs, path)
        check_settings(made_by["methods"][row["method"]] | tolerance, table.attrs, path)
        check_same_images(ids[row["view"], row["model"]], table["image"].tolist(), path)
        method_rows.append(row | summarise(table, compared[row["view"], row["model"]]))
    curves_by_network = []
    for network, path in zip(networks, curves, strict=True):
        curve = read_parquet(path)
        check_same_origin(origins[network["view"], network["model"]], curve.attrs, path)
        curves_by_network.append(curve.assign(**network)[[*network, *curve.columns]])
    label_maps = {"label_maps": [origin["label_maps"] for origin in origins.values()]}
    write_results(summary, pd.DataFrame(method_rows + null_rows), made_by | label_maps)
    write_results(best_of_n, pd.concat(curves_by_network), made_by | label_maps)


if __name__ == "__main__":
    run_script(summarise_scores, snakemake)
