"""Plot the paper's Figure 2 for one view."""

from pathlib import Path

import pandas as pd

from labelmaps import style
from labelmaps.figure_2 import figure_2
from labelmaps.logs import job


def plot_figure_2(summary: Path, paper: Path, outputs: list[Path], view: str, beside_paper: bool) -> None:
    """Draw the rows of `view`, with the paper's values where `beside_paper`, in the format of each output's name."""
    style.prepare()
    table = pd.read_csv(summary)
    stated = pd.read_csv(paper, comment="#")
    figure = figure_2(table[table["view"] == view], stated if beside_paper else stated.iloc[:0])
    style.save(figure, outputs)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_figure_2(
            Path(snakemake.input.summary),
            Path(snakemake.input.paper),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
