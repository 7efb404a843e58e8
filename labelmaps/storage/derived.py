"""What was made from label maps, image by image; what was made from others is refused."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from labelmaps.storage.parquet import read_parquet
from labelmaps.storage.provenance import check_same_images, check_same_origin
from labelmaps.storage.saliency_file import SaliencyMaps, read_saliency_map


def read_rows(path: str | Path, images: list[str], origin: Mapping[str, object]) -> pd.DataFrame:
    """A table with one row for each of these images, in their order.

    origin: of the label maps, or of another table made from them. Raises `InputError` for a damaged table, and for one of
    other images or another origin.
    """
    table = read_parquet(path)
    check_same_images(images, table["image"].tolist(), path)
    check_same_origin(origin, table.attrs, path)
    return table


def read_map(path: str | Path, place: int, image: str, origin: Mapping[str, object]) -> SaliencyMaps:
    """A method's map of the image at `place` in the index; origin, and what is raised, as for `read_rows`."""
    maps = read_saliency_map(path, place)
    check_same_images([image], maps.image, path)
    check_same_origin(origin, maps.attributes, path)
    return maps
