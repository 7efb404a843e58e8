"""The reader of acceptable labels: all labels that are right for each image, which may be several, or none.

Source of ImageNet's: Beyer et al. (2020), "Are we done with ImageNet?", arXiv 2006.07159, `real.json`.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labelmaps.data.annotations import read_rows
from labelmaps.data.classes import Class, find_labels
from labelmaps.data.images import image_id
from labelmaps.data.index import N_VALIDATION_IMAGES
from labelmaps.data.matching import check_matched
from labelmaps.errors import InputError
from labelmaps.storage.json_files import read_json

logger = logging.getLogger(__name__)

N_IMAGENET_CLASSES = 1000
# If more than this share of the labels are not acceptable, the file is probably of other classes; ReaL: 0.1.
SUSPICIOUS = 0.5

AcceptableLabels = dict[str, list[int]]  # image id -> its acceptable labels, sorted; may be empty
_Entry = tuple[
    str, str, list[Any]
]  # place in the file, name of the image, labels; the latter as the file has them


def read_acceptable_labels(path: str | Path, classes: list[Class]) -> AcceptableLabels:
    """Read the acceptable labels of images from ImageNet's `real.json` or a file of one's own.

    path: a `.json` or a `.csv`. JSON: a list of lists, as ImageNet's is published, in the order of its 50,000 validation
        images; or an object, image -> list of labels. CSV: the columns `image,labels`, the latter separated by blanks. An
        image is named by its id, with or without the ending of its file. Labels are indices; as texts, either class ids or
        indices throughout.
    classes: those of the classes file.

    Raises `InputError` if the file cannot be read or has another form, if it has no image or one twice, if a published list
    does not have one entry per validation image, or if a label stands for no class.
    """
    path = Path(path)
    readers = {".json": _json_entries, ".csv": _csv_entries}
    if path.suffix.lower() not in readers:
        raise InputError(f"cannot read acceptable labels from {path}: give a .json or a .csv")
    entries = readers[path.suffix.lower()](path, classes)
    if not entries:
        raise InputError(f"{path} has no image: add one for each that has acceptable labels")
    texts = [(place, label) for place, _, labels in entries for label in labels if isinstance(label, str)]
    of_texts = iter(find_labels(texts, classes, path))
    acceptable: AcceptableLabels = {}
    for place, name, labels in entries:
        image = image_id(name)
        if image in acceptable:
            raise InputError(f"{place}: the image {image!r} occurs twice; join its labels in one entry")
        found = [next(of_texts) if isinstance(label, str) else label for label in labels]
        if outside := [label for label in found if not 0 <= label < len(classes)]:
            raise InputError(
                f"{place}: label {str(outside[0])[:80]} stands for no class; give whole numbers from 0 to "
                f"{len(classes) - 1}, or class ids"
            )
        acceptable[image] = sorted({*found})
    return acceptable


def find_acceptable_labels(
    index: pd.DataFrame, path: str | Path, classes: list[Class], min_matched: float
) -> list[np.ndarray | None]:
    """Find the acceptable labels of each row of an index in a file: an array (label,) int16, or None if it has no entry.

    index: that of the data set. path, classes: as for `read_acceptable_labels`. min_matched: the smallest fraction of the
    images, or of the file's entries if these are fewer, that must be found in both.

    Raises `InputError` if fewer are found, and as `read_acceptable_labels` does.
    """
    acceptable = read_acceptable_labels(path, classes)
    check_matched({*index["image"]}, {*acceptable}, min_matched, path, "acceptable labels")
    return labels_of_images(index, acceptable)


def labels_of_images(index: pd.DataFrame, acceptable: AcceptableLabels) -> list[np.ndarray | None]:
    """Return for each row of an index the acceptable labels of its image, (label,) int16.

    They are empty if the file lists no label as right, and None if it has no entry for the image.

    Logs how many rows have no acceptable label, and how many of the others have a label that is not among the acceptable
    ones.
    """
    labels = [acceptable.get(image) for image in index["image"]]
    some = [
        (label, known)
        for label, known in zip(index["label"], labels, strict=True)
        if known  # not None, and not empty
    ]
    n_entries, n_other = (
        sum(known is not None for known in labels),
        sum(label not in known for label, known in some),
    )
    is_suspicious = n_other > SUSPICIOUS * len(some)
    logger.log(
        logging.WARNING if is_suspicious else logging.INFO,
        "acceptable labels of %d of %d images; %d have none; of the other %d, %d have a label that is not among them%s",
        n_entries,
        len(index),
        n_entries - len(some),
        len(some),
        n_other,
        ": are they of these classes, in this order?" if is_suspicious else "",
    )
    return [None if known is None else np.array(known, np.int16) for known in labels]


def _csv_entries(path: Path, classes: list[Class]) -> list[_Entry]:
    """Return the rows of a CSV file as entries; `classes` is not used."""
    rows = read_rows(path, ["image", "labels"])
    return [(f"{path}, image {row['image']!r}", row["image"], row["labels"].split()) for row in rows]


def _json_entries(path: Path, classes: list[Class]) -> list[_Entry]:
    """Return the content of a JSON file as entries; a list is that of ImageNet's validation images and its 1000 classes.

    Raises `InputError` if it cannot be read, or holds something else than lists of labels.
    """
    content = _parse(path)
    if isinstance(content, list):
        _check_published(path, content, classes)
        named: Iterable[tuple[str, Any]] = (
            (f"ILSVRC2012_val_{number:08}", labels) for number, labels in enumerate(content, start=1)
        )
    else:
        named = content.items()
    entries = [(f"{path}, image {name!r}", name, labels) for name, labels in named]
    for place, _, labels in entries:
        if not isinstance(labels, list):
            raise InputError(
                f"{place}: {json.dumps(labels)[:80]} is no list of labels; put them between [ and ]"
            )
        for label in labels:
            if isinstance(label, bool) or not isinstance(label, int | str):
                raise InputError(
                    f"{place}: {json.dumps(label)[:80]} is no label; give whole numbers or class ids"
                )
    return entries


def _parse(path: Path) -> list[Any] | dict[str, Any]:
    """Parse a JSON file; raise `InputError` unless it holds a list or an object."""
    content = read_json(path, "a JSON file", lambda pairs: _unique(pairs, path))
    if not isinstance(content, list | dict):
        raise InputError(
            f"{path}: neither a list nor an object; give ImageNet's real.json, or image -> list of labels"
        )
    return content


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """Return the pairs of a JSON object as a dictionary; raise `InputError` if a name occurs twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InputError(f"{path}: {twice!r} occurs twice; join its labels in one entry")
    return content


def _check_published(path: Path, content: list[Any], classes: list[Class]) -> None:
    """Raise `InputError` unless a list can be that of ImageNet's validation images and classes."""
    if len(content) != N_VALIDATION_IMAGES:
        raise InputError(
            f"{path}: a list of {len(content)} entries, where ImageNet's has {N_VALIDATION_IMAGES}, one for each validation "
            "image; download it again, or, for your own images, give an object, image -> list of labels"
        )
    if len(classes) != N_IMAGENET_CLASSES:
        raise InputError(
            f"{path}: a list is for ImageNet's {N_IMAGENET_CLASSES} classes, but the classes file has {len(classes)}; "
            "give an object, image -> list of labels"
        )
