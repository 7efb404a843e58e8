"""Readers of annotations (label and boxes of each image) in the formats in which ImageNet's boxes are distributed.

Check a file of boxes without any image: `python -m labelmaps.data.annotations BOXES [--classes CLASSES]`.
"""

import argparse
import csv
import math
import os
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import pandas as pd
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from labelmaps.data.archives import iterate_members, open_tar
from labelmaps.data.classes import Class, class_indices, read_classes
from labelmaps.data.file_names import LARGEST_XML, is_visible_xml, xml_files
from labelmaps.data.images import image_id
from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular

BOX_FORMATS = {  # name -> the meaning of the four numbers of a box
    "corners": "x0 y0 x1 y1 in pixels",
    "size": "x y width height in pixels",
    "corner_fractions": "x0 y0 x1 y1 as fractions of the image",
    "size_fractions": "x y width height as fractions of the image",
}
# A side longer than ROOM has a positive length in float32, too, if no corner is further away than FAR, where the steps of
# float32 are 2⁻⁸.
ROOM, FAR = 0.01, 2**16
Box = list[
    float
]  # x0, y0, x1, y1 in original pixels, or as fractions of the image if the format is one of fractions
Annotation = dict[int, list[Box]]  # label of each class in the image -> the boxes of that class
# Image id, and a function that parses its annotation or raises UnusableError.
Entry = tuple[str, Callable[[], Annotation]]


class UnusableError(ValueError):
    """The reason why one image cannot be used, in the form `kind: detail`; reasons are counted by kind."""


class Annotations(NamedTuple):
    """The annotations of a data set's images.

    table: one row per case, that is per image and class in it, sorted by id and label: `image` (id: the file's name without
        extension), `label`, `boxes` (a list of [x0, y0, x1, y1] of that class in original pixels, or as fractions of the
        image if the format of the boxes is one of fractions).
    problems: image id -> reason, for the images that cannot be used; they are not in the table.
    boxes: image id -> the boxes of all its classes, as in the table, for images with boxes; also for those that cannot be
        used because of their boxes.
    """

    table: pd.DataFrame
    problems: dict[str, str]
    boxes: dict[str, list[Box]]


def read_annotations(
    path: str | Path, classes: list[Class], box_format: str = "corners", *, has_folders: bool = False
) -> Annotations:
    """Read boxes from Kaggle's CSV, a folder of the official XML files, or a tar archive of those (.tgz).

    path: the file or folder. classes: all classes of the objects must be among them. box_format: one of `BOX_FORMATS`.
    has_folders: whether ids include the folder of the class, since files of several classes have the same name; the folder
        of an XML file is then part of its id.

    The CSV has the columns `ImageId,PredictionString`; the latter repeats `synset x0 y0 x1 y1`, or other four numbers by
    `box_format`. An XML file has the name of its image, and may lie in any folder below; its tags state that its boxes are
    corners. Archives are read in place and not unpacked. An image may show objects of several classes. An error that
    concerns a single image goes to `problems`.

    Raises `InputError` if the source as a whole cannot be read or has no annotation, or if `box_format` is not "corners" and
    the source is XML.
    """
    path = Path(path)
    indices = class_indices(classes)
    try:
        exists, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise InputError(f"cannot access {path}: {error}; check its permissions") from error
    if not exists:
        raise InputError(f"no such file or folder: {path}; correct the path of the boxes")
    if is_folder:
        entries = xml_entries(_files_of_folder(path), indices, has_folders)
    elif path.name.lower().endswith((".tgz", ".tar.gz", ".tar")):
        entries = xml_entries(_files_of_archive(path), indices, has_folders)
    elif path.suffix.lower() == ".csv":
        entries = _csv_entries(path, indices, box_format)
    else:
        raise InputError(f"cannot read boxes from {path}: give a .csv, a folder of .xml files, or their .tgz")
    if box_format != "corners" and path.suffix.lower() != ".csv":
        raise InputError(
            f"{path}: the XML of a box names its corners (xmin, ymin, xmax, ymax), so box_format {box_format} is for "
            "CSV only; leave it out"
        )
    annotations = collect(entries)
    if annotations.table.empty and not annotations.problems:
        raise InputError(f"no annotation in {path}: give ImageNet's .csv, or its .xml files")
    return annotations


def collect(entries: Iterable[Entry]) -> Annotations:
    """Parse all entries into one table; an image whose entries disagree or cannot be used is among the problems."""
    annotated: dict[str, Annotation] = {}
    problems: dict[str, str] = {}
    for image, parse in entries:
        try:
            annotation = parse()
            if annotated.setdefault(image, annotation) != annotation:
                raise UnusableError(
                    "conflicting annotations: the image occurs twice, with different content; keep one"
                )
            for boxes in annotation.values():
                check_areas(boxes)
        except UnusableError as reason:
            problems.setdefault(image, str(reason))
    rows = [
        (image, label, boxes)
        for image in sorted(annotated.keys() - problems.keys())
        for label, boxes in sorted(annotated[image].items())
    ]
    boxes = {
        image: [box for some in annotation.values() for box in some]
        for image, annotation in annotated.items()
        if any(annotation.values())  # an empty list for each of a million images would take much memory
    }
    return Annotations(pd.DataFrame(rows, columns=["image", "label", "boxes"]), problems, boxes)


