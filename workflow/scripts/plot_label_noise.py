"""Plot how much of each gain is label noise."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.label_noise import draw_label_noise
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_label_noise(
    *, summary: Path, figures: list[Path], view: str, sizes: list[str], made_by: dict
) -> None:
    """Draw gains through `view` by the label and by acceptable labels, in these sizes and each name's format."""
    style.prepare()
    table = read_results(summary, made_by)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_label_noise(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_label_noise, snakemake)
