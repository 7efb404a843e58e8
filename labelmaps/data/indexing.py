"""Making of the index of a data set: finding the images, joining them with their annotations, and checking each one."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from labelmaps.data.annotations import (
    BOX_FORMATS,
    Annotation,
    Annotations,
    Box,
    UnusableError,
    check_areas,
    collect,
    read_annotations,
)
from labelmaps.data.classes import Class, read_classes
from labelmaps.data.counts import count_reasons, describe_contents
from labelmaps.data.damage import examine_image
from labelmaps.data.formats.coco import read_coco
from labelmaps.data.formats.folders import find_images
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import WITHOUT_OBJECT, Columns
from labelmaps.data.formats.parquet import read_parquet_images
from labelmaps.data.formats.voc import read_voc
from labelmaps.data.formats.webdataset import read_webdataset
from labelmaps.data.images import read_size
from labelmaps.data.index import EXCLUDED_COLUMNS, SCHEMA
from labelmaps.data.matching import check_matched
from labelmaps.data.own_table import read_table
from labelmaps.data.plausibility import ImageBoxes, check_plausible, is_within_first_pixel
from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order
from labelmaps.jobs.progress import progress

logger = logging.getLogger(__name__)

# The share of its side by which a box may exceed the image by rounding: two fractions of three digits, by 0.0005 each.
ROUNDING = 0.0011
DEPTH = 64  # the number of images per thread that are examined ahead
NO_BOXES = np.empty((0, 4), np.float32)  # one array for all images without boxes
MOST_LOGGED = (
    200  # the number of unusable images in the log if the run fails because of them and writes no list
)

_INTEGERS = {field.name: field.type.to_pandas_dtype() for field in SCHEMA if pa.types.is_integer(field.type)}


def index_dataset(
    classes: str | Path,
    images: str | Path | None = None,
    boxes: str | Path | None = None,
    table: str | Path | None = None,
    *,
    coco: str | Path | None = None,
    parquet: str | None = None,
    webdataset: str | None = None,
    voc: str | Path | None = None,
    subset: str = "val",
    columns: Columns | None = None,
    are_classes_assumed: bool = False,
    verify: str = "full",
    expect_images: int | None = None,
    max_excluded: float = 0.0,
    box_format: str = "corners",
    check_boxes: bool = True,
    min_matched: float = 0.5,
    workers: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the index of a data set and the list of the images that are excluded from it.

    classes: the classes file. are_classes_assumed: whether it is ImageNet's because no other was given; numbers are then
        labels only if they are large enough (see `labelmaps.data.classes`).
    images: a folder of images, a folder with one folder of images per class (named by the class's id, or all by labels), a
        folder that holds one of these as `val/`, or a plain tar archive such as ImageNet's.
    boxes: a source for `read_annotations`. It also gives the labels, so it is required unless there is a folder per class,
        or files are named with their synset.
    table: a file for `read_table`, instead of `boxes`; paths in it are then relative to `images`.
    voc: the root of a Pascal VOC data set, instead of images, boxes and table. subset: the name of its list that is read.
    coco: a file for `read_coco`, instead of `boxes`; the names of files in it are then relative to `images`.
    parquet, webdataset: a place for `read_parquet_images` or `read_webdataset`, instead of images. With `boxes`, images
        have one label each, and no boxes of their own.
    columns: the names of columns and keys that have unusual names: `image`, `label` or `boxes` → the name; for boxes, also
        four names (see `labelmaps.data.columns`).
    verify: "full" decodes every image, "header" reads only the headers.
    expect_images: the smallest number of images that must be found.
    max_excluded: the largest fraction of the images that may be unusable.
    box_format: the meaning of the four numbers of a box, one of `BOX_FORMATS`.
    check_boxes: whether all boxes together must be plausible (see `labelmaps.data.plausibility`).
    min_matched: the smallest fraction of the images, or of those annotated in `boxes` if these are fewer, that must be
        found in both.
    workers: the number of threads.

    The data set consists of the images that are present; annotations of others are counted in the log. A file that looks
    like an image but has a format that is not read, or lies where no images are expected, is an unusable image.

    Returns the index, one row per image and class in it, with the columns of `labelmaps.data.index.SCHEMA`, and the excluded
    images (image, path, reason). Both are sorted by image id and depend only on the inputs.

    Raises `InputError` if a source is missing, unreadable or empty, if two images share an id, if fewer than `expect_images`
    are found, if fewer than `min_matched` find their boxes, if the boxes are implausible, if more than
    `max_excluded` of the images are unusable, or if none is left.
    """
    if box_format not in BOX_FORMATS:
        raise InputError(f"box_format is {box_format!r}: choose one of {', '.join(BOX_FORMATS)}")
    known = read_classes(classes)
    given = [str(path) for path in (images, boxes, table) if path is not None]
    if voc is not None and given:
        raise InputError(f"both {voc} and {given[0]}: a Pascal VOC root has its own images and boxes")
    if voc is not None:
        found, annotations = read_voc(Path(voc), subset, known)
    elif parquet is not None:
        found, annotations = read_parquet_images(
            parquet, known, columns, box_format, are_assumed=are_classes_assumed
        )
    elif webdataset is not None:
        found, annotations = read_webdataset(
            webdataset, known, columns, box_format, are_assumed=are_classes_assumed
        )
    elif coco is not None and images is not None:
        found, annotations = read_coco(coco, images, known, box_format)
    elif table is not None:
        found, annotations, box_format = _find_in_table(
            table, known, images, boxes, box_format, columns, are_classes_assumed
        )
    else:
        found, annotations = _find_in_files(images, boxes, known, box_format, are_classes_assumed)
    if boxes is not None and (parquet is not None or webdataset is not None):
        found, annotations = _with_boxes(found, annotations, boxes, known, box_format)
    found = sorted(found)
    _check_found(found, expect_images)
    if boxes is not None:
        annotated = {*annotations.table["image"], *annotations.problems}
        present = {item.image for item in found if item.problem is None}
        check_matched(present, annotated, min_matched, boxes, "boxes")
    index, excluded = _examine(found, annotations, _examiner(verify), box_format, check_boxes, workers)
    if check_boxes:
        check_plausible(_given_boxes(found, index, annotations, box_format), box_format)
    _check_excluded(excluded, len(found), max_excluded)
    n_several = int((index["image"].value_counts() > 1).sum())
    if n_several:
        logger.info(
            "%d images show several classes: %d cases, one per image and class", n_several, len(index)
        )
    logger.info("%s", "; ".join(describe_contents(index, len(known), excluded)))
    return index, excluded


