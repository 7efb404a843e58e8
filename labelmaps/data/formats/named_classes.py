"""The classes that a data set itself names, for each key of the configuration whose source can name them."""

from collections.abc import Callable
from pathlib import Path

from labelmaps.data.classes import Class
from labelmaps.data.formats import coco, folders, parquet, voc_files
from labelmaps.errors import InputError

READERS: dict[str, Callable[[str, parquet.Columns | None], list[Class] | None]] = {
    "images": lambda path, _: folders.classes_of(Path(path)),
    "voc": lambda path, _: voc_files.classes_of(Path(path)),
    "coco": lambda path, _: coco.classes_of(path),
    "parquet": parquet.classes_of,
}


def named_classes(source: dict[str, str], columns: parquet.Columns | None = None) -> list[Class]:
    """List the classes that a source names, in the order of the labels.

    source: one key of the configuration, one of `READERS`, and its path. columns: for a parquet file, as for
    `read_parquet_images`.

    Raises `InputError` if the source cannot be read, or names no classes.
    """
    ((key, path),) = source.items()
    classes = READERS[key](path, columns)
    if classes is None:
        raise InputError(f"{path}: names no classes; give them in a file (`classes`)")
    return classes
