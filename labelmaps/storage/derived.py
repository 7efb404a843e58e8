"""Tables and saliency maps derived from label maps, read only if they come from the expected label maps."""

from pathlib import Path

import pandas as pd

from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import Attributes, check_same_images, check_same_origin
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


def read_map(path: str | Path, place: int, image: str, origin: Attributes) -> SaliencyMaps:
    """Read the saliency map of one image.

    place: the row of the image in the index, from 0. image: its id. origin: as for `read_rows`.

    Raises `InputError` if the file is damaged, has another image at that place, or was made from other label maps.
    """
    maps = read_saliency_map(path, place)
    check_same_images([image], maps.image, path)
    check_same_origin(origin, maps.attributes, path)
    return maps
