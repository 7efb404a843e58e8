"""The files of a Pascal VOC root, the images that one of its lists names, and its classes.

Neither pandas nor torch is imported here, because these files are also listed when jobs are planned.
"""

import logging
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from labelmaps.data.classes import Class
from labelmaps.data.file_names import LARGEST_XML, is_visible_xml
from labelmaps.data.images import image_id, is_image_name
from labelmaps.errors import InputError
from labelmaps.storage.files import open_regular

logger = logging.getLogger(__name__)

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets"
CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *(
        "diningtable",
        "dog",
        "horse",
        "motorbike",
        "person",
        "pottedplant",
        "sheep",
        "sofa",
        "train",
        "tvmonitor",
    ),
)


class ListedImage(NamedTuple):
    """An image of a list. place: the line that names it. image, xml: its file and that of its objects; None if missing."""

    name: str
    place: str
    image: Path | None
    xml: Path | None


def voc_root(path: Path) -> Path:
    """Return the folder that holds `Annotations` and `JPEGImages`: the path itself, or the only such folder in it.

    Raises `InputError` if there is none, or more than one, or if the path cannot be listed.
    """
    try:
        if _is_root(path):
            return path
        inner = sorted(folder for folder in path.iterdir() if _is_root(folder))
    except OSError as error:
        raise InputError(f"cannot list the folder {path}: {error}; check path and permissions") from error
    if len(inner) != 1:
        found = (
            f"several of them: {', '.join(folder.name for folder in inner)}" if inner else "no such folder"
        )
        raise InputError(
            f"{path}: {found}; `voc` names the root that holds {ANNOTATIONS}, {IMAGES} and {LISTS}, such as VOC2012"
        )
    return inner[0]


def _is_root(path: Path) -> bool:
    """Return whether a folder is a Pascal VOC root."""
    return (path / ANNOTATIONS).is_dir() and (path / IMAGES).is_dir()


def list_file(root: Path, subset: str) -> Path:
    """Return the file of a list: `ImageSets/Main/{subset}.txt`, or `ImageSets/{subset}.txt`.

    Raises `InputError`, with the lists that exist, if there is none.
    """
    for folder in (root / LISTS / "Main", root / LISTS):
        if (folder / f"{subset}.txt").exists():
            return folder / f"{subset}.txt"
    try:
        paths = [*(root / LISTS).glob("*.txt"), *(root / LISTS).glob("*/*.txt")]
        found = {
            path.relative_to(root / LISTS).with_suffix("").as_posix().removeprefix("Main/") for path in paths
        }
    except OSError as error:
        raise InputError(f"cannot list the folder {root / LISTS}: {error}; check its permissions") from error
    whole = sorted(found, key=lambda name: ("_" in name, name))  # lists of single classes (cat_val) come last
    more = f" and {len(whole) - 12} more" if len(whole) > 12 else ""
    raise InputError(
        f"{root}: no list {subset!r} in {LISTS}; `subset` is one of: {', '.join(whole[:12]) or 'none'}{more}"
    )


def listed_images(root: Path, subset: str) -> list[ListedImage]:
    """List the images that a list of a root names, in its order.

    Raises `InputError` if the list or a folder cannot be read, if the list names no image or one twice, if it is a list of a
    single class, with numbers after the names, or if two images have the same id.
    """
    path = list_file(root, subset)
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
        images = _visible_files(root / IMAGES, is_image_name)
        files = {image_id(item.stem): item for item in _visible_files(root / ANNOTATIONS, is_visible_xml)}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}, or the folders beside: {error}; make them readable") from error
    by_name = {image_id(item.name): item for item in images}
    others = {image_id(item.name): item for item in images if by_name[image_id(item.name)] != item}
    listed: dict[str, ListedImage] = {}
    for number, line in enumerate(lines, start=1):
        place, name = f"{path}, line {number}", image_id(line)
        if not line:
            continue
        if name not in by_name and line.split()[1:] in (["-1"], ["0"], ["1"]):
            raise InputError(
                f"{place}: {line!r} is a line of a list of one class; give as `subset` a list of names alone, such as val"
            )
        if name in listed:
            raise InputError(f"{place}: {name} is listed already, at {listed[name].place}; remove one")
        if name in others:
            raise InputError(
                f"two images share the id {name!r}: {by_name[name]} and {others[name]}; rename one"
            )
        listed[name] = ListedImage(name, place, by_name.get(name), files.get(name))
    if not listed:
        raise InputError(f"{path} names no image; give another `subset`")
    return [*listed.values()]


def _visible_files(folder: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    """List the files in a folder whose names `is_wanted` accepts, sorted; raise `OSError` if it cannot be listed."""
    return sorted(item for item in folder.iterdir() if is_wanted(item.name))


def annotation_files(path: Path) -> list[Path]:
    """List all XML files of a root; raise `InputError` if the folder cannot be listed."""
    root = voc_root(path)
    try:
        return _visible_files(root / ANNOTATIONS, is_visible_xml)
    except OSError as error:
        raise InputError(
            f"cannot list the folder {root / ANNOTATIONS}: {error}; check its permissions"
        ) from error


def classes_of(path: Path) -> list[Class]:
    """Return the classes of a root's objects, sorted: VOC's twenty if all are among these, else those that occur.

    All annotations of the root count, whichever list is used. Files that cannot be read are skipped with a warning, since
    the index excludes their images with the reason.

    Raises `InputError` if there is no object, or if the folder cannot be read.
    """
    files, names, broken = annotation_files(path), set(), []
    for item in files:
        try:
            with open_regular(item) as file:
                content = file.read(LARGEST_XML)
            names |= {found.findtext("name", default="") for found in fromstring(content).iter("object")}
        except (OSError, ParseError, DefusedXmlException, ValueError, LookupError):
            broken.append(item.name)
    if broken:
        logger.warning("%s: %d XML files cannot be read, first %s", path, len(broken), broken[:3])
    if not names:
        raise InputError(
            f"{path}: {len(files)} XML files in {ANNOTATIONS}, and no object in them; is this a VOC root?"
        )
    return [Class(name, name) for name in (CLASSES if names <= {*CLASSES} else sorted(names))]
