"""Plot who gains from a saccade: each method's gain in groups of images."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.who_gains import draw_who_gains
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_who_gains(
    *, who_gains: Path, figures: list[Path], view: str, sizes: list[str], methods: list[str], made_by: dict
) -> None:
    """Draw the gains of these methods through `view`, in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(who_gains, made_by)
    shown = table[(table["view"] == view) & table["method"].isin(methods)]
    style.draw(lambda width: draw_who_gains(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_who_gains, snakemake)
