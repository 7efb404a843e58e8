"""Summarise a data set: one row per model, view, and method or null; and the curves of the best of n."""

from pathlib import Path

import numpy as np
import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.scoring.null_names import LIKELIHOOD_SET, NOT_LOOKING, NULL_NAMES
from labelmaps.scoring.right_labels import add_outcomes, read_right_labels, state_labels
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
    acceptable_labels: list[Path],
    summary: list[Path],
    best_of_n: list[Path],
    rows: list[dict],
    networks: list[dict],
    made_by: dict,
) -> None:
    """Write the summary and the curves.

    rows: the network and method of each file of scores; networks: the network of each file of nulls and of curves; both are
    the tables' first columns. acceptable_labels: the data set's table of them, or no path. made_by: the settings of all
    files, as from `Study.score_settings`.
    """
    acceptable = read_right_labels(acceptable_labels)
    origins, compared, ids, null_rows = {}, {}, {}, []
    tolerance = {"tolerance": made_by["tolerance"]}
    of_nulls = zip(networks, made_by["networks"], made_by["nulls"], nulls, strict=True)
    for network, map_settings, settings, path in of_nulls:
        table = read_parquet(path)
        check_settings(map_settings | settings | tolerance | state_labels(acceptable), table.attrs, path)
        check_same_pixels_of_tables(next(iter(origins.values()), table.attrs), table.attrs, path)
        key = network["view"], network["model"]
        origins[key] = table.attrs
        by_null = dict(iter(table.groupby("null")))
        ids[key] = by_null[NOT_LOOKING]["image"].tolist()
        compared[key] = {name: by_null[name]["correct_after"].to_numpy() for name in GAINS_OVER.values()}
        variants = {NOT_LOOKING: f"{NOT_LOOKING} null={table.attrs['chosen'][NOT_LOOKING]}"}
        for name in filter(by_null.__contains__, (*NULL_NAMES, LIKELIHOOD_SET)):
            of_null = by_null[name]
            # `likelihood_set` has no row for an image without acceptable labels.
            has_row = np.isin(ids[key], of_null["image"])
            same_cases = {other: correct[has_row] for other, correct in compared[key].items()}
            row = network | {"method": name, "variant": variants.get(name, name)} | NULL
            null_rows.append(row | summarise_null(of_null, same_cases))
    method_rows = []
    for row, path in zip(rows, scores, strict=True):
        table = read_parquet(path)
        check_same_origin(origins[row["view"], row["model"]], table.attrs, path)
        check_settings(made_by["methods"][row["method"]] | tolerance, table.attrs, path)
        check_same_images(ids[row["view"], row["model"]], table["image"].tolist(), path)
        with_set = add_outcomes(table, acceptable, path)
        method_rows.append(row | summarise(with_set, compared[row["view"], row["model"]]))
    curves_by_network = []
    for network, path in zip(networks, curves, strict=True):
        curve = read_parquet(path)
        check_same_origin(origins[network["view"], network["model"]], curve.attrs, path)
        curves_by_network.append(curve.assign(**network)[[*network, *curve.columns]])
    made_from = {"label_maps": [origin["label_maps"] for origin in origins.values()]}
    if acceptable is not None:
        made_from = made_from | state_labels(acceptable)
    write_results(summary, pd.DataFrame(method_rows + null_rows), made_by | made_from)
    write_results(best_of_n, pd.concat(curves_by_network), made_by | made_from)


if __name__ == "__main__":
    run_script(summarise_scores, snakemake)
