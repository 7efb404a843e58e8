"""A user's own data set: one CSV table of images, their labels and, if known, their boxes."""

from functools import partial
from pathlib import Path, PurePosixPath

from labelmaps.data.annotations import Annotation, Annotations, UnusableError, collect, parse_box, read_rows
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.images import image_id
from labelmaps.errors import InputError


def read_table(
    path: str | Path, classes: list[Class], images: str | Path | None = None
) -> tuple[list[tuple[str, Path]], Annotations]:
    """Read `path,label[,boxes]`; return (image id, image file) of each row, and the annotations.

    `path`: relative to the folder `images`, or else to the table's own folder, unless it is absolute; without
    its extension it is the image's id. `label`: class ids throughout, or label indices throughout.
    `boxes`: any number of `x0 y0 x1 y1` in original pixels, separated by blanks; empty for none.

    Raises `InputError` if the table cannot be read, holds no row, or a label has no class.
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
    # Ids come first: a user's class ids may well be numbers in another order.
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
    words = text.split()
    if len(words) % 4:
        raise UnusableError(f"boxes not a repetition of 'x0 y0 x1 y1': {text[:80]}")
    return label, [parse_box(words[i : i + 4]) for i in range(0, len(words), 4)]
