"""The reader of COCO's instances: a JSON with `images`, `annotations` and `categories`, and a folder of images."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from labelmaps.data.annotations import Annotation, Annotations, Entry, UnusableError, collect, make_annotation
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.file_names import PathsOfTable
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import WITHOUT_OBJECT, Objects, make_classes, named_labels
from labelmaps.data.ids import ids_of
from labelmaps.errors import InputError
from labelmaps.storage.json_files import read_json

logger = logging.getLogger(__name__)

# The keys that the items of each list must have. An annotation without box or category only makes its image unusable.
_LISTS = {"images": ("id", "file_name"), "annotations": ("image_id",), "categories": ("id", "name")}


def read_coco(
    path: str | Path, images: str | Path, classes: list[Class], box_format: str = "size"
) -> tuple[list[FoundImage], Annotations]:
    """Read the images and objects of a data set in COCO's format.

    path: the JSON. images: the folder to which its `file_name`s are relative. classes: those of the classes file.
        box_format: one of `BOX_FORMATS`; COCO's boxes are x y width height in pixels.

    Categories are matched with classes by their names or by their ids, whichever fits more. Annotations of crowds
    (`iscrowd`) are not objects; they are counted in the log.

    Returns the images and their annotations. Raises `InputError` if the file is no such JSON, with the place in it, or if
    none of its categories is a class.
    """
    content = _read(path)
    labels = _labels(content["categories"], classes, path)
    files = _files(content["images"], path)
    paths = PathsOfTable(Path(images))
    texts = [paths.plain(name) for name in files.values()]
    ids = dict(zip(files, ids_of(texts), strict=True))
    found = [
        FoundImage(image, str(paths.find(text))) for image, text in zip(ids.values(), texts, strict=True)
    ]
    objects: dict[str, Objects] = {key: [] for key in files}
    crowds: Counter = Counter()
    astray = 0
    for item in content["annotations"]:
        key = str(item["image_id"])
        if key not in objects:
            astray += 1
        elif item.get("iscrowd"):
            crowds[key] += 1
        else:
            objects[key].append((str(item.get("category_id")), _numbers_of(item.get("bbox"))))
    if crowds:
        logger.info(
            "%s: %d annotations of crowds are not used, in %d images", path, crowds.total(), len(crowds)
        )
    if astray:
        logger.warning("%s: %d annotations are of images that it does not list", path, astray)
    names = {str(item["id"]): item["name"] for item in content["categories"]}
    return found, collect(_entries(objects, ids, crowds, labels, names, box_format))


def _numbers_of(box: Any) -> Sequence[str | float]:
    """Return the numbers of a box as the JSON has them; return anything else as texts, which make the image unusable."""
    if isinstance(box, list) and {*map(type, box)} <= {int, float}:
        return box
    return [str(number) for number in (box if isinstance(box, list) else [box])]


def classes_of(path: str | Path) -> list[Class]:
    """Return the classes of a JSON's categories, in the order of the categories' ids; raise `InputError` as `read_coco`."""
    categories = _read(path)["categories"]
    try:
        categories = sorted(categories, key=lambda item: item["id"])
    except TypeError:
        raise InputError(
            f"{path}: some ids of categories are numbers and some are texts; give the classes in a file"
        ) from None
    return make_classes([item["name"] for item in categories], str(path))


def _entries(
    objects: dict[str, Objects],
    ids: dict[str, str],
    crowds: Counter,
    labels: dict[str, int],
    names: dict[str, str],
    box_format: str,
) -> Iterator[Entry]:
    """Yield for each image its id and the function that parses its annotation.

    objects: the JSON's id of an image → its objects. ids: the same → our id. crowds: the number of each image's annotations
    of crowds. labels, names: id of a category → label, and → name.
    """
    for key, its_objects in objects.items():
        yield ids[key], partial(_parse, its_objects, crowds[key], labels, names, box_format)


def _parse(
    objects: Objects, crowds: int, labels: dict[str, int], names: dict[str, str], box_format: str
) -> Annotation:
    """Parse the objects of an image, each the id of its category and its box, into its annotation.

    crowds: the number of the image's annotations of crowds. labels, names: id of a category → label, and → name.

    Raises `UnusableError` if there is no object, if a category is no class, or if a box does not have four numbers.
    """
    if not objects:
        raise UnusableError(f"{WITHOUT_OBJECT}: " + ("crowds alone" if crowds else "no annotation"))
    for category, box in objects:
        if category not in labels:
            what = (
                "class not in the classes file"
                if category in names
                else "category that the file does not list"
            )
            raise UnusableError(f"{what}: {names.get(category, category)[:80]}")
        if len(box) != 4:
            raise UnusableError(f"box not of four numbers: {' '.join(map(str, box))[:80]}")
    return make_annotation(objects, labels, box_format)


def _labels(categories: list[dict], classes: list[Class], path: str | Path) -> dict[str, int]:
    """Map the ids of categories, as texts, to labels, by names or by ids, whichever fits more.

    Raises `InputError` if neither fits any category.
    """
    by_name = named_labels({str(item["id"]): item["name"] for item in categories}, classes)
    ids = class_indices(classes)
    by_id = {str(item["id"]): ids[str(item["id"])] for item in categories if str(item["id"]) in ids}
    labels = max(by_name, by_id, key=len)
    if not labels:
        first = ", ".join(repr(item["name"]) for item in categories[:3])
        raise InputError(
            f"{path}: none of its {len(categories)} categories (first {first}) is among the classes (first "
            f"{classes[0].id!r}), by name or by id. Give the categories' names in the classes file, as ids (blanks as _) "
            "or as names"
        )
    if unknown := [item["name"] for item in categories if str(item["id"]) not in labels]:
        logger.warning(
            "%s: %d of %d categories are no classes: %s",
            path,
            len(unknown),
            len(categories),
            ", ".join(unknown[:5]),
        )
    return labels


def _files(images: list[dict], path: str | Path) -> dict[str, str]:
    """Map the ids of images to the names of their files; raise `InputError` if a file occurs twice."""
    files = {str(item["id"]): item["file_name"] for item in images}
    if len({*files.values()}) < len(files):
        name = Counter(files.values()).most_common(1)[0][0]
        raise InputError(
            f"{path}: images: the file {name!r} occurs twice; keep one, with all its annotations"
        )
    return files


def _read(path: str | Path) -> dict[str, list[dict]]:
    """Read the JSON; raise `InputError` unless it has the lists of COCO's instances, with the keys that are used."""
    content = read_json(path, "COCO's instances_….json")
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: a JSON of another kind, {type(content).__name__}: give COCO's instances_….json"
        )
    for name, keys in _LISTS.items():
        items = content.get(name)
        if not isinstance(items, list):
            raise InputError(f"{path}: no list `{name}`; COCO's instances_….json has {', '.join(_LISTS)}")
        for number, item in enumerate(items):
            _check_item(item, keys, f"{path}: {name}[{number}]")
    for name in ("images", "categories"):
        if not content[name]:
            raise InputError(f"{path}: its list `{name}` is empty; give a JSON with images and categories")
        key, count = Counter(str(item["id"]) for item in content[name]).most_common(1)[0]
        if count > 1:
            raise InputError(f"{path}: {name}: the id {key} occurs {count} times; keep one")
    return content


def _check_item(item: Any, keys: tuple[str, ...], place: str) -> None:
    """Raise `InputError`, with the place, unless an item of a list has the given keys, with values of the right types."""
    if not isinstance(item, dict):
        raise InputError(
            f"{place}: {str(item)[:80]!r} is no object with {', '.join(keys)}; correct or remove it"
        )
    for key in keys:
        value = item.get(key)
        is_text = key in ("file_name", "name")
        if value is None or (is_text and not (isinstance(value, str) and value.strip())):
            raise InputError(f"{place}: no {key}; add it, or give COCO's instances_….json")
        if not is_text and key != "bbox" and (isinstance(value, bool) or not isinstance(value, int | str)):
            raise InputError(
                f"{place}: {key} is {str(value)[:80]!r}, neither a whole number nor a text; correct it"
            )
