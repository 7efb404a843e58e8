"""Tables and saliency maps derived from label maps, read only if they come from the expected label maps."""

from pathlib import Path

import pandas as pd

from labelmaps.storage.label_map_file import LabelMapFile
from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import (
    OLDER,
    Attributes,
    check_same_images,
    check_same_origin,
    check_same_pixels,
)
from labelmaps.storage.saliency_file import SaliencyMaps, read_saliency_map


def read_rows(path: str | Path, images: list[str], origin: Attributes) -> pd.DataFrame:
    """Read a table that has one row for each of these images, in their order.

    images: the ids that the table must have.
    origin: the provenance of the label maps, or the attributes of another table made from them.

    Raises `InputError` if the table is damaged, has other images, or was made from other label maps.
    """
    table = read_parquet(path)
    check_same_images(images, table["image"].tolist(), path)
    check_same_origin(origin, table.attrs, path)
    return table


def read_map(path: str | Path, place: int, image: str, label_maps: LabelMapFile) -> SaliencyMaps:
    """Read the saliency map of one image.

    place: the row of the image in the index, from 0. image: its id. label_maps: those that it is read with.

    Raises `InputError` if the file is damaged, has another image at that place, or was made from other label maps or
    other pixels.
    """
    maps = read_saliency_map(path, place)
    check_same_images([image], maps.image, path)
    check_saliency(maps, label_maps, path, slice(place, place + 1))
    return maps


def check_saliency(
    maps: SaliencyMaps, label_maps: LabelMapFile, path: str | Path, rows: slice = slice(None)
) -> None:
    """Raise `InputError` unless saliency maps, read from `path`, have the origin of the label maps of these rows.

    The network, the view and the precision must be the same, and the pixels: a method on the activations at x₀ has read the
    images itself.
    """
    check_same_origin(label_maps.origin, maps.attributes, path)
    check_same_pixels(maps.image, label_maps.digests[rows], maps.digest or [], path, OLDER)
