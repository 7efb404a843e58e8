"""Tables with further data about a data set's images: acceptable labels, and factors of variation.

Each has one row per row of the index, in its order. They are made from the user's files, which
`labelmaps.data.acceptable_labels` and `labelmaps.data.factors` read.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from labelmaps.errors import InputError
from labelmaps.storage.parquet import read_arrow, read_parquet, write_arrow, write_parquet

LABELS = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),
        # all labels that are right for the image, maybe none; null if the file has no entry for it
        pa.field("acceptable_labels", pa.list_(pa.int16())),
    ]
)


def write_labels(path: str | Path, image: Sequence[str], labels: Sequence[np.ndarray | None]) -> None:
    """Write the acceptable labels of each row of an index, in its order, to a parquet file.

    image: the ids. labels: for each row the labels (label,), maybe none; None where they are unknown.
    """
    columns = [pa.array(values, field.type) for values, field in zip((image, labels), LABELS, strict=True)]
    write_arrow(path, pa.Table.from_arrays(columns, schema=LABELS))


def read_labels(path: str | Path) -> tuple[list[str], list[np.ndarray | None]]:
    """Read a table that `write_labels` wrote: the ids, and for each the labels, (label,) int16, or None.

    Raises `InputError` if the file is damaged or another table.
    """
    table = read_arrow(path)
    if not table.schema.equals(LABELS):
        raise InputError(f"{path}: not a table of acceptable labels. Delete it and run again")
    labels = table["acceptable_labels"].to_pylist()
    return table["image"].to_pylist(), [
        None if known is None else np.array(known, np.int16) for known in labels
    ]


def write_factors(path: str | Path, factors: pd.DataFrame) -> None:
    """Write the factors of each row of an index, in its order, to a parquet file.

    factors: the column `image` first, then one per factor of pandas' type `boolean`, with NA where it is unknown.
    """
    write_parquet(path, factors)


def read_factors(path: str | Path) -> pd.DataFrame:
    """Read the factors of each row of an index, in its order, from a file of `write_factors`.

    Returns the column `image` first, then one per factor of pandas' type `boolean`, with NA where it is unknown.
    Raises `InputError` if the file is damaged or another table.
    """
    table = read_parquet(path)
    if list(table.columns[:1]) != ["image"] or not (table.dtypes[1:] == "boolean").all():
        raise InputError(f"{path}: not a table of factors. Delete it and run again")
    return table
