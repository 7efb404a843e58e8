"""Summarise a data set: one row per (model, view, method or null), and what n views are worth."""

from pathlib import Path

import pandas as pd

from labelmaps.jobs.logs import job
from labelmaps.scoring.null_names import NULL_NAMES
from labelmaps.scoring.summary import summarise, summarise_null
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_origin

NULL = {"cue": "null model"}


def summarise_scores(
    scores: list[Path],
    nulls: list[Path],
    curves: list[Path],
    summary: Path,
    best_of_n: Path,
    rows: list[dict],
    networks: list[dict],
) -> None:
    """Write the summary and the curves.

    rows, networks: what each file of scores, and each file of nulls and of curves, is; in the tables' first columns.
    """
    origins, of_nulls = {}, []
    for network, path in zip(networks, nulls, strict=True):
        scored = read_parquet(path)
        origins[network["view"], network["model"]] = scored.attrs
        of_null = scored.groupby("null")
        of_nulls += [
            network | {"method": name, "variant": name} | NULL | summarise_null(of_null.get_group(name))
            for name in NULL_NAMES
        ]
    of_methods = []
    for row, path in zip(rows, scores, strict=True):
        scored = read_parquet(path)
        check_same_origin(origins[row["view"], row["model"]], scored.attrs, path)
        of_methods.append(row | summarise(scored))
    described = []
    for network, path in zip(networks, curves, strict=True):
        curve = read_parquet(path)
        check_same_origin(origins[network["view"], network["model"]], curve.attrs, path)
        described.append(curve.assign(**network)[[*network, *curve.columns]])
    write_results(summary, pd.DataFrame(of_methods + of_nulls))
    write_results(best_of_n, pd.concat(described))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarise_scores(
            [Path(path) for path in snakemake.input.scores],
            [Path(path) for path in snakemake.input.nulls],
            [Path(path) for path in snakemake.input.best_of_n],
            Path(snakemake.output.summary),
            Path(snakemake.output.best_of_n),
            **dict(snakemake.params.items()),
        )
