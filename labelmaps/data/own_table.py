"""The reader of a user's own data set: a CSV table of images with their labels and, optionally, their boxes."""

from functools import partial
from pathlib import Path, PurePosixPath

from labelmaps.data.annotations import Annotation, Annotations, UnusableError, collect, parse_box, read_rows
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.images import image_id
from labelmaps.errors import InputError


def read_table(
    path: str | Path, classes: list[Class], images: str | Path | None = None
) -> tuple[list[tuple[str, Path]], Annotations]:
    """Read a table `path,label[,boxes]` with one row per image.

    path: the table. classes: those of the classes file. images: the folder to which the paths in the table are relative; by
    default the table's own folder.

    Columns of the table: `path` of the image file; without its extension it is the image's id. `label`: class ids in all
    rows, or label indices in all rows. `boxes`: any number of `x0 y0 x1 y1` in original pixels, separated by blanks.

    Returns (image id, image file) of each row, and the annotations. Rows that cannot be used stay in the list, and are
    named, with the reason, in the annotations' `problems`. Raises `InputError` if the table cannot be read or has no row, or
    if a label has no class.
    """
    path = Path(path)
    rows = read_rows(path, ["path", "label"], optional=("boxes",))
    if not rows:
        raise InputError(f"{path} holds no image: add one row of path,label[,boxes] for each")
    folder = path.parent if images is None else Path(images)
    ids = [image_id(str(PurePosixPath(row["path"]))) for row in rows]
    labels = _labels(rows, classes, path)
    parsers = [partial(_parse, label, row.get("boxes", "")) for label, row in zip(labels, rows, strict=True)]
    files = [(image, folder / row["path"]) for image, row in zip(ids, rows, strict=True)]
    return files, collect(zip(ids, parsers, strict=True))


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


def _parse(label: int, text: str) -> Annotation:
    """Make an annotation from a label and the text of its boxes; raise `UnusableError` if the text is malformed."""
    words = text.split()
    if len(words) % 4:
        raise UnusableError(f"boxes not a repetition of 'x0 y0 x1 y1': {text[:80]}")
    return label, [parse_box(words[i : i + 4]) for i in range(0, len(words), 4)]
