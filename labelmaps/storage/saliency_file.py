"""The only writer and reader of saliency maps in HDF5, in a schema that all methods share.

saliency  (image, row, column) float32     unscaled, in the method's own units
point     (image, row, column, 2) float64  the fixation x, y of each cell, in original pixels
image     (image,) text                    ids, in the order of the index
own_label (image,) int16                   the label that the method itself predicts; -1 if it predicts none
digest    (image,) text                    SHA-256 of the bytes of the image that the map was made from

The attributes record the provenance: the method and its options; for a method on label maps, the integrity and the
provenance of these label maps; for a method on the activations at x₀, the weights, the view and the precision. They also
seal the file (see `labelmaps.storage.sealed_hdf5`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labelmaps.errors import InputError
from labelmaps.storage.hdf5 import new_hdf5
from labelmaps.storage.sealed_hdf5 import SealedWriter, open_sealed, refuse_damage

NO_LABEL = -1
IMAGES_PER_CHUNK = 64
DATA = ("image", "saliency", "point", "own_label", "digest")


@dataclass(frozen=True)
class SaliencyMaps:
    """Saliency maps of several images; axes and units are those of the file.

    own_label: None if the method predicts no label.
    digest: the SHA-256 of each image's bytes, or an empty text if it is unknown; None if it is unknown for all images.
    attributes: the provenance, if the maps were read from a file.
    """

    image: list[str]
    saliency: np.ndarray
    point: np.ndarray
    own_label: np.ndarray | None = None
    digest: Sequence[str] | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)


def repeat_for_cases(
    maps: np.ndarray, own_label: np.ndarray | None, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Repeat the maps of an uncued method, which computes one map per image, for each case.

    maps: (image, row, column). own_label: (image,), the labels that the method predicts, or None.
    place: (case,), the index of each case's image, from 0.

    Returns maps (case, row, column), and labels (case,) or None.
    """
    return maps[place], None if own_label is None else own_label[place]


def check_finite(maps: SaliencyMaps) -> None:
    """Raise `InputError`, with the id of the first such image, if its map contains NaN or infinite values."""
    finite = np.isfinite(maps.saliency).all(axis=(1, 2))
    if not finite.all():
        raise InputError(
            f"{maps.image[finite.argmin()]}: its saliency map contains NaN or infinite values. Check the weights, or choose "
            "a wider precision (compute.precision)"
        )


def write_saliency(path: str | Path, maps: SaliencyMaps, attributes: Mapping[str, object]) -> None:
    """Write saliency maps to a file, which appears at `path` when it is complete.

    attributes: the provenance of the maps.

    Raises `InputError` as `check_finite` does.
    """
    check_finite(maps)
    own_label = np.full(len(maps.image), NO_LABEL) if maps.own_label is None else maps.own_label
    with new_hdf5(path) as file:
        sealed = SealedWriter(file)
        sealed.add_texts("image", maps.image)
        sealed.add("saliency", maps.saliency.astype(np.float32), IMAGES_PER_CHUNK)
        sealed.add("point", maps.point.astype(np.float64), IMAGES_PER_CHUNK)
        sealed.add("own_label", own_label.astype(np.int16), IMAGES_PER_CHUNK)
        sealed.add_texts("digest", list(maps.digest or [""] * len(maps.image)))
        sealed.seal(attributes)


def read_saliency(path: str | Path) -> SaliencyMaps:
    """Read all saliency maps of a file, and compare them with their checksums; raise `InputError` if it is damaged."""
    return _read(path, [slice(None)], DATA)


def read_saliency_maps(path: str | Path, places: Sequence[int]) -> SaliencyMaps:
    """Read the saliency maps of some images; raise `InputError` as `read_saliency` does.

    places: the rows of the images in the index, from 0.
    """
    rows = [slice(place, place + 1) for place in places]
    return _read(path, rows, ["image", "digest"])  # HDF5 compares the checksums of the chunks that are read


def _read(path: str | Path, rows: Sequence[slice], compare: Collection[str]) -> SaliencyMaps:
    """Read the maps of some rows, joined in the order of the slices.

    compare: the HDF5 data sets that are first compared as a whole with their checksums; of the others, the chunks that are
    read are compared. Raises `InputError` if the file is missing, damaged, or no file of saliency maps.
    """
    with open_sealed(path, DATA, compare) as file:
        with refuse_damage(path):
            (n_images,), (_, *cells) = file.shape("image"), file.shape("saliency")
            file.check_form("saliency", np.dtype(np.float32), (n_images, *cells))
            file.check_form("point", np.dtype(np.float64), (n_images, *cells, 2))
            file.check_form("own_label", np.dtype(np.int16), (n_images,))
        names = ("saliency", "point", "own_label")
        arrays = (np.concatenate([file.read(name, some) for some in rows]) for name in names)
        ids, digests = (
            [text for some in rows for text in file.texts(name, some)] for name in ("image", "digest")
        )
        return SaliencyMaps(ids, *arrays, digests, attributes=file.attributes)
