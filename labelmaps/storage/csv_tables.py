"""The one writer and the one reader of result tables in CSV."""

from pathlib import Path

import pandas as pd

from labelmaps.storage.files import moved_into_place

# These columns hold names: they stay text even where a name looks like a number or like a missing value ("18", "nan").
NAMES = frozenset(
    {"dataset", "view", "model", "method", "variant", "cue", "architecture", "weights"}
    | {"paper_network", "measure", "greater", "lesser", "verdict"}
    | {"first", "second", "rule", "subset", "reading", "term", "option", "arrival", "images"}
    | {"engine", "precision", "compiled"}
)


def write_results(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of results, with six significant digits per number."""
    with moved_into_place(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def read_results(path: str | Path) -> pd.DataFrame:
    """Read a table of results: the columns in `NAMES` as text, all others as numbers.

    The table is one that `write_results` wrote, or one of the same form that may contain comments (#).
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, comment="#")
    return table.apply(lambda column: column if column.name in NAMES else pd.to_numeric(column))
