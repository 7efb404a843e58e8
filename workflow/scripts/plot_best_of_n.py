"""Plot accuracy against the number of views of which the best is taken."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.best_of_n import draw_best_of_n
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_best_of_n(
    *, best_of_n: Path, figures: list[Path], view: str, sizes: list[str], made_by: dict
) -> None:
    """Draw the curves of each network through `view`, in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(best_of_n, made_by)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_best_of_n(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_best_of_n, snakemake)