def parse_box(words: Sequence[str | float], box_format: str = "corners") -> Box:
    """Parse a box from four numbers into x0, y0, x1, y1; raise `UnusableError` unless they are finite numbers.

    words: the numbers, which may be texts, in the order of `box_format` (one of `BOX_FORMATS`). Fractions stay fractions.
    """
    try:
        box = [*map(float, words)]
    except (ValueError, OverflowError):
        box = [math.nan] * 4
    if box_format.startswith("size"):
        box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    if not all(map(math.isfinite, box)):
        raise UnusableError(f"box not in numbers: {' '.join(map(str, words))[:80]}")
    return box


def check_areas(boxes: list[Box]) -> None:
    """Raise `UnusableError` unless x0 < x1 and y0 < y1, also in float32, in which the index stores the boxes."""
    if all(
        x1 - x0 > ROOM and y1 - y0 > ROOM and max(x1, y1) < FAR and min(x0, y0) > -FAR
        for x0, y0, x1, y1 in boxes
    ):
        return  # a short cut for nearly all boxes, in a tenth of the time
    with np.errstate(over="ignore"):
        given = np.array(boxes, np.float64).reshape(-1, 4)
        stored = given.astype(np.float32)
    if (given[:, :2] < given[:, 2:]).all() and (stored[:, :2] < stored[:, 2:]).all():
        return
    for (x0, y0, x1, y1), stored_box in zip(boxes, stored, strict=True):
        excerpt = f"{x0:.12g} {y0:.12g} {x1:.12g} {y1:.12g}"
        if x0 >= x1 or y0 >= y1:
            raise UnusableError(f"box without area, or its corners reversed: {excerpt}")
        if (stored_box[:2] >= stored_box[2:]).any():
            raise UnusableError(f"box without area in 32 bits, as boxes are stored: {excerpt}")


def read_rows(path: Path, required: list[str]) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has the `required` columns and no others, in any order.

    Raises `InputError` if the file has other columns, and what `read_csv` raises.
    """
    header, rows = read_csv(path)
    if missing := set(required) - set(header):
        raise InputError(
            f"{path}: no column {', '.join(sorted(missing))}; add or rename it, the first line is {header}"
        )
    if unknown := set(header) - set(required):
        raise InputError(f"{path}: unknown column {', '.join(sorted(unknown))}; rename or remove it")
    return [row for _, row in rows]


def read_csv(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read a CSV file: the names of its columns, and for each row the number of its line and its fields, column → text.

    The file may have a byte-order mark and Windows line ends.

    Raises `InputError` if the file is unreadable, if a column occurs twice, or if a row has too few or too many fields.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if len(set(header)) < len(header):
                raise InputError(f"{path}: a column occurs twice: {header}; remove one")
            rows = [
                (reader.line_num, _row(header, fields, f"{path}, line {reader.line_num}"))
                for fields in reader
                if fields
            ]
            return header, rows
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; correct its path") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; give a UTF-8 CSV file, quotes in pairs") from error


def _row(header: list[str], fields: list[str], place: str) -> dict[str, str]:
    """Map the names of the columns to the fields of a row; raise `InputError`, with its `place`, if their numbers differ."""
    if len(fields) != len(header):
        raise InputError(f"{place}: {len(fields)} fields instead of {len(header)}; quote those with commas")
    return dict(zip(header, fields, strict=True))


def _csv_entries(path: Path, indices: dict[str, int], box_format: str) -> Iterator[Entry]:
    """Yield an entry for each row of Kaggle's CSV; indices: class id -> label (also in the functions below)."""
    for row in read_rows(path, ["ImageId", "PredictionString"]):
        yield (
            image_id(row["ImageId"]),
            partial(_parse_prediction, row["PredictionString"], indices, box_format),
        )


def _parse_prediction(text: str, indices: dict[str, int], box_format: str) -> Annotation:
    """Parse a `PredictionString` of Kaggle's CSV; raise `UnusableError` if it cannot be parsed."""
    words = text.split()
    if len(words) % 5:
        raise UnusableError(f"not a repetition of 'synset x0 y0 x1 y1': {text[:80]}")
    objects = [(words[i], words[i + 1 : i + 5]) for i in range(0, len(words), 5)]
    return make_annotation(objects, indices, box_format)


def xml_entries(
    files: Iterable[tuple[str, bytes]], indices: dict[str, int], has_folders: bool = False
) -> Iterator[Entry]:
    """Yield an entry for each XML file: the image's id, and a function that parses the content only when it is called.

    files: path and content. indices: class id → label. has_folders: as for `read_annotations`.
    """
    for name, content in files:
        parts = PurePosixPath(name).with_suffix("").parts
        image = image_id("/".join(parts[-2:] if has_folders else parts[-1:]))
        yield image, partial(_parse_xml, content, name, image, indices)


def _parse_xml(content: bytes, name: str, image: str, indices: dict[str, int]) -> Annotation:
    """Parse the XML file of an image into its annotation; arguments and errors as for `parse_xml` and `make_annotation`."""
    return make_annotation([object_of(item) for item in parse_xml(content, name, image)], indices)


