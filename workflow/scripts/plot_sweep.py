"""Plot accuracy after the saccade against one option of the view."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.sweep import draw_sweep
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_sweep(*, sweep: Path, figures: list[Path], title: str, sizes: list[str], made_by: dict) -> None:
    """Draw a sweep in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(sweep, made_by)
    style.draw(lambda width: draw_sweep(table, title, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_sweep, snakemake)
