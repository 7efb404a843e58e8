"""Tables of results in CSV: the one writer and the one reader."""

from pathlib import Path

import pandas as pd

from labelmaps.storage.files import moved_into_place

# Columns of names, which are text even where they look like numbers or like nothing ("18", "nan").
NAMES = frozenset(
    {"dataset", "view", "model", "method", "variant", "cue", "architecture", "weights"}
    | {"paper_network", "measure", "greater", "lesser", "verdict"}
    | {"first", "second", "rule", "subset", "reading", "term", "option", "arrival", "images"}
    | {"engine", "precision", "compiled"}
)


def write_results(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of results, numbers to six significant digits."""
    with moved_into_place(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def read_results(path: str | Path) -> pd.DataFrame:
    """Read what `write_results` wrote, or a table of the same kind with comments (#): names as text, the rest as numbers."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, comment="#")
    return table.apply(lambda column: column if column.name in NAMES else pd.to_numeric(column))