def _with_boxes(
    found: list[FoundImage], own: Annotations, boxes: str | Path, classes: list[Class], box_format: str
) -> tuple[list[FoundImage], Annotations]:
    """Combine images whose source has their labels with the boxes of another source, such as Kaggle's for ImageNet.

    found, own: the images and annotations of the first source. boxes, classes, box_format: as for `read_annotations`.

    Raises `InputError` if the first source has boxes itself, or several labels for an image.
    """
    if any(own.boxes.values()) or not own.table["image"].is_unique:
        raise InputError(
            f"{boxes}: the images have boxes, or several labels, already; leave out one of the two"
        )
    labels = dict(zip(own.table["image"], own.table["label"], strict=True))
    labelled = [
        item._replace(label=labels.get(item.image), problem=item.problem or own.problems.get(item.image))
        for item in found
    ]
    return labelled, read_annotations(boxes, classes, box_format)


def _find_in_table(
    table: str | Path,
    classes: list[Class],
    images: str | Path | None,
    boxes: str | Path | None,
    box_format: str,
    columns: Columns | None,
    are_assumed: bool,
) -> tuple[list[FoundImage], Annotations, str]:
    """Find the images and annotations of a table, and the format of its boxes; arguments as for `index_dataset`.

    Raises `InputError` if `boxes` are given, too, and as `read_table` does.
    """
    if boxes is not None:
        raise InputError(f"both a table ({table}) and boxes ({boxes}): put the boxes into the table's column")
    files, annotations, box_format = read_table(
        table, classes, images, box_format, columns, are_assumed=are_assumed
    )
    return [FoundImage(image, str(path)) for image, path in files], annotations, box_format


def _find_in_files(
    images: str | Path | None,
    boxes: str | Path | None,
    classes: list[Class],
    box_format: str,
    are_assumed: bool,
) -> tuple[list[FoundImage], Annotations]:
    """Find the images of a folder or an archive, and read their annotations; arguments as for `index_dataset`.

    Raises `InputError` if `images` is None, and as `find_images` and `read_annotations` do.
    """
    if images is None:
        raise InputError("neither images nor a table: give a folder, a tar archive, or a table of path,label")
    found = find_images(Path(images), classes, are_assumed=are_assumed)
    if boxes is None:
        return found, collect([])
    has_folders = any("/" in item.image for item in found if item.problem is None)
    return found, read_annotations(boxes, classes, box_format, has_folders=has_folders)


