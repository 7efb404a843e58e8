"""Plot which reading of the protocol fits the paper, for one network."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.calibration import draw_calibration
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results


def plot_calibration(*, ranking: Path, terms: Path, figures: list[Path], model: str) -> None:
    """Draw every reading of `model`, in the format of each figure's name."""
    style.prepare()
    ranked, by_term = (
        table[table["model"] == model] for table in (read_results(ranking), read_results(terms))
    )
    network = ranked.iloc[0]
    figure = draw_calibration(
        ranked, by_term, model, network["architecture"], network["weights"], network["images"]
    )
    style.save(figure, figures)


if __name__ == "__main__":
    run_script(plot_calibration, snakemake)
