"""The reader of parquet tables with a column of images, as data sets on the hub of Hugging Face have it."""

import json
import logging
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from labelmaps.data.annotations import Annotations, UnusableError, collect
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import (
    NO_LABEL,
    Columns,
    Objects,
    annotate,
    choose_labels,
    find_boxes,
    find_value,
    make_classes,
    pair,
)
from labelmaps.data.formats.shards import list_shards, name_shards, warn_of_missing
from labelmaps.data.ids import ids_of
from labelmaps.data.images import PARQUET, synset_in_name
from labelmaps.data.parquet_cells import open_parquet
from labelmaps.errors import InputError

logger = logging.getLogger(__name__)

COLUMNS = {"image": "image", "label": "label", "boxes": "boxes"}  # the names of columns by default
MOST_DECODED = 200  # images that are decoded to read one, on average; the hub's row groups of 100 take 50
_ROWS = 4096  # the number of rows that are read at a time, without their images


class _Row(NamedTuple):
    """A row without its image: its place, the name of the image's file if it has one, and its objects or the problem."""

    shard: str
    group: int  # the first row of its row group
    row: int
    column: int
    name: str
    objects: Objects
    problem: str | None


def read_parquet_images(
    place: str,
    classes: list[Class],
    columns: Columns | None = None,
    box_format: str = "corners",
    *,
    are_assumed: bool = False,
) -> tuple[list[FoundImage], Annotations]:
    """List the images in parquet files, which are not copied, with their labels and boxes.

    place: a file, a folder or a pattern, as for `list_shards`.
    classes: those of the classes file.
    columns: the names of the columns `image`, `label` and `boxes` if they have others; nested names are joined by dots
        (`objects.bbox`); boxes may also be four columns of a number each.
    box_format: one of `BOX_FORMATS`. are_assumed: whether the classes were not given.

    An image is a cell of bytes, or a struct with the field `bytes`, and optionally `path`, its name. A label is the id of a
    class or an index; the names of a `ClassLabel` in the schema's metadata name the classes of its numbers. A row may have
    several labels, one for each of its boxes.

    Ids are the files' names in `path` (see `ids_of`), or file and row if those do not distinguish the rows.

    Returns the images and their annotations. Raises `InputError` for a file that is damaged, for columns that are missing
    or hold something else, if no row has a label, and as `choose_labels` does.
    """
    shards = list_shards(place, PARQUET)
    warn_of_missing(shards)
    rows = [row for shard in shards for row in _rows_of(shard, columns or {})]
    if not rows:
        raise InputError(f"{place}: no row in {len(shards)} parquet files; give files with images")
    unlabelled = sum(row.problem == NO_LABEL for row in rows)
    if unlabelled == len(rows):
        raise InputError(
            f"{place}: all {len(rows)} labels are −1, as in test splits, whose labels are kept secret: give another "
            "split, such as validation"
        )
    texts = {text for row in rows for text, _ in row.objects}
    labels = choose_labels(
        texts, classes, _names_of(shards[0], columns or {}), place, are_assumed=are_assumed
    )
    ids, synsets = _ids_of(rows, shards), class_indices(classes)
    found = [
        FoundImage(image, row.shard, row.row, row.column, named_label=_named_label(row.name, synsets))
        for image, row in zip(ids, rows, strict=True)
    ]
    _warn_of_order(dict(zip(ids, rows, strict=True)), place)
    entries = (
        (image, partial(annotate, row.objects, row.problem, labels, box_format, f"row {row.row}"))
        for image, row in zip(ids, rows, strict=True)
    )
    return found, collect(entries)


def classes_of(
    place: str, columns: Columns | None = None, imagenet: list[Class] | None = None
) -> list[Class] | None:
    """Return the classes that the schema of the first file names, in order; None if it names none.

    place, columns: as for `read_parquet_images`. imagenet: ImageNet's classes, which are returned if the names are theirs,
    so that the synsets are known.

    Raises `InputError` as `read_parquet_images` and `make_classes` do.
    """
    names = _names_of(list_shards(place, PARQUET)[0], columns or {})
    if names is None:
        return None
    if imagenet is not None and len(names) == len(imagenet):
        same = sum(name == item.name for name, item in zip(names.values(), imagenet, strict=True))
        if same > 0.9 * len(names):  # lists differ in a few names, such as those of the two classes crane
            return imagenet
    return make_classes(names.values(), place)


def _warn_of_order(rows: dict[str, _Row], place: str) -> None:
    """Warn if reading in the order of the ids would decode the beginnings of large row groups again and again.

    rows: id → row.
    """
    decoded, last = 0, None
    for _, row in sorted(rows.items()):
        is_ahead = (
            last is not None and (row.shard, row.group) == (last.shard, last.group) and row.row > last.row
        )
        decoded += row.row - (last.row if is_ahead and last is not None else row.group - 1)
        last = row
    if decoded > MOST_DECODED * len(rows):
        logger.warning(
            "%s: the rows are in another order than the images' names, and row groups are large: to read one image %d are "
            "decoded on average, which may take longer than the network. Write the files anew with row_group_size=100, or "
            "sorted by name",
            place,
            decoded // len(rows),
        )


def _named_label(name: str, labels: dict[str, int]) -> int | None:
    """Return the label of the synset in an image's name; None if there is none, or if it is not the id of a class."""
    return labels.get(synset_in_name(Path(name).name) or "")


