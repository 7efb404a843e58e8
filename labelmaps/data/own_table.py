"""The reader of a user's own data set: a CSV table of images with their labels and, optionally, their boxes."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from labelmaps.data.annotations import (
    BOX_FORMATS,
    Annotation,
    Annotations,
    Box,
    UnusableError,
    collect,
    parse_box,
    read_csv,
)
from labelmaps.data.classes import Class, find_labels
from labelmaps.data.columns import find_columns
from labelmaps.data.file_names import PathsOfTable
from labelmaps.data.images import image_id
from labelmaps.errors import InputError

logger = logging.getLogger(__name__)

_SEPARATORS = dict.fromkeys(map(ord, ",;[]()"), " ")  # as in a box that a program wrote: [10, 20, 30, 40]


def read_table(
    path: str | Path,
    classes: list[Class],
    images: str | Path | None = None,
    box_format: str = "corners",
    columns: Mapping[str, str | Sequence[str]] | None = None,
    *,
    are_assumed: bool = False,
) -> tuple[list[tuple[str, Path]], Annotations, str]:
    """Read a table with the path, the label and optionally the boxes of images; a row is an image, or a box or class of one.

    path: the table. classes: those of the classes file. images: the folder to which the paths in the table are relative; by
    default the table's own folder. box_format: one of `BOX_FORMATS`. columns: the names of columns with unusual names, as
    for `labelmaps.data.columns`, which finds the others. are_assumed: whether the classes were not given.

    Columns of the table: the path of the image file, maybe without its ending; without it, it is the image's id. The label:
    ids of classes in all rows, or label indices in all rows, or names of classes. The boxes: any number of `x0 y0 x1 y1`, or
    other four numbers by `box_format`, separated by blanks, commas or brackets; or one box in four columns. The boxes of an
    image's rows with the same label are joined in their order; repeated rows count once. Rows with other labels are further
    classes in the image.

    A file has one id however its path is written (`a//b.jpg`, `./a/b.jpg`, absolute or relative), and is found even if its
    name is composed of other code points that look the same (Unicode's NFC and NFD).

    Returns (image id, image file) of each image, the annotations, and the format of the boxes. Images that cannot
    be used stay in the list, and are named, with the reason, in the annotations' `problems`.

    Raises `InputError` if the table cannot be read or has no row, if its columns are not clear, if a label has no class, or
    if a file is named in two ways that lead through different folders.
    """
    path = Path(path)
    header, lines = read_csv(path)
    names = find_columns(header, columns, str(path))
    box_format = names.box_format(box_format, str(path))
    if names.unused:
        logger.info("%s: columns that are not used: %s", path, ", ".join(names.unused))
    if not lines:
        raise InputError(f"{path} holds no image: add one row of {', '.join(header)} for each")
    rows = [
        _Row(line, row[names.image], row[names.label], " ".join(row[name] for name in names.boxes).strip())
        for line, row in lines
    ]
    folder = path.parent if images is None else Path(images)
    paths = PathsOfTable(folder)
    texts = [paths.plain(row.path) for row in rows]
    found: dict[str, Path] = {}
    content: dict[str, list[tuple[int, str]]] = {}
    named = [(f"{row.path} (line {row.line})", row.label) for row in rows]
    labels = find_labels(named, classes, path, are_assumed=are_assumed)
    for text, label, row in zip(texts, labels, rows, strict=True):
        image = image_id(text)
        file = paths.find(text)
        if found.setdefault(image, file) != file:
            raise InputError(
                f"{path}: two images share the id {image!r}: {found[image]} and {file}; rename one, or remove its row"
            )
        content.setdefault(image, []).append((label, row.boxes))
    _check_places(found, path, paths)
    annotations = collect(
        (image, partial(_parse, its_rows, box_format)) for image, its_rows in content.items()
    )
    return list(found.items()), annotations, box_format


class _Row(NamedTuple):
    """A row of a table as texts, and the number of its line."""

    line: int
    path: str
    label: str
    boxes: str


def _check_places(found: dict[str, Path], path: Path, paths: PathsOfTable) -> None:
    """Raise `InputError` if two ids are the same file, by paths through links to folders, or with different roots.

    found: image id → file. path: the table, for the message.
    """
    places: dict[tuple[str, str], str] = {}
    for image, file in found.items():
        first = places.setdefault((paths.real_folder(file), file.name), image)
        if first != image:
            raise InputError(
                f"{path}: one file under two names, {found[first]} and {file}; name it in one way, or remove a row"
            )


def _parse(rows: list[tuple[int, str]], box_format: str) -> Annotation:
    """Parse the rows (label, text of the boxes) of an image into its annotation; raise `UnusableError` if they disagree."""
    parsed: dict[int, list[list[Box]]] = {}
    for label, text in rows:
        words = text.translate(_SEPARATORS).split()
        if len(words) % 4:
            numbers = " ".join(BOX_FORMATS[box_format].split()[:4])
            raise UnusableError(f"boxes not a repetition of '{numbers}': {text[:80]}")
        boxes = [parse_box(words[i : i + 4], box_format) for i in range(0, len(words), 4)]
        if boxes not in parsed.setdefault(label, []):
            parsed[label].append(boxes)
    if any(len(of_rows) > 1 and not all(of_rows) for of_rows in parsed.values()):
        raise UnusableError("rows disagree: one has boxes and another none; remove the row without")
    return {label: [box for boxes in of_rows for box in boxes] for label, of_rows in parsed.items()}
