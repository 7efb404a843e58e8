"""Summarise the scores of a data set: one row per (model, view, method)."""

from pathlib import Path

import pandas as pd

from labelmaps.files import moved_into_place
from labelmaps.logs import job
from labelmaps.statistics import summarise


def summarise_scores(scores: list[Path], output: Path, rows: list[dict]) -> None:
    """Write the summary; `rows` says for each file of scores what it is, in the table's first columns."""
    summary = [row | summarise(pd.read_parquet(path)) for row, path in zip(rows, scores, strict=True)]
    with moved_into_place(output) as temporary:
        pd.DataFrame(summary).to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarise_scores(
            [Path(path) for path in snakemake.input.scores],
            Path(snakemake.output.summary),
            **dict(snakemake.params.items()),
        )