def parse_xml(content: bytes, name: str, image: str) -> list[Element]:
    """Parse the XML file of an image, in the format of Pascal VOC, and return the elements of its objects.

    name: of the file, for messages. image: the id of the image; if the XML names a file, it must be the same.

    Raises `UnusableError` if the content is not XML, or belongs to another image.
    """
    try:
        root = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnusableError(f"unreadable XML: {error} ({name})") from None
    stem = PurePosixPath(image).name
    filename = root.findtext("filename", default=stem)
    if image_id(filename) != stem:
        raise UnusableError(f"XML file of another image: {filename[:80]}")
    return [*root.iter("object")]


def object_of(item: Element) -> tuple[str, list[str]]:
    """Return the name of an object's class, and the corners of its box as texts."""
    corners = (f"bndbox/{corner}" for corner in ("xmin", "ymin", "xmax", "ymax"))
    return item.findtext("name", default=""), [item.findtext(corner, default="") for corner in corners]


def _files_of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the XML files in a folder and the folders below it, in the order of their paths.

    Raises `InputError` if a file or folder cannot be read, or if a file is too large.
    """
    try:
        for path in xml_files(folder):
            with open_regular(path) as file:
                _refuse_large(str(path), os.fstat(file.fileno()).st_size)
                yield path.relative_to(folder).as_posix(), file.read()
    except (OSError, tarfile.TarError) as error:
        raise InputError(
            f"cannot read the boxes in {folder}: {error}; make the files readable, or remove them"
        ) from error


def _files_of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the XML files in a tar archive, in the order in which they are stored.

    The names serve as ids only, never as paths to write. Raises `InputError` if the archive cannot be read.
    """
    try:
        with open_tar(path, is_packed=True) as archive:
            for member in iterate_members(archive):
                if member.isfile() and is_visible_xml(member.name):
                    # Before it is read, since a few bytes of an archive can decompress to gigabytes.
                    _refuse_large(member.name, member.size)
                    content = archive.extractfile(member)
                    assert content is not None  # it is a file
                    yield member.name, content.read()
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"cannot read the archive {path}: {error}; download it again") from error


def _refuse_large(name: str, size: int) -> None:
    """Raise `ReadError` if an XML file is larger than `LARGEST_XML` bytes, which is too large for the boxes of one image."""
    if size > LARGEST_XML:
        raise tarfile.ReadError(f"{name} has {size} bytes, too many for boxes")


def make_annotation(
    objects: Sequence[tuple[str, Sequence[str | float]]], indices: dict[str, int], box_format: str = "corners"
) -> Annotation:
    """Make the annotation of an image from its objects.

    objects: the class id and the four numbers of the box of each, which may be texts; no numbers if it has no box. indices:
    class id -> label. box_format: one of `BOX_FORMATS`.

    Raises `UnusableError` if there is no object, if a box is not in numbers, or if an object's class is not in the classes
    file: then not all classes of the image are known.
    """
    if not objects:
        raise UnusableError("annotated without an object")
    if unknown := {class_id for class_id, _ in objects} - indices.keys():
        raise UnusableError(f"class not in the classes file: {' '.join(sorted(unknown))[:80]}")
    annotation: Annotation = {}
    for class_id, words in objects:
        boxes = annotation.setdefault(indices[class_id], [])
        boxes += [parse_box(words, box_format)] if words else []
    return annotation


def _report(annotations: Annotations) -> str:
    """Describe annotations in a few lines of text: the numbers of images, boxes and classes, and the problems."""
    table, problems, _ = annotations
    cases = table["image"].value_counts()
    boxes = table["boxes"].map(len).groupby(table["image"]).sum()
    lines = [
        f"images            {len(cases):>8,}",
        f"boxes             {boxes.sum():>8,}",
        f"classes           {table['label'].nunique():>8,}",
        f"several boxes     {(boxes > 1).mean() if len(table) else 0:>8.1%} of the images",
        f"several classes   {(cases > 1).mean() if len(table) else 0:>8.1%} of the images",
        f"unusable images   {len(problems):>8,}",
    ]
    kinds = Counter(reason.partition(":")[0] for reason in problems.values())
    lines += [f"  {count:,} x {kind}" for kind, count in kinds.most_common()]
    lines += [f"  e.g. {image}: {reason}" for image, reason in list(problems.items())[:5]]
    return "\n".join(lines)


def main() -> None:
    """Print the numbers of images, boxes and classes in a file of boxes; exit with status 1 if it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m labelmaps.data.annotations", description=main.__doc__)
    parser.add_argument("boxes", help="Kaggle's .csv, a folder of the official .xml files, or their .tgz")
    parser.add_argument("--box-format", default="corners", choices=BOX_FORMATS)
    parser.add_argument("--classes", default="resources/imagenet_classes.txt", help="lines of 'id name'")
    arguments = parser.parse_args()
    try:
        classes = read_classes(arguments.classes)
        print(_report(read_annotations(arguments.boxes, classes, arguments.box_format)))
    except InputError as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
