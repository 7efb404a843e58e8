"""Plot methods beside nulls."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.nulls import draw_nulls
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_nulls(*, summary: Path, figures: list[Path], view: str, sizes: list[str], made_by: dict) -> None:
    """Draw methods and nulls through `view`, in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(summary, made_by)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_nulls(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_nulls, snakemake)