def _check_found(found: list[FoundImage], expect_images: int | None) -> None:
    """Raise `InputError` if two images share an id, if a name is not UTF-8, or if there are too few; `found` is sorted."""
    for first, second in pairwise(found):
        if first.image == second.image:
            raise InputError(
                f"two images share the id {first.image!r}: {first.path} and {second.path}; rename one"
            )
    for item in found:
        try:
            f"{item.image}{item.path}".encode()
        except UnicodeEncodeError:
            raise InputError(f"file name not in UTF-8: {item.path!a} ({item.image!a}); rename it") from None
    if expect_images is not None and len(found) < expect_images:
        raise InputError(
            f"{len(found)} images instead of {expect_images}: complete the data set, or change expect_images"
        )


class FileFacts(NamedTuple):
    """The size of an image in pixels, and the SHA-256 of its file's bytes, which is empty if they were not read."""

    width: int
    height: int
    digest: str


def _examiner(verify: str) -> Callable[[str, int, int], FileFacts]:
    """Return the function (path, offset, length) that reads the facts of an image file, as named by `verify`.

    verify: as for `index_dataset`. Raises `InputError` for another name.
    """
    examiners = {
        "full": lambda *place: FileFacts(*examine_image(*place)),
        "header": lambda *place: FileFacts(*read_size(*place), ""),
    }
    if verify not in examiners:
        raise InputError(f"verify is {verify!r}: choose one of {', '.join(examiners)}")
    return examiners[verify]


