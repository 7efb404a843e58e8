"""The only writer of result tables, as CSV for people and as Parquet for later stages, and the only reader of each.

A CSV file does not reveal that rows were removed or values edited. A stage therefore reads the sealed Parquet file of the
same name, which contains the same numbers.
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

# These columns contain names, which stay text even if one looks like a number or a missing value ("18", "nan").
NAMES = frozenset(
    {"dataset", "view", "model", "method", "variant", "cue", "architecture", "weights"}
    | {"paper_network", "measure", "greater", "lesser", "verdict"}
    | {"first", "second", "rule", "subset", "reading", "term", "option", "arrival", "images"}
    | {"engine", "precision", "compiled", "factor", "level", "accumulation", "ring"}
)


def write_results(paths: Sequence[Path], table: pd.DataFrame, made_by: Mapping[str, object]) -> None:
    """Write a table of results as CSV and as Parquet, with six significant digits per number.

    paths: the paths of the CSV file, for people, and of the Parquet file, which `read_results` reads.
    table: its row labels are not written.
    made_by: the provenance of the table: the settings by name, and what identifies the files from which it was made.
    """
    for_people, sealed = paths
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    with moved_into_place(for_people) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    typed = _typed(pd.read_csv(StringIO(text), dtype=str, keep_default_na=False))
    typed.attrs = dict(made_by)
    write_parquet(sealed, typed)


def read_results(path: str | Path, made_by: Mapping[str, object]) -> pd.DataFrame:
    """Read the Parquet file of a table that `write_results` wrote; columns in `NAMES` are text, all others numbers.

    made_by: the settings with which the table must have been made, by name.

    Raises `InputError` if the file is missing or damaged, is the CSV file, or was made with other settings.
    """
    table = read_parquet(path)
    check_settings(made_by, table.attrs, path)
    return table


def read_paper(path: str | Path) -> pd.DataFrame:
    """Read the paper's accuracies, resources/paper.csv; raise `InputError` if the file is missing or malformed."""
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
    """Read the paper's claims that one measure exceeds another, resources/paper_orders.csv.

    Raises `InputError` if the file is missing or malformed.
    """
    return _read_stated(path, ["measure", "greater", "lesser"])


def _read_stated(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table that is part of the repository, a CSV file with comments (#), with the column types of `read_results`.

    columns: the columns that the file must have, in this order.

    Raises `InputError`, with the number of the line if there is one, if the file is missing or malformed.
    """
    remedy = "Correct it, or copy it from the repository again, and run again"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {remedy}") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    fields = list(csv.reader(line for _, line in lines))
    if not fields or fields[0] != list(columns):
        raise InputError(f"{path}: its columns must be {', '.join(columns)}. {remedy}")
    if len(fields) == 1:
        raise InputError(f"{path}: has no rows. {remedy}")
    for (n, _), row in zip(lines, fields, strict=False):  # fewer rows than lines, if a quote is not closed
        if len(row) != len(columns):
            raise InputError(f"{path}: line {n} has {len(row)} fields instead of {len(columns)}. {remedy}")
    try:
        return _typed(pd.DataFrame(fields[1:], columns=list(columns)))
    except ValueError as error:
        raise InputError(f"{path}: {error}. {remedy}") from error


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Convert all columns of texts except those in `NAMES` to numbers; raise `ValueError` for a text that is no number."""
    return table.apply(lambda column: column if column.name in NAMES else pd.to_numeric(column))
