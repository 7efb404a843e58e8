"""The index: the file that lists the images of a data set, with their places, labels, sizes and boxes.

It has one row per case, an image and a class that it shows. If each image shows one class, a case is an image; an image
with several classes has as many rows, one after another, which differ only in label and boxes.
"""

import csv
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.parquet import read_arrow, write_arrow

_CORNERS = 4
SCHEMA = pa.schema(
    [
        pa.field("image", pa.string(), nullable=False),  # id; the rows are sorted by it, then by the label
        # of the image file, or of the tar or parquet file that holds it
        pa.field("path", pa.string(), nullable=False),
        # place in `path`: first byte and number of bytes; row and column, from 0, if its name ends in `.parquet`; -1: all
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),  # SHA-256 of its bytes; empty if they were not read
        pa.field("label", pa.int16(), nullable=False),  # line of the class in the classes file, from 0
        pa.field("width", pa.int32(), nullable=False),  # stored pixels, EXIF rotation not applied
        pa.field("height", pa.int32(), nullable=False),
        # of this label, x0, y0, x1, y1 in the same pixels; an image may have no box
        pa.field("boxes", pa.list_(pa.list_(pa.float32(), _CORNERS)), nullable=False),
    ]
)
# The columns that are the same in all rows of an image.
OF_IMAGE = [name for name in SCHEMA.names if name not in ("label", "boxes")]
VALIDATION_IMAGE = re.compile(r"ILSVRC2012_val_(\d{8})(_n\d{8})?")  # some copies add the synset
N_VALIDATION_IMAGES = 50_000
EXCLUDED_COLUMNS = ["image", "path", "reason"]


