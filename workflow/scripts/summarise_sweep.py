"""Summarise the readings of one option of the view: accuracy after the saccade, and what it costs."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps import methods
from labelmaps.logs import job
from labelmaps.modules import load_module
from labelmaps.results_table import write_results
from labelmaps.statistics import paired_difference, proportion

METHODS = ["likelihood", "gradcam", "max_logit", "igub", "dff"]  # in the paper's order
GIGA = 1e9


def summarise_sweep(outcomes: list[Path], output: Path, option: str, rows: list[dict]) -> None:
    """Write one row per network, view and method of the paper; the eye arrives at the nearest view.

    option: the name of what changes; `rows` says what each file of outcomes is, in the table's first columns: among them
    value, the option's, and views, the forward passes per image.
    """
    table = []
    for row, path in zip(rows, outcomes, strict=True):
        reading = pd.read_parquet(path)
        gflop = row["views"] * int(reading.attrs["operations_per_view"]) / GIGA
        nearest = reading[reading["arrival"] == "nearest"]
        table += [
            row
            | {"option": option, "gflop": gflop, "method": method, "variant": method}
            | {"cue": load_module(methods, method).CUE, "n_images": len(nearest)}
            | accuracies(nearest["before"].to_numpy(), nearest[method].to_numpy())
            for method in METHODS
        ]
    write_results(output, pd.DataFrame(table))


def accuracies(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Accuracy before and after the saccade and the gain between them, with 95 % intervals; both boolean (image,)."""
    measures = {
        "accuracy_before": proportion(before.sum(), len(before)),
        "accuracy_after": proportion(after.sum(), len(after)),
        "gain": paired_difference(before, after),
    }
    return {
        f"{name}{end}": value
        for name, interval in measures.items()
        for end, value in zip(("", "_low", "_high"), interval, strict=True)
    }


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarise_sweep(
            [Path(path) for path in snakemake.input.outcomes],
            Path(snakemake.output.sweep),
            **dict(snakemake.params.items()),
        )
