"""Plot the paper's Figure 2 for one view."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import are_imagenet_validation, read_index
from labelmaps.figures import style
from labelmaps.figures.figure_2 import draw_figure_2
from labelmaps.jobs.script import run_script
from labelmaps.protocol.verdicts import find_marks
from labelmaps.storage.csv_tables import read_paper, read_results


def plot_figure_2(
    *,
    summary: Path,
    paper: Path,
    index: Path,
    has_imagenet_classes: bool,
    figures: list[Path],
    view: str,
    methods: list[str],
    sizes: list[str],
    made_by: dict,
) -> None:
    """Draw these methods through `view` in these sizes, in the format of each figure's name.

    has_imagenet_classes: whether the labels are ImageNet's. made_by: the settings with which the summary must have been
    made.

    The paper's values are drawn beside ours if `find_marks` returns them.
    """
    style.prepare()
    table = read_results(summary, made_by)
    shown = table["method"].isin(methods) | (table["cue"] == "baseline")
    rows = table[shown & (table["view"] == view)]
    same_images = are_imagenet_validation(read_index(index), has_imagenet_classes)
    marks = find_marks(rows, read_paper(paper), same_images)
    style.draw(lambda width: draw_figure_2(rows, marks, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_figure_2, snakemake)
