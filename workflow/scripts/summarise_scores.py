"""Summarise the scores of a data set: one row per (model, view, method)."""

from pathlib import Path

import pandas as pd

from labelmaps.logs import job
from labelmaps.results_table import write_results
from labelmaps.statistics import summarise


def summarise_scores(scores: list[Path], output: Path, rows: list[dict]) -> None:
    """Write the summary; `rows` says for each file of scores what it is, in the table's first columns."""
    summary = [row | summarise(pd.read_parquet(path)) for row, path in zip(rows, scores, strict=True)]
    write_results(output, pd.DataFrame(summary))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarise_scores(
            [Path(path) for path in snakemake.input.scores],
            Path(snakemake.output.summary),
            **dict(snakemake.params.items()),
        )
