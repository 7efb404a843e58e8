"""Plot localisation against categorisation for one view."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.trade_off import draw_trade_off
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_trade_off(summary: Path, outputs: list[Path], view: str, sizes: list[str]) -> None:
    """Draw the rows of `view`, in these sizes, in the format of each output's name."""
    style.prepare()
    table = read_results(summary)
    shown = (table["view"] == view) & (table["cue"] != "null model")
    style.draw(lambda width: draw_trade_off(table[shown], width), outputs, sizes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_trade_off(
            Path(snakemake.input.summary),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
