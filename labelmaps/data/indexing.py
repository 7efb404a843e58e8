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
    BOX_FORMATS,
    Annotation,
    Annotations,
    Box,
    UnusableError,
    check_areas,
    collect,
    read_annotations,
)
from labelmaps.data.archives import iterate_members, open_tar
from labelmaps.data.classes import Class, class_indices, read_classes
from labelmaps.data.damage import examine_image
from labelmaps.data.formats.coco import read_coco
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import WITHOUT_OBJECT
from labelmaps.data.formats.parquet import Columns, read_parquet_images
from labelmaps.data.formats.webdataset import read_webdataset
from labelmaps.data.images import (
    HIDDEN_FOLDERS,
    SIGNATURE_BYTES,
    image_id,
    is_image_name,
    is_image_start,
    is_no_image_name,
    is_other_image_name,
    read_size,
    synset_in_name,
)
from labelmaps.data.index import EXCLUDED_COLUMNS, SCHEMA
from labelmaps.data.own_table import read_table
from labelmaps.data.plausibility import ImageBoxes, check_plausible, is_within_first_pixel
from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order
from labelmaps.jobs.progress import progress
from labelmaps.storage.files import open_regular

logger = logging.getLogger(__name__)

# What boxes that are rounded may exceed the image by, as a share of its side: two fractions of three digits, by 0.0005 each.
ROUNDING = 0.0011
DEPTH = 64  # images per thread that are examined ahead of the list
NO_BOXES = np.empty((0, 4), np.float32)  # of all images without
MOST_LOGGED = 200  # unusable images, where the run fails because of them and writes no list of them

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
    columns: Columns | None = None,
    verify: str = "full",
    expect_images: int | None = None,
    max_excluded: float = 0.0,
    box_format: str = "corners",
    check_boxes: bool = True,
    min_matched: float = 0.5,
    workers: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the index of a data set and the list of the images that are left out of it.

    classes: the classes file.
    images: a folder of images, a folder with one folder of images per class (named by the class's id), or a plain tar
        archive such as ImageNet's.
    boxes: a source for `read_annotations`. It also gives the labels, so it is required unless there is a folder per class,
        or files are named with their synset.
    table: a file for `read_table`, instead of `boxes`; paths in it are then relative to `images`.
    coco: a file for `read_coco`, instead of `boxes`; the names of files in it are then relative to `images`.
    parquet, webdataset: a place for `read_parquet_images` or `read_webdataset`, instead of images; where `boxes` gives boxes,
        their images have one label each, and no boxes of their own.
    columns: the names of columns and keys, for those two: `image`, `label` or `boxes` → the name, of boxes also four.
    verify: "full" decodes every image, "header" reads the headers only.
    expect_images: the smallest number of images to find.
    max_excluded: the largest fraction of the images that may be unusable.
    box_format: what the four numbers of a box are, one of `BOX_FORMATS`.
    check_boxes: whether all boxes together must be plausible (see `labelmaps.data.plausibility`).
    min_matched: the smallest fraction of the images, or of the annotated ones of `boxes` where these are fewer, that must be
        found in both.
    workers: the number of threads.

    The data set consists of the images that are present; annotations of others are counted in the log. What looks like an
    image and is in no format that is read, or in no place where images are sought, is an unusable image.

    Returns the index, with the columns of `labelmaps.data.index.SCHEMA`, and the excluded images (image, path, reason). Both
    are sorted by image id and depend on the inputs alone.

    Raises `InputError` if a source is missing, unreadable or empty, if two images share an id, if fewer than `expect_images`
    are found, if fewer than `min_matched` find their boxes, if the boxes are implausible, if more than `max_excluded` of the
    images are unusable, or if none is left.
    """
    if box_format not in BOX_FORMATS:
        raise InputError(f"box_format is {box_format!r}: choose one of {', '.join(BOX_FORMATS)}")
    known = read_classes(classes)
    if parquet is not None:
        found, annotations = read_parquet_images(parquet, known, columns, box_format)
    elif webdataset is not None:
        found, annotations = read_webdataset(webdataset, known, columns, box_format)
    elif coco is not None and images is not None:
        found, annotations = read_coco(coco, images, known, box_format)
    else:
        found, annotations = _find_sources(images, boxes, table, known, box_format)
    if boxes is not None and (parquet is not None or webdataset is not None):
        found, annotations = _with_boxes(found, annotations, boxes, known, box_format)
    found = sorted(found)
    _check_found(found, expect_images)
    if boxes is not None:
        _check_matched(found, annotations, min_matched, boxes)
    index, excluded = _examine(found, annotations, _examiner(verify), box_format, check_boxes, workers)
    if check_boxes:
        check_plausible(_given_boxes(found, index, annotations, box_format), box_format)
    _check_excluded(excluded, len(found), max_excluded)
    return index, excluded


def _with_boxes(
    found: list[FoundImage], own: Annotations, boxes: str | Path, classes: list[Class], box_format: str
) -> tuple[list[FoundImage], Annotations]:
    """Give images whose source has their labels the boxes of another, such as Kaggle's for ImageNet; arguments as there.

    own: the source's annotations. Raises `InputError` if they hold boxes, or images of several labels.
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


def _find_sources(
    images: str | Path | None,
    boxes: str | Path | None,
    table: str | Path | None,
    classes: list[Class],
    box_format: str,
) -> tuple[list[FoundImage], Annotations]:
    """Find the images and read their annotations; arguments as for `index_dataset`, but `classes` already read."""
    if table is not None and boxes is not None:
        raise InputError(f"both a table ({table}) and boxes ({boxes}): put the boxes into the table's column")
    if table is not None:
        files, annotations = read_table(table, classes, images, box_format)
        return [FoundImage(image, str(path)) for image, path in files], annotations
    if images is None:
        raise InputError("neither images nor a table: give a folder, a tar archive, or a table of path,label")
    annotations = collect([]) if boxes is None else read_annotations(boxes, classes, box_format)
    return find_images(Path(images), classes), annotations


def find_images(path: Path, classes: list[Class]) -> list[FoundImage]:
    """Find the images of a flat folder, of a folder per class, or of a plain tar archive.

    Raises `InputError` if there is none, or if the name of a folder is not the id of a class.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise InputError(f"cannot look at {path}: {error}; check its rights") from error
    find = _find_in_folder if is_folder else _find_in_tar
    found, ignored = find(path, class_indices(classes))
    if ignored:
        logger.info("%s: ignored %d entries that are no images", path, ignored)
    if not found:
        raise InputError(f"no image in {path}: give a folder of images, of one folder per class, or a tar")
    return found


def _find_in_folder(folder: Path, labels: dict[str, int]) -> tuple[list[FoundImage], int]:
    """Find the images of a flat folder or of a folder per class, and count the entries that are ignored.

    labels: class id -> label.
    """
    listed = _list_folder(folder)
    if not listed.images:
        return _find_in_class_folders(folder, listed, labels)
    if class_folders := [name for name in listed.folders if name in labels]:
        raise InputError(
            f"{folder} holds images ({listed.images[0]}) and folders of classes ({class_folders[0]}): "
            "which are the data set? Move the others away"
        )
    found = [
        FoundImage(image_id(name), str(folder / name), named_label=_named_label(name, labels))
        for name in listed.images
    ]
    return found + _unused(folder, listed), listed.ignored + len(listed.folders)


def _find_in_class_folders(
    folder: Path, top: "FolderContent", labels: dict[str, int]
) -> tuple[list[FoundImage], int]:
    """Find the images in the folders of `folder`, of which `top` is the content, named by class ids; count the rest."""
    if unknown := [name for name in top.folders if name not in labels]:
        raise InputError(
            f"{folder}: {len(unknown)} folders are not named by a class's id, first {unknown[:3]}; "
            "rename them to ids of the classes file, or add their classes to it"
        )
    found, ignored = _unused(folder, top._replace(folders=[])), top.ignored
    for name in top.folders:
        listed = _list_folder(folder / name)
        found += [
            FoundImage(
                image_id(file),
                str(folder / name / file),
                label=labels[name],
                named_label=_named_label(file, labels),
            )
            for file in listed.images
        ]
        found += _unused(folder / name, listed)
        ignored += listed.ignored + len(listed.folders)
    return found, ignored


def _named_label(name: str, labels: dict[str, int]) -> int | None:
    """Return the label of the synset in a file's name; None if there is none, or if it is no class's id."""
    synset = synset_in_name(PurePosixPath(name).name)
    return None if synset is None else labels.get(synset)


class FolderContent(NamedTuple):
    """What a folder holds, names sorted.

    images: what is read. others: what looks like an image, name -> why it is not read. folders: the visible ones. ignored:
    the number of the other entries, hidden folders among them.
    """

    images: list[str]
    others: dict[str, str]
    folders: list[str]
    ignored: int


def _list_folder(folder: Path) -> FolderContent:
    """List a folder."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        folders = [entry.name for entry in entries if entry.is_dir()]
        # Keep broken links so that they are reported; skip pipes, which would block when opened.
        whole = {entry.name for entry in entries if entry.is_file()}
        links = {entry.name for entry in entries if entry.is_symlink() and not entry.is_dir()}
        files = [entry.name for entry in entries if entry.name in whole or entry.name in links]
    except OSError as error:
        raise InputError(f"cannot list the folder {folder}: {error}; check path and rights") from error
    images, others = [], {}
    for name in files:
        if is_image_name(name):
            images.append(name)
        elif reason := _why_not_read(name, folder / name if name in whole else None):
            others[name] = reason
    visible = [name for name in folders if not name.startswith(HIDDEN_FOLDERS)]
    return FolderContent(images, others, visible, len(entries) - len(images) - len(others) - len(visible))


def _why_not_read(name: str, path: Path | None, offset: int = 0) -> str | None:
    """Say why a file that looks like an image is not read; None if it does not look like one.

    path, offset: where its content begins; without a path only its name counts.
    """
    if is_other_image_name(name):
        return f"image under an ending that is not read: {name}; save it as JPEG or PNG, or move it away"
    if path is None or is_no_image_name(name):
        return None
    try:
        with open_regular(path) as file:
            file.seek(offset)
            start = file.read(SIGNATURE_BYTES)
    except OSError:  # as it does not look like an image by its name
        return None
    if is_image_start(start):
        return f"image by its content, not by its name: {name}; give it an image's ending, or move it away"
    return None


def _unused(folder: Path, listed: FolderContent) -> list[FoundImage]:
    """List what looks like images and is not used: files of other formats, and images in the folders below."""
    unused = [FoundImage(name, str(folder / name), problem=reason) for name, reason in listed.others.items()]
    for name in listed.folders:
        if (folder / name).is_symlink():  # it may lead back here
            continue
        inner = _list_folder(folder / name)
        inner_names = [*inner.images, *inner.others]
        reason = f"image in a folder where none is sought: {name}; move it up, or list all images in a table"
        unused += [
            FoundImage(f"{name}/{file}", str(folder / name / file), problem=reason) for file in inner_names
        ]
        below = _unused(folder / name, inner._replace(others={}))
        unused += [item._replace(image=f"{name}/{item.image}") for item in below]
    return unused


def _find_in_tar(path: Path, labels: dict[str, int]) -> tuple[list[FoundImage], int]:
    """Find the images in a plain tar archive, and count the entries that are ignored; labels: class id -> label."""
    try:
        with open_tar(path) as archive:
            members = list(iterate_members(archive))
    except FileNotFoundError as error:
        raise InputError(f"no such file or folder: {path}; give the path of the images") from error
    except (OSError, tarfile.TarError) as error:
        raise InputError(
            f"cannot read {path} as a folder or a plain tar archive: {error}; images are read in place: "
            "decompress the archive (gunzip), or download it again if it is damaged"
        ) from error
    files = [member for member in members if not member.isdir()]
    found = [item for member in files if (item := _find_member(member, path, labels))]
    return found, len(files) - len(found)


def _find_member(member: tarfile.TarInfo, path: Path, labels: dict[str, int]) -> FoundImage | None:
    """Return a member of the tar archive at `path` as an image, with the reason if it cannot be read; None if it is none."""
    name = PurePosixPath(member.name).name
    is_whole = member.isreg()
    if is_image_name(name):
        if is_whole:
            place = (str(path), member.offset_data, member.size)
            return FoundImage(image_id(name), *place, named_label=_named_label(name, labels))
        reason = f"no whole file in the archive: {member.name}; it is a link, pack the file itself"
    else:
        reason = _why_not_read(name, path if is_whole else None, member.offset_data)
    return FoundImage(member.name, str(path), problem=reason) if reason else None


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


def _check_matched(
    found: list[FoundImage], annotations: Annotations, min_matched: float, boxes: str | Path
) -> None:
    """Raise `InputError` if too few images find their boxes; log how many annotations belong to no image that was found.

    The share is that of the images, or of the annotated images where these are fewer: both a part of the images with boxes
    of all, and boxes of a part of the images, are in order.
    """
    annotated = {*annotations.table["image"], *annotations.problems}
    images = {item.image for item in found if item.problem is None}
    matched, fewer = len(annotated & images), min(len(annotated), len(images))
    if unmatched := len(annotated) - matched:
        logger.info("%d annotations belong to no image that is present", unmatched)
    if matched < len(images):
        logger.warning("%d of %d images have no entry in %s", len(images) - matched, len(images), boxes)
    if matched < min_matched * fewer:
        raise InputError(
            f"{matched} of {len(images)} images find their boxes among the {len(annotated)} of {boxes}, where min_matched "
            f"asks for {min_matched:.1%} of {fewer}. Images without boxes: {_first(images - annotated)}; boxes without "
            f"image: {_first(annotated - images)}. Give the boxes of these images, or files of the same names; or, "
            "if so few have boxes, lower min_matched"
        )


def _first(names: set[str]) -> str:
    """Quote the first three names."""
    return ", ".join(map(repr, sorted(names)[:3])) or "none"


class FileFacts(NamedTuple):
    """The facts that an image file itself gives; `digest` is empty if its content was not read."""

    width: int
    height: int
    digest: str


def _examiner(verify: str) -> Callable[[str, int, int], FileFacts]:
    """Return the function that reads the facts of an image file (path, offset, length); `verify` as in `index_dataset`."""
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
    """Examine all images in threads; return the index and the excluded images, as `index_dataset` does."""
    table = annotations.table
    annotated = dict(zip(table["image"], zip(table["label"], table["boxes"], strict=True), strict=True))

    def examine(item: FoundImage) -> dict[str, Any]:
        """Make the image's row of the index, or its row of the excluded images (with the key `reason`)."""
        try:
            if reason := item.problem or annotations.problems.get(item.image):
                raise UnusableError(reason)
            label, boxes = _join(item, annotated.get(item.image))
            facts = examine_file(item.path, item.offset, item.length)
            boxes = _to_pixels(boxes, facts.width, facts.height, box_format)
            _check_boxes_inside(boxes, facts.width, facts.height)
            check_areas(boxes)  # again, as fractions of an area may have none in pixels
            if check_boxes:
                _check_box_sizes(boxes, facts.width, facts.height, box_format)
        except (UnusableError, InputError) as reason:
            return {"image": item.image, "path": item.path, "reason": str(reason)}
        corners = np.array(boxes, np.float32).reshape(-1, 4) if len(boxes) else NO_BOXES
        return {**item._asdict(), **facts._asdict(), "label": label, "boxes": corners}

    # Threads suffice, because decoding releases the interpreter lock; processes would take time to start. A pool of
    # multiprocessing would need semaphores, and so a /dev/shm that can be written.
    with ThreadPoolExecutor(workers) as pool:
        as_stored = sorted(found, key=lambda item: (item.path, item.offset))  # ids may come in another order
        examined = in_order(pool, examine, ((item,) for item in as_stored), ahead=workers * DEPTH)
        # Column by column: a dictionary for each of a million images would take gigabytes.
        columns: dict[str, list] = {name: [] for name in SCHEMA.names}
        excluded = []
        for row in progress(examined, total=len(found), unit="image", desc="index"):
            if "reason" in row:
                excluded.append(row)
            else:
                for name, values in columns.items():
                    values.append(row[name])
    index = pd.DataFrame(columns).astype(_INTEGERS).sort_values("image", kind="stable", ignore_index=True)
    excluded.sort(key=lambda row: row["image"])
    return index, pd.DataFrame(excluded, columns=EXCLUDED_COLUMNS, dtype=str)


def _join(item: FoundImage, annotation: Annotation | None) -> Annotation:
    """Join the labels of an image's folder and name with its annotation.

    Raises `UnusableError` if all lack, or if two disagree.
    """
    labels = {
        "the folder": item.label,
        "its name": item.named_label,
        "the boxes": None if annotation is None else annotation[0],
    }
    known = {source: label for source, label in labels.items() if label is not None}
    if not known:
        raise UnusableError("no label: neither annotated, nor in a folder named by its class's id")
    if len({*known.values()}) > 1:
        said = ", ".join(f"{label} by {source}" for source, label in known.items())
        raise UnusableError(f"labels disagree: {said}")
    return next(iter(known.values())), [] if annotation is None else annotation[1]


@np.errstate(over="ignore")  # of absurd numbers, which are outside the image
def _to_pixels(boxes: list[Box], width: int, height: int, box_format: str) -> list[Box]:
    """Convert boxes to pixels of an image of `width` × `height`; cut what exceeds it by rounding."""
    if box_format == "corners":
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
    """List the boxes of all images, also of those that were left out because of their boxes."""
    sizes = dict(zip(index["image"], zip(index["width"], index["height"], strict=True), strict=True))
    given = []
    for item in found:
        boxes = annotations.boxes.get(item.image)
        if not boxes or item.problem is not None:
            continue
        try:
            size = sizes.get(item.image) or read_size(item.path, item.offset, item.length)
        except InputError:  # it is excluded for that
            continue
        given.append(ImageBoxes(item.image, _to_pixels(boxes, *size, box_format), *size))
    return given


def _check_box_sizes(boxes: list[Box], width: int, height: int, box_format: str) -> None:
    """Raise `UnusableError` if a box is none of pixels but of fractions."""
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

    Images of which their source says that they show no object do not count.
    """
    kinds = Counter(reason.partition(":")[0] for reason in excluded["reason"])
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
            f"{counts}. First: {first}. Mend the data set, or raise max_excluded"
        )
