"""Pascal VOC: a root with a list of images, their files, and an XML file of the objects in each."""

from collections.abc import Iterator
from pathlib import Path

from labelmaps.data.annotations import Annotations, collect, xml_entries
from labelmaps.data.classes import Class, class_indices
from labelmaps.data.file_names import LARGEST_XML
from labelmaps.data.formats.found import FoundImage
from labelmaps.data.formats.voc_files import ListedImage, listed_images, voc_root
from labelmaps.storage.files import open_regular


def read_voc(path: Path, subset: str, classes: list[Class]) -> tuple[list[FoundImage], Annotations]:
    """Find the images that a list of a Pascal VOC root names, and read their objects.

    path: the root, or the folder that holds it alone. subset: the list's name, such as val.

    The numbers of a box are its corners as the XML has them; Pascal VOC counts pixels from 1. An image that is listed and
    absent, or that has no readable XML, is found with the reason why it cannot be used.

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
    files: Iterator[tuple[str, bytes]] = ((f"{item.name}.xml", content) for item, content in readable)
    return found, collect(xml_entries(files, class_indices(classes)))


def _read_xml(item: ListedImage) -> bytes | str:
    """Read the XML file of an image, or say why that cannot be."""
    if item.xml is None:
        return f"no annotation: no {item.name}.xml in Annotations ({item.place})"
    try:
        with open_regular(item.xml) as file:
            content = file.read(LARGEST_XML + 1)
    except OSError as error:
        return f"unreadable XML: {error} ({item.xml})"
    return content if len(content) <= LARGEST_XML else f"too large an XML file for boxes: {item.xml}"
