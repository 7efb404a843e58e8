"""Set the paper's numbers and orders beside ours."""

from pathlib import Path

import pandas as pd

from labelmaps.files import moved_into_place
from labelmaps.logs import job
from labelmaps.paper import compare_numbers, compare_orders


def compare_with_paper(
    summary: Path,
    scores: list[Path],
    paper: Path,
    paper_orders: Path,
    numbers: Path,
    orders: Path,
    rows: list[dict],
    same_images: bool,
) -> None:
    """Write the two tables; `rows` says for each file of scores its view, model and variant of the method."""
    stated = pd.read_csv(paper_orders, comment="#")
    of_network: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}
    for row, path in zip(rows, scores, strict=True):
        of_network.setdefault((row["view"], row["model"]), {})[row["variant"]] = pd.read_parquet(path)
    compared = []
    for (view, model), tables in of_network.items():
        table = compare_orders(tables, stated)
        table.insert(0, "view", view)
        table.insert(1, "model", model)
        compared.append(table)
    ours = compare_numbers(pd.read_csv(summary), pd.read_csv(paper, comment="#"), same_images)
    for table, output in ((ours, numbers), (pd.concat(compared), orders)):
        with moved_into_place(output) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compare_with_paper(
            Path(snakemake.input.summary),
            [Path(path) for path in snakemake.input.scores],
            Path(snakemake.input.paper),
            Path(snakemake.input.paper_orders),
            Path(snakemake.output.numbers),
            Path(snakemake.output.orders),
            **dict(snakemake.params.items()),
        )
