"""Plot accuracy against the number of saccades and of passes."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.scanpaths import draw_scanpaths
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_scanpaths(
    *, scanpaths: Path, figures: list[Path], view: str, sizes: list[str], made_by: dict
) -> None:
    """Draw the curves of each network through `view`, in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(scanpaths, made_by)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_scanpaths(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_scanpaths, snakemake)
