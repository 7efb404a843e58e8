"""Plot the paper's Figure 2 for one view."""

from pathlib import Path

from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.figures import style
from labelmaps.figures.figure_2 import draw_figure_2
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_paper, read_results


def plot_figure_2(
    *,
    summary: Path,
    paper: Path,
    index: Path,
    figures: list[Path],
    view: str,
    methods: list[str],
    sizes: list[str],
    made_by: dict,
) -> None:
    """Draw these methods through `view` in these sizes, in the format of each figure's name.

    made_by: the settings that must have made the summary. The paper's values stand beside them where the images are its own.
    """
    style.prepare()
    table, stated = read_results(summary, made_by), read_paper(paper)
    shown = table["method"].isin(methods) | (table["cue"] == "baseline")
    if not are_imagenet_validation(read_index(index)["image"]):
        stated = stated.iloc[:0]
    rows = table[shown & (table["view"] == view)]
    style.draw(lambda width: draw_figure_2(rows, stated, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_figure_2, snakemake)
