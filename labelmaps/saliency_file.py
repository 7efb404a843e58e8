"""Saliency maps in HDF5: one schema for every method, the one writer and the one reader.

saliency  (image, row, column) float32     raw, in the method's own units
point     (image, row, column, 2) float64  x, y that each cell stands for, in original pixels
image     (image,) text                    ids, in the order of the index
own_label (image,) int16                   the label that the method itself gives; -1: it gives none
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from labelmaps.errors import InputError
from labelmaps.hdf5 import new_hdf5

NO_LABEL = -1


@dataclass(frozen=True)
class SaliencyMaps:
    """Saliency maps of all images; axes and units as in the file. own_label may be left out where there is none."""

    image: list[str]
    saliency: np.ndarray
    point: np.ndarray
    own_label: np.ndarray | None = None


def write_saliency(path: str | Path, maps: SaliencyMaps, attributes: Mapping[str, object]) -> None:
    """Write saliency maps; raises `InputError` naming the first image whose map is not finite."""
    finite = np.isfinite(maps.saliency).all(axis=(1, 2))
    if not finite.all():
        raise InputError(f"{maps.image[finite.argmin()]}: its saliency map holds NaN or infinite values")
    with new_hdf5(path) as file:
        file.create_dataset("image", data=maps.image, dtype=h5py.string_dtype())
        file.create_dataset("saliency", data=maps.saliency.astype(np.float32), fletcher32=True, chunks=True)
        file.create_dataset("point", data=maps.point.astype(np.float64), fletcher32=True, chunks=True)
        own_label = np.full(len(maps.image), NO_LABEL) if maps.own_label is None else maps.own_label
        file.create_dataset("own_label", data=own_label.astype(np.int16), fletcher32=True, chunks=True)
        for key, value in attributes.items():
            file.attrs[key] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def read_saliency(path: str | Path) -> SaliencyMaps:
    """Read saliency maps; raises `InputError` where the file is missing or damaged."""
    return _read(path, slice(None))


def read_saliency_map(path: str | Path, place: int) -> SaliencyMaps:
    """Read the map of the image at `place` in the index alone; raises as `read_saliency`."""
    return _read(path, slice(place, place + 1))


def _read(path: str | Path, images: slice) -> SaliencyMaps:
    try:
        with h5py.File(path, "r", locking=False) as file:
            ids = file["image"].asstr()[images].tolist()
            return SaliencyMaps(ids, *(file[name][images] for name in ("saliency", "point", "own_label")))
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: missing or damaged ({error}). Delete it and run again") from error
