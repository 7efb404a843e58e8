"""Rank readings of the protocol by their misfit to the paper's numbers."""

import logging
from pathlib import Path

import pandas as pd

from labelmaps.calibration import calibrate as rank
from labelmaps.calibration import terms_of
from labelmaps.logs import job
from labelmaps.results_table import read_results, write_results

logger = logging.getLogger(__name__)
ARRIVALS = {"nearest": "nearest view", "index": "view by index"}


def calibrate(
    outcomes: list[Path],
    paper: Path,
    ranking: Path,
    terms: Path,
    rows: list[dict],
    resamples: int,
    seed: int,
) -> None:
    """Write the ranking and its terms; `rows` says what each file of outcomes is, in the tables' first columns."""
    stated = read_results(paper)
    by_model: dict[str, list[tuple[dict, Path]]] = {}
    for row, path in zip(rows, outcomes, strict=True):
        by_model.setdefault(row["model"], []).append((row, path))
    rankings, by_terms = [], []
    for of_model in by_model.values():
        network = {key: value for key, value in of_model[0][0].items() if key != "view"}
        readings = {}
        for row, path in of_model:
            readings |= readings_of(row["view"], pd.read_parquet(path))
        tables = rank(readings, terms_of(network["architecture"], stated), resamples, seed)
        for table, collected in zip(tables, (rankings, by_terms), strict=True):
            collected.append(table.assign(**network)[[*network, *table.columns]])
        best = tables[0].iloc[0]
        logger.info("%s: best of %d readings: %s", network["model"], len(readings), best["reading"])
    write_results(ranking, pd.concat(rankings))
    write_results(terms, pd.concat(by_terms))


def readings_of(view: str, outcomes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name → outcomes, indexed by image: one reading where the ways to arrive at a view agree on every image, else each."""
    arrivals = {
        arrival: of_arrival.set_index("image").drop(columns="arrival")
        for arrival, of_arrival in outcomes.groupby("arrival", sort=False)
    }
    first, *others = arrivals.values()
    if all(other.equals(first) for other in others):
        return {view: first}
    return {f"{view}, {ARRIVALS[arrival]}": table for arrival, table in arrivals.items()}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        calibrate(
            [Path(path) for path in snakemake.input.outcomes],
            Path(snakemake.input.paper),
            Path(snakemake.output.ranking),
            Path(snakemake.output.terms),
            **dict(snakemake.params.items()),
        )
