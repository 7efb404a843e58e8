"""Plot which reading of the protocol fits the paper, for one network."""

from pathlib import Path

from labelmaps.figures import style
from labelmaps.figures.calibration import draw_calibration
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results


def plot_calibration(ranking: Path, terms: Path, outputs: list[Path], model: str) -> None:
    """Draw every reading of `model`, in the format of each output's name."""
    style.prepare()
    ranked, by_term = (
        table[table["model"] == model] for table in (read_results(ranking), read_results(terms))
    )
    network = ranked.iloc[0]
    figure = draw_calibration(
        ranked, by_term, model, network["architecture"], network["weights"], network["images"]
    )
    style.save(figure, outputs)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_calibration(
            Path(snakemake.input.ranking),
            Path(snakemake.input.terms),
            [Path(figure) for figure in snakemake.output],
            **dict(snakemake.params.items()),
        )
