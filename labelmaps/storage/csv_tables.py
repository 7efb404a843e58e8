"""The one writer of result tables, as CSV for people and as Parquet for later stages; and the one reader of each.

A CSV file cannot tell that rows were cut from it, or values edited. So no stage reads one that another stage wrote: it reads
the sealed Parquet file of the same name, which holds the same numbers.
"""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.parquet import read_parquet, write_parquet
from labelmaps.storage.provenance import check_settings

# These columns hold names: they stay text even where a name looks like a number or like a missing value ("18", "nan").
NAMES = frozenset(
    {"dataset", "view", "model", "method", "variant", "cue", "architecture", "weights"}
    | {"paper_network", "measure", "greater", "lesser", "verdict"}
    | {"first", "second", "rule", "subset", "reading", "term", "option", "arrival", "images"}
    | {"engine", "precision", "compiled", "factor", "level", "accumulation", "ring"}
)


def write_results(paths: Sequence[Path], table: pd.DataFrame, made_by: Mapping[str, object]) -> None:
    """Write a table of results twice, with six significant digits per number.

    paths: of the CSV file, for people, and of the Parquet file, which `read_results` reads. made_by: the settings that made
    it, by name, and whatever else identifies what it was made from.
    """
    for_people, sealed = paths
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    with moved_into_place(for_people) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    typed = _typed(pd.read_csv(StringIO(text), dtype=str, keep_default_na=False))
    typed.attrs = dict(made_by)
    write_parquet(sealed, typed)


def read_results(path: str | Path, made_by: Mapping[str, object]) -> pd.DataFrame:
    """Read the Parquet file of a table that `write_results` wrote: the columns in `NAMES` as text, all others as numbers.

    made_by: the settings that must have made it.

    Raises `InputError` if the file is missing or damaged, is the CSV file, or was made with other settings.
    """
    table = read_parquet(path)
    check_settings(made_by, table.attrs, path)
    return table


def read_paper(path: str | Path) -> pd.DataFrame:
    """Read the paper's numbers, resources/paper.csv; raise `InputError` as `_read_stated` does."""
    return _read_stated(
        path,
        [
            "architecture",
            "weights",
            "standard_crop",
            "method",
            "accuracy_before",
            "accuracy_after",
            "pointing",
        ],
    )


def read_paper_orders(path: str | Path) -> pd.DataFrame:
    """Read the paper's orders, resources/paper_orders.csv; raise `InputError` as `_read_stated` does."""
    return _read_stated(path, ["measure", "greater", "lesser"])


def _read_stated(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table of the repository, a CSV file with comments (#), in the types of `read_results`.

    columns: those that it must have, in this order.

    Raises `InputError`, with the line, for a file that is missing or not of this form.
    """
    remedy = "Mend it, or take it from the repository again, and run again"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {remedy}") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    fields = list(csv.reader(line for _, line in lines))
    if not fields or fields[0] != list(columns):
        raise InputError(f"{path}: its columns must be {', '.join(columns)}. {remedy}")
    if len(fields) == 1:
        raise InputError(f"{path}: has no row. {remedy}")
    for (n, _), row in zip(lines, fields, strict=False):  # an open quote joins lines
        if len(row) != len(columns):
            raise InputError(f"{path}: line {n} has {len(row)} fields instead of {len(columns)}. {remedy}")
    try:
        return _typed(pd.DataFrame(fields[1:], columns=list(columns)))
    except ValueError as error:
        raise InputError(f"{path}: {error}. {remedy}") from error


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Convert all columns of texts but those in `NAMES` to numbers; raise `ValueError` for what is none."""
    return table.apply(lambda column: column if column.name in NAMES else pd.to_numeric(column))
