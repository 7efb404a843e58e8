"""The classes that a data set names itself, for each key of the configuration whose source can name them."""

from collections.abc import Callable
from pathlib import Path

from labelmaps.data.classes import Class
from labelmaps.data.formats import folders, voc_files

READERS: dict[str, Callable[[Path], list[Class]]] = {
    "images": folders.classes_of,
    "voc": voc_files.classes_of,
}


def named_classes(source: dict[str, str]) -> list[Class]:
    """List the classes that a source names, in the order of the labels.

    source: the key under which it is configured, one of `READERS`, and its path.

    Raises `InputError` if the source cannot be read, or names no classes.
    """
    ((key, path),) = source.items()
    return READERS[key](Path(path))
