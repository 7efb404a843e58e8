"""Summarise a data set: one row per (model, view, method or null), and what n views are worth."""

from pathlib import Path

import pandas as pd

from labelmaps.jobs.script import run_script
from labelmaps.scoring.null_names import NULL_NAMES
from labelmaps.scoring.summary import summarise, summarise_null
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_origin

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
) -> None:
    """Write the summary and the curves.

    rows, networks: what each file of scores, and each file of nulls and of curves, is; in the tables' first columns.
    """
    origins, null_rows = {}, []
    for network, path in zip(networks, nulls, strict=True):
        table = read_parquet(path)
        origins[network["view"], network["model"]] = table.attrs
        by_null = dict(iter(table.groupby("null")))
        null_rows += [
            network | {"method": name, "variant": name} | NULL | summarise_null(by_null[name])
            for name in NULL_NAMES
        ]
    method_rows = []
    for row, path in zip(rows, scores, strict=True):
        table = read_parquet(path)
        check_same_origin(origins[row["view"], row["model"]], table.attrs, path)
        method_rows.append(row | summarise(table))
    curves_by_network = []
    for network, path in zip(networks, curves, strict=True):
        curve = read_parquet(path)
        check_same_origin(origins[network["view"], network["model"]], curve.attrs, path)
        curves_by_network.append(curve.assign(**network)[[*network, *curve.columns]])
    write_results(summary, pd.DataFrame(method_rows + null_rows))
    write_results(best_of_n, pd.concat(curves_by_network))


if __name__ == "__main__":
    run_script(summarise_scores, snakemake)
