"""Compare every pair of a network's methods over the same images."""

from itertools import islice
from pathlib import Path

import pandas as pd

import begin_job  # noqa: F401 (see there)
from labelmaps.jobs.script import run_script
from labelmaps.scoring.null_names import POOLED
from labelmaps.scoring.right_labels import AFTER, add_outcomes, read_right_labels, state_labels
from labelmaps.scoring.statistics import number_images
from labelmaps.scoring.summary import add_pairs_acceptable, compare_pairs
from labelmaps.storage.csv_tables import write_results
from labelmaps.storage.derived import read_rows
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_images, check_settings

NULLS_WITHOUT_FIXATION = ["top_n", *POOLED, "best_cell"]


def compare_methods(
    *,
    scores: list[Path],
    nulls: list[Path],
    acceptable_labels: list[Path],
    comparisons: list[Path],
    networks: list[dict],
    methods: list[list[str]],
    made_by: dict,
) -> None:
    """Write one row per network and pair of methods; nulls whose fixation does not depend on the image count as methods.

    networks: the network of each file of nulls, as the table's first columns.
    methods: the names of each network's methods, whose files `scores` holds, network by network.
    acceptable_labels: the data set's table of them, or no path.
    made_by: the settings of all files, as from `Study.score_settings`.
    """
    acceptable = read_right_labels(acceptable_labels)
    tables = []
    files = iter(scores)
    for i, (network, path) in enumerate(zip(networks, nulls, strict=True)):
        scored = read_parquet(path)
        check_settings(made_by["networks"][i] | state_labels(acceptable), scored.attrs, path)
        by_null = dict(iter(scored.groupby("null")))
        ids = by_null[NULLS_WITHOUT_FIXATION[0]]["image"].tolist()
        outcomes, by_set = {}, {}
        for method, file in zip(methods[i], islice(files, len(methods[i])), strict=True):
            table = read_rows(file, ids, scored.attrs)
            check_settings(made_by["methods"][method], table.attrs, file)
            outcomes[method] = table["correct_after"].to_numpy(bool)
            by_set[method] = add_outcomes(table, acceptable, file).get(AFTER)
        for null in filter(by_null.__contains__, NULLS_WITHOUT_FIXATION):
            table = by_null[null]
            check_same_images(ids, table["image"].tolist(), path)
            outcomes[null] = table["correct_after"].to_numpy(bool)
            by_set[null] = table.get(AFTER)
        pairs = compare_pairs(pd.DataFrame(outcomes), number_images(ids))
        if acceptable is not None:
            of_cases = pd.DataFrame({name: known.to_numpy(float) for name, known in by_set.items()})
            pairs = add_pairs_acceptable(pairs, of_cases, number_images(ids))
        tables.append(pairs.assign(**network)[[*network, *pairs.columns]])
    write_results(comparisons, pd.concat(tables), made_by)


if __name__ == "__main__":
    run_script(compare_methods, snakemake)