def _ids_of(rows: list[_Row], shards: list[str]) -> list[str]:
    """Return the id of each row: the name of its image's file, or file and row."""
    names = [row.name for row in rows]
    if all(names):
        ids = ids_of(names)
        if len({*ids}) == len(ids):
            return ids
        logger.info("several rows have the same image name, so their ids are file and row")
    places, digits = name_shards(shards, PARQUET), len(str(max(row.row for row in rows)))
    return [f"{places[row.shard]}/{row.row:0{digits}}" for row in rows]


def _rows_of(shard: str, columns: Columns) -> Iterator[_Row]:
    """Yield the rows of a file, without the images' bytes."""
    with _opening(shard) as parquet:
        schema = parquet.schema_arrow
        wanted = _find_columns(schema, columns, shard)
        image = wanted["image"][0]
        has_path = pa.types.is_struct(schema.field(image).type) and "path" in _fields(
            schema.field(image).type
        )
        names = [*wanted["label"], *wanted.get("boxes", [])]
        read = [f"{image}.path"] * has_path + [_stored(schema, name) for name in names]
        column, row = schema.names.index(image), 0
        metadata = parquet.metadata
        groups = (metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        starts = list(accumulate(groups, initial=0))[:-1]
        for batch in parquet.iter_batches(_ROWS, columns=read, use_threads=False):
            for content in batch.to_pylist():
                path = (content.get(image) or {}).get("path") if has_path else None
                name = path if isinstance(path, str) else ""
                group = starts[bisect_right(starts, row) - 1]
                yield _Row(shard, group, row, column, name, *_objects(content, wanted))
                row += 1


def _objects(content: dict[str, Any], wanted: dict[str, list[str]]) -> tuple[Objects, str | None]:
    """Return the objects of a row, and the reason if it has none."""
    label = find_value(content, wanted["label"][0])
    names = wanted.get("boxes", [])
    boxes = find_boxes(content, names if len(names) > 1 else names[0]) if names else None
    try:
        return pair(label, boxes), None
    except UnusableError as reason:
        return [], str(reason)


def _find_columns(schema: pa.Schema, columns: Columns, shard: str) -> dict[str, list[str]]:
    """Return the columns of a file for each key of `COLUMNS`; boxes are optional unless `columns` names them.

    Raises `InputError` for a column that is missing, and for one of images that holds something else.
    """
    there = ", ".join(f"{field.name} ({field.type})" for field in schema)[:400]
    wanted = {}
    for key, usual in COLUMNS.items():
        given = columns.get(key, usual)
        names = [given] if isinstance(given, str) else [*given]
        missing = [name for name in names if _stored(schema, name) is None]
        if not missing:
            wanted[key] = names
        elif key in columns or key != "boxes":
            raise InputError(
                f"{shard}: no column {', '.join(missing)}; name that of the {key} in the data set's "
                f"`columns: {{{key}: …}}`. It has {there}"
            )
    image = wanted["image"][0]
    kind = schema.field(image).type if image in schema.names else None
    if kind is not None and pa.types.is_struct(kind):
        kind = next(
            (kind.field(i).type for i in range(kind.num_fields) if kind.field(i).name == "bytes"), None
        )
    if kind is None or not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise InputError(
            f"{shard}: column {image} holds no images, which are bytes, or a struct with the field bytes; "
            f"name that of the images in the data set's `columns: {{image: …}}`. It has {there}"
        )
    return wanted


def _stored(schema: pa.Schema, name: str) -> str | None:
    """Return the column to read for a (nested) name: itself, or the list that contains it; None if there is none."""
    if name in schema.names:
        return name
    path, *rest = name.split(".")
    if path not in schema.names:
        return None
    kind, is_listed = schema.field(path).type, False
    for key in rest:
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind, is_listed = kind.value_type, True
        if not pa.types.is_struct(kind) or key not in _fields(kind):
            return None
        kind, path = kind.field(key).type, path if is_listed else f"{path}.{key}"
    return path


def _fields(kind: pa.StructType) -> list[str]:
    """Return the names of a struct's fields."""
    return [kind.field(i).name for i in range(kind.num_fields)]


def _names_of(shard: str, columns: Columns) -> dict[str, str] | None:
    """Return index → name of the classes of the label's column, from Hugging Face's metadata; None if they name none."""
    with _opening(shard) as parquet:
        metadata = parquet.schema_arrow.metadata or {}
    try:
        node = json.loads(metadata[b"huggingface"])["info"]["features"]
        for key in str(columns.get("label", COLUMNS["label"])).split("."):
            node = _element(node)[key]
        names = _element(node)["names"]
    except (KeyError, ValueError, TypeError):
        return None
    return {str(i): str(name) for i, name in enumerate(names)}


def _element(node: Any) -> Any:
    """Return the type of the elements of a list in the metadata; return anything else as it is."""
    while isinstance(node, list) or (isinstance(node, dict) and isinstance(node.get("feature"), dict | list)):
        node = node[0] if isinstance(node, list) else node["feature"]
    return node


@contextmanager
def _opening(shard: str) -> Generator[pq.ParquetFile]:
    """Open a parquet file; convert its errors into `InputError`."""
    try:
        with open_parquet(shard) as parquet:
            yield parquet
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"cannot read {shard} as parquet: {error}; download it again if it is damaged"
        ) from error
