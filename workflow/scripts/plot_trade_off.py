"""Plot localisation against categorisation for one view."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.trade_off import draw_trade_off
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_trade_off(*, summary: Path, figures: list[Path], view: str, sizes: list[str], made_by: dict) -> None:
    """Draw the rows of `view`, in these sizes and in the format of each figure's name."""
    style.prepare()
    table = read_results(summary, made_by)
    shown = table[table["view"] == view]
    style.draw(lambda width: draw_trade_off(shown, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_trade_off, snakemake)
