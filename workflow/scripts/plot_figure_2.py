"""Plot the paper's Figure 2 for one view."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

from labelmaps.figure_2 import figure_2
from labelmaps.files import moved_into_place
from labelmaps.logs import job

# The same table gives the same bytes: no dates, no random identifiers; text stays text.
REPRODUCIBLE = {"svg.hashsalt": "labelmaps", "svg.fonttype": "none", "pdf.fonttype": 42}
UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


def plot_figure_2(summary: Path, paper: Path, outputs: list[Path], view: str, beside_paper: bool) -> None:
    """Draw the rows of `view`, with the paper's values where `beside_paper`, in the format of each output's name."""
    mpl.use("agg")
    mpl.rcParams.update(REPRODUCIBLE)
    table = pd.read_csv(summary)
    stated = pd.read_csv(paper, comment="#")
    figure = figure_2(table[table["view"] == view], stated if beside_paper else stated.iloc[:0])
    for output in outputs:
        with moved_into_place(output) as temporary:
            figure.savefig(temporary, dpi=200, metadata=UNDATED[output.suffix[1:]])


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_figure_2(
            Path(snakemake.input.summary),
            Path(snakemake.input.paper),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
