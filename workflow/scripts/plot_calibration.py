"""Plot how well the readings of the protocol fit the paper, for one network."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import style
from labelmaps.figures.calibration import draw_calibration
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.provenance import check_same_origin


def plot_calibration(*, ranking: Path, terms: Path, figures: list[Path], model: str, made_by: dict) -> None:
    """Draw every reading of `model`, in the format of each figure's name.

    made_by: the settings with which both tables must have been made.
    """
    style.prepare()
    tables = read_results(ranking, made_by), read_results(terms, made_by)
    check_same_origin(tables[0].attrs, tables[1].attrs, terms)
    ranked, by_term = (table[table["model"] == model] for table in tables)
    network = ranked.iloc[0]
    figure = draw_calibration(
        ranked, by_term, model, network["architecture"], network["weights"], network["images"]
    )
    style.save(figure, figures)


if __name__ == "__main__":
    run_script(plot_calibration, snakemake)