def _examine(
    found: list[FoundImage],
    annotations: Annotations,
    examine_file: Callable[[str, int, int], FileFacts],
    box_format: str,
    check_boxes: bool,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine all images in threads; return the index and the excluded images, as `index_dataset` does.

    found, annotations: the images and annotations of the data set. examine_file: as from `_examiner`. box_format,
    check_boxes,
    workers: as for `index_dataset`.
    """
    table = annotations.table
    annotated: dict[str, Annotation] = {}
    for image, label, boxes in zip(table["image"], table["label"], table["boxes"], strict=True):
        annotated.setdefault(image, {})[label] = boxes

    def examine(item: FoundImage) -> list[dict[str, Any]]:
        """Return the image's rows of the index, one per class, or its row of excluded images, which has the key `reason`."""
        try:
            if reason := item.problem or annotations.problems.get(item.image):
                raise UnusableError(reason)
            joined = _join(item, annotated.get(item.image))
            facts = examine_file(item.path, item.offset, item.length)
            cases = []
            for label, given in joined.items():
                boxes = _to_pixels(given, facts.width, facts.height, box_format)
                _check_boxes_inside(boxes, facts.width, facts.height)
                check_areas(boxes)  # again, since a box of fractions may have no area in pixels
                if check_boxes:
                    _check_box_sizes(boxes, facts.width, facts.height, box_format)
                corners = np.array(boxes, np.float32).reshape(-1, 4) if len(boxes) else NO_BOXES
                cases.append({"label": label, "boxes": corners})
        except (UnusableError, InputError) as reason:
            return [{"image": item.image, "path": item.path, "reason": str(reason)}]
        of_image = item._asdict() | facts._asdict()
        return [of_image | case for case in cases]

    # Threads suffice, because decoding releases the interpreter lock; processes would take time to start. A pool of
    # multiprocessing would need semaphores, and so a /dev/shm that can be written.
    with ThreadPoolExecutor(workers) as pool:
        as_stored = sorted(found, key=lambda item: (item.path, item.offset))  # the fastest order to read
        examined = in_order(pool, examine, ((item,) for item in as_stored), ahead=workers * DEPTH)
        # Collected by column, since a dictionary for each of a million images would take gigabytes.
        columns: dict[str, list] = {name: [] for name in SCHEMA.names}
        excluded = []
        for row in chain.from_iterable(progress(examined, total=len(found), unit="image", desc="index")):
            if "reason" in row:
                excluded.append(row)
            else:
                for name, values in columns.items():
                    values.append(row[name])
    index = pd.DataFrame(columns).astype(_INTEGERS).sort_values(["image", "label"], ignore_index=True)
    excluded.sort(key=lambda row: row["image"])
    return index, pd.DataFrame(excluded, columns=EXCLUDED_COLUMNS, dtype=str)


def _join(item: FoundImage, annotation: Annotation | None) -> Annotation:
    """Join the labels of an image's folder and name with its annotation.

    A folder or a name gives one class, which must be among those of the annotation.

    Raises `UnusableError` if none of the three gives a class, or if two disagree.
    """
    labels_of_file = {"the folder": item.label, "its name": item.named_label}
    known = {source: {label} for source, label in labels_of_file.items() if label is not None}
    if annotation is not None:
        known["the boxes"] = set(annotation)
    if not known:
        raise UnusableError("no label: neither annotated, nor in a folder named by its class's id")
    if not set.intersection(*known.values()):
        texts = (f"{' '.join(map(str, sorted(labels)))} by {source}" for source, labels in known.items())
        raise UnusableError(f"labels disagree: {', '.join(texts)}")
    return {label: [] for labels in known.values() for label in labels} if annotation is None else annotation


@np.errstate(over="ignore")  # for absurd numbers, which are outside the image anyway
def _to_pixels(boxes: list[Box], width: int, height: int, box_format: str) -> list[Box]:
    """Convert boxes to pixels of an image of `width` × `height`; cut boxes that exceed it only by rounding."""
    if box_format == "corners":
        return boxes
    if box_format == "size" and all(
        x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes
    ):
        return boxes
    sides = np.array([width, height, width, height], float)
    corners = np.array(boxes).reshape(-1, 4)
    if "fractions" in box_format:
        corners = corners * sides
    cut = np.clip(corners, 0, sides)
    return np.where(abs(cut - corners) <= ROUNDING * sides, cut, corners).tolist()


def _given_boxes(
    found: list[FoundImage], index: pd.DataFrame, annotations: Annotations, box_format: str
) -> list[ImageBoxes]:
    """List the boxes of all images, including those that were excluded because of their boxes.

    found, annotations: the images and annotations of the data set. index: of those that were not excluded. box_format: that
    of the annotations.
    """
    sizes = dict(zip(index["image"], zip(index["width"], index["height"], strict=True), strict=True))
    given = []
    for item in found:
        boxes = annotations.boxes.get(item.image)
        if not boxes or item.problem is not None:
            continue
        try:
            size = sizes.get(item.image) or read_size(item.path, item.offset, item.length)
        except InputError:  # the image was excluded for this reason
            continue
        given.append(ImageBoxes(item.image, _to_pixels(boxes, *size, box_format), *size))
    return given


def _check_box_sizes(boxes: list[Box], width: int, height: int, box_format: str) -> None:
    """Raise `UnusableError` if a box is probably one of fractions, since it lies within the first pixel of the image.

    boxes: in pixels. width, height: of the image; if one is at most 2 pixels, nothing is raised. box_format: the format in
    which the boxes were given; if it is one of fractions, nothing is raised.
    """
    for box in boxes:
        if is_within_first_pixel(box, width, height, box_format):
            numbers = " ".join(f"{value:g}" for value in box)
            raise UnusableError(f"box within the first pixel, probably of fractions: {numbers}")


def _check_boxes_inside(boxes: list[Box], width: int, height: int) -> None:
    """Raise `UnusableError` if a box exceeds the image of `width` × `height` pixels."""
    for x0, y0, x1, y1 in boxes:
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise UnusableError(
                f"box outside the image, probably a resized copy: {x0:g} {y0:g} {x1:g} {y1:g} "
                f"in {width} x {height} pixels"
            )


def _check_excluded(excluded: pd.DataFrame, found: int, max_excluded: float) -> None:
    """Log the excluded images by kind of reason; raise `InputError` if they are too many of the `found` ones, or all.

    max_excluded: the largest fraction that may be excluded. Images whose source states that they show no object do not
    count.
    """
    kinds = count_reasons(excluded["reason"])
    counts = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
    if counts:
        logger.warning("%d of %d images excluded: %s", len(excluded), found, counts)
    if (len(excluded) - kinds[WITHOUT_OBJECT]) / found > max_excluded or len(excluded) == found:
        reasons = list(zip(excluded["image"], excluded["reason"], strict=True))
        for image, reason in reasons[:MOST_LOGGED]:
            logger.info("excluded: %s: %s", image, reason)
        first = "; ".join(f"{image}: {reason}" for image, reason in reasons[:5])
        raise InputError(
            f"{len(excluded)} of {found} images are unusable, where max_excluded allows {max_excluded:.1%}: "
            f"{counts}. First: {first}. Correct the data set, or raise max_excluded"
        )
