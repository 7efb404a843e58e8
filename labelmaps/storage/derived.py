"""The reading of tables and saliency maps that were made from label maps, with a check that it was from these label maps."""

from collections.abc import Sequence
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
from labelmaps.storage.saliency_file import SaliencyMaps, read_saliency_maps


def read_rows(path: str | Path, images: list[str], origin: Attributes) -> pd.DataFrame:
    """Read a table with one row per image, and check that it has the right images and was made from the right label maps.

    images: the ids that the table must have, in this order.
    origin: the provenance of the label maps, or the attributes of another table made from them.

    Raises `InputError` if the table is damaged, has other images, or was made from other label maps.
    """
    table = read_parquet(path)
    check_same_images(images, table["image"].tolist(), path)
    check_same_origin(origin, table.attrs, path)
    return table


def read_maps(
    path: str | Path, places: Sequence[int], images: Sequence[str], label_maps: LabelMapFile
) -> SaliencyMaps:
    """Read the saliency maps of some images, and check that they belong to the given label maps.

    places: the rows of the images in the index, from 0.
    images: the ids of these images.
    label_maps: the label maps with which the saliency maps are used.

    Raises `InputError` if the file is damaged, has other images at those places, or was made from other label maps or
    other pixels.
    """
    maps = read_saliency_maps(path, places)
    check_same_images(list(images), maps.image, path)
    check_saliency(maps, label_maps, path, places)
    return maps


def check_saliency(
    maps: SaliencyMaps, label_maps: LabelMapFile, path: str | Path, places: Sequence[int] | None = None
) -> None:
    """Raise `InputError` unless saliency maps, read from `path`, have the same origin as the label maps.

    places: the rows of the label maps to which the saliency maps belong, from 0; all rows by default.

    The network, the view and the precision must be the same. The pixels must be the same, too, because a method on the
    activations at x₀ has read the images itself.
    """
    check_same_origin(label_maps.origin, maps.attributes, path)
    digests = label_maps.digests if places is None else [label_maps.digests[place] for place in places]
    check_same_pixels(maps.image, digests, maps.digest or [], path, OLDER)
