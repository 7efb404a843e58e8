"""Plot what part of each number a null explains."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.nulls import draw_nulls
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_nulls(summary: Path, outputs: list[Path], view: str, sizes: list[str]) -> None:
    """Draw methods and nulls through `view`, in these sizes, in the format of each output's name."""
    style.prepare()
    table = read_results(summary)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_nulls(shown, width), outputs, sizes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_nulls(
            Path(snakemake.input.summary),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
