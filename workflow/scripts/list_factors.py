"""List the factors of variation of a data set's images."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.factors import find_factors
from labelmaps.data.index import read_index
from labelmaps.data.listed import write_factors
from labelmaps.jobs.script import run_script


def list_factors(*, index: Path, source: Path, min_matched: float, factors: Path) -> None:
    """Write the factors of each row of the index, as found in the user's file `source`."""
    write_factors(factors, find_factors(read_index(index), source, min_matched))


if __name__ == "__main__":
    run_script(list_factors, snakemake)
