"""Plot the paper's Figure 2 for one view."""

from pathlib import Path

from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.figures import style
from labelmaps.figures.figure_2 import draw_figure_2
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_figure_2(
    summary: Path,
    paper: Path,
    index: Path,
    outputs: list[Path],
    view: str,
    methods: list[str],
    sizes: list[str],
) -> None:
    """Draw these methods through `view` in these sizes, in the format of each output's name.

    The paper's values stand beside them where the images are its own.
    """
    style.prepare()
    table, stated = read_results(summary), read_results(paper)
    shown = table["method"].isin(methods) | (table["cue"] == "baseline")
    if not are_imagenet_validation(read_index(index)["image"]):
        stated = stated.iloc[:0]
    rows = table[shown & (table["view"] == view)]
    style.draw(lambda width: draw_figure_2(rows, stated, width), outputs, sizes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_figure_2(
            Path(snakemake.input.summary),
            Path(snakemake.input.paper),
            Path(snakemake.input.index),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