def write_index(path: str | Path, index: pd.DataFrame) -> None:
    """Write an index: one row per case, with the columns of `SCHEMA`; `boxes` are arrays (box, 4).

    Raises `ValueError` (of which pyarrow's `ArrowInvalid` is a subclass) if the frame does not follow the schema.
    """
    if list(index.columns) != SCHEMA.names:
        raise ValueError(f"an index has the columns {SCHEMA.names}, not {list(index.columns)}")
    cases = list(zip(index["image"], index["label"], strict=True))
    if any(first >= second for first, second in pairwise(cases)):
        raise ValueError(
            "the rows of an index must be sorted by image and label, with one row for each label of an image"
        )
    if has_several_classes(index) and len(index[OF_IMAGE].drop_duplicates()) > index["image"].nunique():
        raise ValueError("the rows of an image must differ only in their label and their boxes")
    columns = [
        _pack_boxes(list(index["boxes"]))
        if field.name == "boxes"
        else pa.array(index[field.name].tolist(), field.type)
        for field in SCHEMA
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    table.validate(full=True)
    write_arrow(path, table)


def read_index(path: str | Path) -> pd.DataFrame:
    """Read an index, one row per case, with the columns of `SCHEMA`; `boxes` are float32 arrays (box, 4).

    Raises `InputError` if the file is missing or damaged, or has another schema.
    """
    table = read_arrow(path)
    if not table.schema.equals(SCHEMA):
        raise InputError(f"{path}: not an index of this version. Delete it and run again")
    index = table.drop_columns(["boxes"]).to_pandas()
    return index.assign(boxes=_unpack_boxes(table["boxes"].combine_chunks()))[SCHEMA.names]


def draw_sample(index: pd.DataFrame, images: int, seed: int) -> pd.DataFrame:
    """Draw `images` images at random, and return their rows in the order of the index; all rows if there are no more."""
    image, ids = pd.factorize(index["image"])
    drawn = np.random.default_rng(seed).permutation(len(ids))[:images]
    return index[np.isin(image, drawn)]


def images_of(index: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of each image of an index, for computations on its pixels; the label is one of the image's."""
    return index.drop_duplicates("image")


def has_several_classes(index: pd.DataFrame) -> bool:
    """Return whether some image of an index shows several classes, so that it has several rows."""
    return not index["image"].is_unique


def labels_where_needed(index: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the column `label` for a table of cases if some image has several classes, otherwise no column.

    Returns {"label": (case,)} or an empty dictionary.
    """
    return {"label": index["label"].to_numpy()} if has_several_classes(index) else {}


def find_cases(index: pd.DataFrame, shown: pd.DataFrame) -> list[int]:
    """Find the row of an index, from 0, of each case of a table: by `image`, and by `label` if the table has that column.

    Returns one row per case, in the order of the table; without `label`, the last of an image with several.
    Raises `KeyError` with the image of a case that the index does not have.
    """
    keys = [name for name in ("image", "label") if name in shown]
    places = {case: place for place, case in enumerate(index[keys].itertuples(index=False, name=None))}
    return [places[case] for case in shown[keys].itertuples(index=False, name=None)]


def name_cases(index: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Name each case of an index: `image`, or `image · class` if the image shows several classes.

    names: the names of the classes, by label.
    """
    is_one_of_several = index["image"].duplicated(keep=False)
    return [
        f"{image} · {names[label]}" if is_several else image
        for image, label, is_several in zip(index["image"], index["label"], is_one_of_several, strict=True)
    ]


def write_excluded(path: str | Path, excluded: pd.DataFrame) -> None:
    """Write the images that are excluded from the index to a CSV file: `image` (id), `path`, `reason`."""
    with moved_into_place(path) as temporary:
        # All fields are quoted, since the name of a file may contain any kind of line end.
        excluded[EXCLUDED_COLUMNS].to_csv(
            temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_ALL, encoding="utf-8"
        )


def read_excluded(path: str | Path) -> pd.DataFrame:
    """Read a file that `write_excluded` wrote; raise `InputError` if it cannot be read or is another file."""
    try:
        excluded = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the list of excluded images {path}: {error}; run rule index_dataset again"
        ) from error
    if list(excluded.columns) != EXCLUDED_COLUMNS:
        raise InputError(f"{path}: not a list of excluded images; run rule index_dataset again")
    return excluded


def _pack_boxes(boxes: list[np.ndarray]) -> pa.ListArray:
    """Convert boxes, one array (box, 4) per image, to a column of the index."""
    offsets = np.cumsum([0, *map(len, boxes)]).astype(np.int32)
    corners = np.concatenate([np.asarray(item, np.float32).reshape(-1, _CORNERS) for item in boxes])
    return pa.ListArray.from_arrays(offsets, pa.FixedSizeListArray.from_arrays(corners.ravel(), _CORNERS))


def _unpack_boxes(column: pa.ListArray) -> list[np.ndarray]:
    """Convert a column of the index to boxes, one array (box, 4) per image."""
    # A copy, because Arrow's array is read-only.
    corners = column.flatten().flatten().to_numpy().reshape(-1, _CORNERS).copy()
    offsets = np.cumsum([0, *column.value_lengths().to_pylist()])
    return [corners[start:end] for start, end in pairwise(offsets)]


def are_imagenet_validation(index: pd.DataFrame, has_imagenet_classes: bool) -> bool:
    """Return whether all images of an index are probably ImageNet's validation images.

    has_imagenet_classes: whether the labels are those of ImageNet's 1000 classes.

    Ids alone are no proof: resized or corrupted copies, and a user's own images, may have the same. Several images that all
    have one size are taken for copies.
    """
    are_copies = len(index) > 1 and len(index[["width", "height"]].drop_duplicates()) == 1
    is_of_one_class = not has_several_classes(index)  # ImageNet's images have one class each
    are_named = all(map(_is_validation_image, index["image"]))
    return has_imagenet_classes and not are_copies and is_of_one_class and are_named


def _is_validation_image(image: str) -> bool:
    """Return whether an id is that of one of ImageNet's validation images."""
    match = VALIDATION_IMAGE.fullmatch(image)
    return match is not None and 1 <= int(match[1]) <= N_VALIDATION_IMAGES
