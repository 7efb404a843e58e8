"""Plot accuracy after the saccade against one option of the view."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.sweep import draw_sweep
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_sweep(sweep: Path, outputs: list[Path], title: str, sizes: list[str]) -> None:
    """Draw a sweep in these sizes, in the format of each output's name."""
    style.prepare()
    table = read_results(sweep)
    style.draw(lambda width: draw_sweep(table, title, width), outputs, sizes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_sweep(
            Path(snakemake.input.sweep),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
