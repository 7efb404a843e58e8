"""Compare every two methods of a network over the same images."""

from pathlib import Path

import pandas as pd

from labelmaps.logs import job
from labelmaps.results_table import write_results
from labelmaps.statistics import compare_pairs

NO_SACCADE = ["standard_crop", "mean_softmax", "mean_softmax_inner", "best_cell"]


def compare_methods(
    scores: list[Path], nulls: list[Path], output: Path, networks: list[dict], methods: list[str]
) -> None:
    """Write one row per network and pair of methods; among them the nulls that choose no fixation.

    networks: what each file of nulls is, in the table's first columns; `scores` holds the files of `methods` for each.
    """
    tables = []
    for i, (network, path) in enumerate(zip(networks, nulls, strict=True)):
        of_network = scores[i * len(methods) : (i + 1) * len(methods)]
        outcomes = {
            method: pd.read_parquet(file)["correct_after"].to_numpy(bool)
            for method, file in zip(methods, of_network, strict=True)
        }
        by_null = pd.read_parquet(path).groupby("null")["correct_after"]
        outcomes |= {null: by_null.get_group(null).to_numpy(bool) for null in NO_SACCADE}
        pairs = compare_pairs(pd.DataFrame(outcomes))
        tables.append(pairs.assign(**network)[[*network, *pairs.columns]])
    write_results(output, pd.concat(tables))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compare_methods(
            [Path(path) for path in snakemake.input.scores],
            [Path(path) for path in snakemake.input.nulls],
            Path(snakemake.output.comparisons),
            **dict(snakemake.params.items()),
        )
