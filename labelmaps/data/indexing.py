"""Making of an index: finding the images, joining them with their annotations, and checking each one."""

import logging
import os
import tarfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from labelmaps.data.annotations import (
    Annotation,
    Annotations,
    Box,
    UnusableError,
    check_tar_end,
    collect,
    read_annotations,
)
from labelmaps.data.classes import Class, class_indices, read_classes
from labelmaps.data.images import image_id, is_image_name, read_digest, read_image, read_size
from labelmaps.data.index import EXCLUDED_COLUMNS, SCHEMA
from labelmaps.data.own_table import read_table
from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order
from labelmaps.jobs.progress import progress

logger = logging.getLogger(__name__)

DEPTH = 64  # images per thread that are examined ahead of the list
MOST_LOGGED = 200  # unusable images, where the run fails because of them and writes no list of them

_INTEGERS = {field.name: field.type.to_pandas_dtype() for field in SCHEMA if pa.types.is_integer(field.type)}


class FoundImage(NamedTuple):
    """An image file, or a member of a tar archive (`offset`, `length`); `label` is that of the folder of a class."""

    image: str
    path: str
    offset: int = -1
    length: int = -1
    label: int | None = None


def index_dataset(
    classes: str | Path,
    images: str | Path | None = None,
    boxes: str | Path | None = None,
    table: str | Path | None = None,
    *,
    verify: str = "full",
    expect_images: int | None = None,
    max_excluded: float = 0.0,
    workers: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the index of a data set and the list of the images that are left out of it.

    classes: the classes file.
    images: a folder of images, a folder with one folder of images per class (named by the class's id), or a plain tar
        archive such as ImageNet's.
    boxes: a source for `read_annotations`. It also gives the labels, so it is required unless there is a folder per class.
    table: a file for `read_table`, instead of `boxes`; paths in it are then relative to `images`.
    verify: "full" decodes every image, "header" reads the headers only.
    expect_images: the smallest number of images to find.
    max_excluded: the largest fraction of the images that may be unusable.
    workers: the number of threads.

    The data set consists of the images that are present; annotations of others are counted in the log.

    Returns the index, with the columns of `labelmaps.data.index.SCHEMA`, and the excluded images (image, path, reason). Both
    are sorted by image id and depend on the inputs alone.

    Raises `InputError` if a source is missing, unreadable or empty, if two images share an id, if fewer than `expect_images`
    are found, if more than `max_excluded` of them are unusable, or if none is left.
    """
    found, annotations = _find_sources(images, boxes, table, read_classes(classes))
    found = sorted(found)
    _check_found(found, expect_images)
    _log_unmatched(found, annotations)
    index, excluded = _examine(found, annotations, _examiner(verify), workers)
    _check_excluded(excluded, len(found), max_excluded)
    return index, excluded


def _find_sources(
    images: str | Path | None, boxes: str | Path | None, table: str | Path | None, classes: list[Class]
) -> tuple[list[FoundImage], Annotations]:
    """Find the images and read their annotations; arguments as for `index_dataset`, but `classes` already read."""
    if table is not None and boxes is not None:
        raise InputError(f"both a table ({table}) and boxes ({boxes}): put the boxes into the table's column")
    if table is not None:
        files, annotations = read_table(table, classes, images)
        return [FoundImage(image, str(path)) for image, path in files], annotations
    if images is None:
        raise InputError("neither images nor a table: give a folder, a tar archive, or a table of path,label")
    annotations = collect([]) if boxes is None else read_annotations(boxes, classes)
    return find_images(Path(images), classes), annotations


def find_images(path: Path, classes: list[Class]) -> list[FoundImage]:
    """Find the images of a flat folder, of a folder per class, or of a plain tar archive.

    Raises `InputError` if there is none, or if the name of a folder is not the id of a class.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise InputError(f"cannot look at {path}: {error}; check its rights") from error
    found, ignored = _find_in_folder(path, class_indices(classes)) if is_folder else _find_in_tar(path)
    if ignored:
        logger.info("%s: ignored %d entries that are no images", path, ignored)
    if not found:
        raise InputError(f"no image in {path}: give a folder of images, of one folder per class, or a tar")
    return found


def _find_in_folder(folder: Path, labels: dict[str, int]) -> tuple[list[FoundImage], int]:
    """Find the images of a flat folder or of a folder per class, and count the entries that are ignored.

    labels: class id -> label.
    """
    files, folders, ignored = _list_folder(folder)
    if not files:
        return _find_in_class_folders(folder, folders, labels, ignored)
    if class_folders := [name for name in folders if name in labels]:
        raise InputError(
            f"{folder} holds images ({files[0]}) and folders of classes ({class_folders[0]}): "
            "which are the data set? Move the others away"
        )
    return [FoundImage(image_id(name), str(folder / name)) for name in files], ignored + len(folders)


def _find_in_class_folders(
    folder: Path, names: list[str], labels: dict[str, int], ignored: int
) -> tuple[list[FoundImage], int]:
    """Find the images in the folders `names` of `folder`, named by class ids; add ignored entries to `ignored`."""
    if unknown := [name for name in names if name not in labels]:
        raise InputError(
            f"{folder}: {len(unknown)} folders are not named by a class's id, first {unknown[:3]}; "
            "rename them to ids of the classes file, or add their classes to it"
        )
    found = []
    for name in names:
        files, folders, others = _list_folder(folder / name)
        ignored += others + len(folders)
        found += [FoundImage(image_id(file), str(folder / name / file), label=labels[name]) for file in files]
    return found, ignored


def _list_folder(folder: Path) -> tuple[list[str], list[str], int]:
    """List the names of the images and of the visible folders, both sorted, and count the other entries."""
    try:
        with os.scandir(folder) as scan:
            entries = list(scan)
        names = {entry.name for entry in entries if entry.is_dir()}
        # Keep broken links so that they are reported; skip pipes, which would block when opened.
        files = {entry.name for entry in entries if entry.is_file() or entry.is_symlink()} - names
    except OSError as error:
        raise InputError(f"cannot list the folder {folder}: {error}; check path and rights") from error
    images = sorted(filter(is_image_name, files))
    folders = sorted(name for name in names if not name.startswith("."))
    return images, folders, len(entries) - len(images) - len(folders)


def _find_in_tar(path: Path) -> tuple[list[FoundImage], int]:
    """Find the images in a plain tar archive, and count the entries that are ignored."""
    try:
        with tarfile.open(path, "r:") as archive:
            members = archive.getmembers()
            check_tar_end(archive)
    except FileNotFoundError as error:
        raise InputError(f"no such file or folder: {path}; give the path of the images") from error
    except (OSError, tarfile.TarError) as error:
        raise InputError(
            f"cannot read {path} as a folder or a plain tar archive: {error}; images are read in place: "
            "decompress the archive (gunzip), or download it again if it is damaged"
        ) from error
    files = [member for member in members if member.isreg() and not member.issparse()]
    found = [
        FoundImage(image_id(PurePosixPath(file.name).name), str(path), file.offset_data, file.size)
        for file in files
        if is_image_name(file.name)
    ]
    folders = sum(member.isdir() for member in members)
    return found, len(members) - folders - len(found)


def _check_found(found: list[FoundImage], expect_images: int | None) -> None:
    """Raise `InputError` if two images share an id, if a name is not UTF-8, or if there are too few; `found` is sorted."""
    for first, second in pairwise(found):
        if first.image == second.image:
            raise InputError(
                f"two images share the id {first.image!r}: {first.path} and {second.path}; rename one, "
                "or list the images in a table (path,label), where the id includes the folders"
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


def _log_unmatched(found: list[FoundImage], annotations: Annotations) -> None:
    """Log how many annotations belong to no image that was found."""
    annotated = {*annotations.table["image"], *annotations.problems}
    if unmatched := len(annotated - {item.image for item in found}):
        logger.info("%d annotations belong to no image that is present", unmatched)


class FileFacts(NamedTuple):
    """The facts that an image file itself gives; `digest` is empty if its content was not read."""

    width: int
    height: int
    digest: str


def _examiner(verify: str) -> Callable[[str, int, int], FileFacts]:
    """Return the function that reads the facts of an image file (path, offset, length); `verify` as in `index_dataset`."""
    examiners = {"full": _examine_whole, "header": lambda *place: FileFacts(*read_size(*place), "")}
    if verify not in examiners:
        raise InputError(f"verify is {verify!r}: choose one of {', '.join(examiners)}")
    return examiners[verify]


def _examine_whole(path: str, offset: int, length: int) -> FileFacts:
    """Read the facts of an image file by decoding it; raise `InputError` if it cannot be decoded."""
    height, width, _ = read_image(path, offset, length).shape
    return FileFacts(width, height, read_digest(path, offset, length))


def _examine(
    found: list[FoundImage],
    annotations: Annotations,
    examine_file: Callable[[str, int, int], FileFacts],
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine all images in threads; return the index and the excluded images, as `index_dataset` does."""
    table = annotations.table
    annotated = dict(zip(table["image"], zip(table["label"], table["boxes"], strict=True), strict=True))

    def examine(item: FoundImage) -> dict[str, Any]:
        """Make the image's row of the index, or its row of the excluded images (with the key `reason`)."""
        try:
            if item.image in annotations.problems:
                raise UnusableError(annotations.problems[item.image])
            label, boxes = _join(item, annotated.get(item.image))
            facts = examine_file(item.path, item.offset, item.length)
            _check_boxes_inside(boxes, facts.width, facts.height)
        except (UnusableError, InputError) as reason:
            return {"image": item.image, "path": item.path, "reason": str(reason)}
        corners = np.array(boxes, np.float32).reshape(-1, 4)
        return {**item._asdict(), **facts._asdict(), "label": label, "boxes": corners}

    # Threads suffice, because decoding releases the interpreter lock; processes would take time to start. A pool of
    # multiprocessing would need semaphores, and so a /dev/shm that can be written.
    with ThreadPoolExecutor(workers) as pool:
        examined = in_order(pool, examine, ((item,) for item in found), ahead=workers * DEPTH)
        rows = list(progress(examined, total=len(found), unit="image", desc="index"))
    excluded = [row for row in rows if "reason" in row]
    index = pd.DataFrame([row for row in rows if "reason" not in row], columns=SCHEMA.names)
    return index.astype(_INTEGERS), pd.DataFrame(excluded, columns=EXCLUDED_COLUMNS, dtype=str)


def _join(item: FoundImage, annotation: Annotation | None) -> Annotation:
    """Join the label of an image's folder with its annotation; raise `UnusableError` if both lack or the labels disagree."""
    if annotation is None:
        if item.label is None:
            raise UnusableError("no label: neither annotated, nor in a folder named by its class's id")
        return item.label, []
    if item.label not in (None, annotation[0]):
        raise UnusableError(f"labels disagree: {item.label} by the folder, {annotation[0]} by the boxes")
    return annotation


def _check_boxes_inside(boxes: list[Box], width: int, height: int) -> None:
    """Raise `UnusableError` if a box exceeds the image of `width` × `height` pixels."""
    for x0, y0, x1, y1 in boxes:
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise UnusableError(
                f"box outside the image, probably a resized copy: {x0:g} {y0:g} {x1:g} {y1:g} "
                f"in {width} x {height} pixels"
            )


def _check_excluded(excluded: pd.DataFrame, found: int, max_excluded: float) -> None:
    """Log the excluded images by kind of reason; raise `InputError` if they are too many of the `found` ones, or all."""
    kinds = Counter(reason.partition(":")[0] for reason in excluded["reason"])
    counts = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
    if counts:
        logger.warning("%d of %d images excluded: %s", len(excluded), found, counts)
    if len(excluded) / found > max_excluded or len(excluded) == found:
        reasons = list(zip(excluded["image"], excluded["reason"], strict=True))
        for image, reason in reasons[:MOST_LOGGED]:
            logger.info("excluded: %s: %s", image, reason)
        first = "; ".join(f"{image}: {reason}" for image, reason in reasons[:5])
        raise InputError(
            f"{len(excluded)} of {found} images are unusable, where max_excluded allows {max_excluded:.1%}: "
            f"{counts}. First: {first}. Mend the data set, or raise max_excluded"
        )
