"""Plot what n views are worth."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.best_of_n import draw_best_of_n
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_best_of_n(best_of_n: Path, outputs: list[Path], view: str, sizes: list[str]) -> None:
    """Draw the curves of each network through `view`, in these sizes, in the format of each output's name."""
    style.prepare()
    table = read_results(best_of_n)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_best_of_n(shown, width), outputs, sizes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_best_of_n(
            Path(snakemake.input.best_of_n),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
