"""The reader of Pascal VOC: a root with a list of images, their files, and an XML file of the objects in each."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

from labelmaps.data.annotations import (
    Annotation,
    Annotations,
    Entry,
    UnusableError,
    collect,
    make_annotation,
    object_of,
    parse_xml,
)
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.file_names import LARGEST_XML
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.objects import WITHOUT_OBJECT
from labelmaps.data.formats.voc_files import ListedImage, listed_images, voc_root
from labelmaps.storage.files import open_regular

logger = logging.getLogger(__name__)


def read_voc(path: Path, subset: str, classes: list[Class]) -> tuple[list[FoundImage], Annotations]:
    """Read the images that a list of a Pascal VOC root names, and their objects.

    path: the root, or the folder that contains only the root. subset: the list's name, such as val. classes: those of the
    classes file.

    The numbers of a box are its corners as in the XML; Pascal VOC counts pixels from 1. A class whose objects in an image
    are all flagged `difficult` is not counted as shown by it, as in VOC's own evaluation and in TorchRay's; otherwise
    flagged objects count. `truncated` and `occluded` are ignored. An image that is listed but missing, or that has no
    readable XML, is returned with the reason why it cannot be used.

    Raises `InputError` if the root or the list cannot be read (see `voc_files`).
    """
    root = voc_root(path)
    found: list[FoundImage] = []
    readable: list[tuple[ListedImage, bytes]] = []
    for item in listed_images(root, subset):
        content = _read_xml(item)
        problem = content if isinstance(content, str) else None
        if item.image is None:
            problem = f"listed and absent: no such image in {root / 'JPEGImages'} ({item.place})"
        elif isinstance(content, bytes):
            readable.append((item, content))
        found.append(FoundImage(item.name, str(item.image or root / item.name), problem=problem))
    difficult: list[str] = []
    annotations = collect(_entries(readable, class_indices(classes), difficult))
    if difficult:
        logger.info(
            "%s: cases left out since all their objects are flagged difficult: %d, of images: %d",
            *(root, len(difficult), len({*difficult})),
        )
    return found, annotations


def _entries(
    readable: list[tuple[ListedImage, bytes]], indices: dict[str, int], difficult: list[str]
) -> Iterator[Entry]:
    """Yield an entry for each image with a readable XML; other arguments as for `_parse`."""
    for item, content in readable:
        yield item.name, partial(_parse, content, item.name, indices, difficult)


def _parse(content: bytes, image: str, indices: dict[str, int], difficult: list[str]) -> Annotation:
    """Parse the XML of an image into its annotation. indices: class id → label.

    difficult: a list to which the image is added once for each class that is left out because all its objects are difficult.

    Raises `UnusableError` if no object is left, and as `parse_xml` and `make_annotation` do.
    """
    items = parse_xml(content, f"{image}.xml", image)
    objects = [object_of(item) for item in items]
    if not objects:
        raise UnusableError(f"{WITHOUT_OBJECT}: its XML has none")
    annotation = make_annotation(objects, indices)
    clear = {indices[name] for item, (name, _) in zip(items, objects, strict=True) if not _is_difficult(item)}
    difficult += [image] * len(annotation.keys() - clear)
    if not clear:
        raise UnusableError(f"{WITHOUT_OBJECT}: difficult ones alone")
    return {label: boxes for label, boxes in annotation.items() if label in clear}


def _is_difficult(item: Element) -> bool:
    """Return whether an object is flagged as difficult."""
    return item.findtext("difficult", default="").strip().lower() in ("1", "true")


def _read_xml(item: ListedImage) -> bytes | str:
    """Read the XML file of an image; return the reason, as text, if that is impossible."""
    if item.xml is None:
        return f"no annotation: no {item.name}.xml in Annotations ({item.place})"
    try:
        with open_regular(item.xml) as file:
            content = file.read(LARGEST_XML + 1)
    except OSError as error:
        return f"unreadable XML: {error} ({item.xml})"
    return content if len(content) <= LARGEST_XML else f"too large an XML file for boxes: {item.xml}"
