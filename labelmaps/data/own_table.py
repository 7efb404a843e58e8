"""The reader of a user's own data set: a CSV table of images with their labels and, optionally, their boxes."""

from functools import partial
from pathlib import Path

from labelmaps.data.annotations import (
    BOX_FORMATS,
    Annotation,
    Annotations,
    Box,
    UnusableError,
    collect,
    parse_box,
    read_rows,
)
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.file_names import PathsOfTable
from labelmaps.data.images import image_id
from labelmaps.errors import InputError


def read_table(
    path: str | Path, classes: list[Class], images: str | Path | None = None, box_format: str = "corners"
) -> tuple[list[tuple[str, Path]], Annotations]:
    """Read a table `path,label[,boxes]` with one row per image, or several, such as one per box or class.

    path: the table. classes: those of the classes file. images: the folder to which the paths in the table are relative; by
    default the table's own folder. box_format: one of `BOX_FORMATS`.

    Columns of the table: `path` of the image file; without its extension it is the image's id. `label`: class ids in all
    rows, or label indices in all rows. `boxes`: any number of `x0 y0 x1 y1`, or other four numbers by `box_format`,
    separated by blanks. The boxes of an image's rows of one label are joined in their order; a row that occurs again counts
    once. Rows of other labels are other classes in the image.

    A file has one id however its path is written (`a//b.jpg`, `./a/b.jpg`, absolute or from the folder), and is found where
    its name is composed of other code points that look the same (Unicode's NFC and NFD).

    Returns (image id, image file) of each image, and the annotations. Images that cannot be used stay in the list, and are
    named, with the reason, in the annotations' `problems`. Raises `InputError` if the table cannot be read or has no row, if
    a label has no class, or if a file is named in two ways that lead through different folders.
    """
    path = Path(path)
    rows = read_rows(path, ["path", "label"], optional=("boxes",))
    if not rows:
        raise InputError(f"{path} holds no image: add one row of path,label[,boxes] for each")
    folder = path.parent if images is None else Path(images)
    paths = PathsOfTable(folder)
    texts = [paths.plain(row["path"]) for row in rows]
    found: dict[str, Path] = {}
    content: dict[str, list[tuple[int, str]]] = {}
    for text, label, row in zip(texts, _labels(rows, classes, path), rows, strict=True):
        image = image_id(text)
        file = paths.find(text)
        if found.setdefault(image, file) != file:
            raise InputError(
                f"{path}: two images share the id {image!r}: {found[image]} and {file}; rename one, or remove its row"
            )
        content.setdefault(image, []).append((label, row.get("boxes", "")))
    _check_places(found, path, paths)
    annotations = collect(
        (image, partial(_parse, its_rows, box_format)) for image, its_rows in content.items()
    )
    return list(found.items()), annotations


def _labels(rows: list[dict[str, str]], classes: list[Class], path: Path) -> list[int]:
    """Read the rows' labels as class ids or as indices, whichever fits more rows; raise `InputError` unless it fits all."""
    # Ids come first, and so win a tie: a user's class ids may be numbers in another order.
    readings = [class_indices(classes), {str(label): label for label in range(len(classes))}]
    unknown = [[row for row in rows if row["label"] not in reading] for reading in readings]
    reading, bad = min(zip(readings, unknown, strict=True), key=lambda pair: len(pair[1]))
    if bad:
        first = "; ".join(f"{row['path']}: {row['label']!r}" for row in bad[:5])
        raise InputError(
            f"{path}: {len(bad)} labels stand for no class, first {first}; give ids of the classes file "
            f"throughout, or whole numbers from 0 to {len(classes) - 1} throughout"
        )
    return [reading[row["label"]] for row in rows]


def _check_places(found: dict[str, Path], path: Path, paths: PathsOfTable) -> None:
    """Raise `InputError` if two ids are one file, by paths that lead through links to folders, or from different roots."""
    places: dict[tuple[str, str], str] = {}
    for image, file in found.items():
        first = places.setdefault((paths.real_folder(file), file.name), image)
        if first != image:
            raise InputError(
                f"{path}: one file under two names, {found[first]} and {file}; name it in one way, or remove a row"
            )


def _parse(rows: list[tuple[int, str]], box_format: str) -> Annotation:
    """Make an annotation from the rows (label, text of the boxes) of an image; raise `UnusableError` if they disagree."""
    parsed: dict[int, list[list[Box]]] = {}
    for label, text in rows:
        words = text.split()
        if len(words) % 4:
            numbers = " ".join(BOX_FORMATS[box_format].split()[:4])
            raise UnusableError(f"boxes not a repetition of '{numbers}': {text[:80]}")
        boxes = [parse_box(words[i : i + 4], box_format) for i in range(0, len(words), 4)]
        if boxes not in parsed.setdefault(label, []):
            parsed[label].append(boxes)
    if any(len(of_rows) > 1 and not all(of_rows) for of_rows in parsed.values()):
        raise UnusableError("rows disagree: one has boxes and another none; remove the row without")
    return {label: [box for boxes in of_rows for box in boxes] for label, of_rows in parsed.items()}
