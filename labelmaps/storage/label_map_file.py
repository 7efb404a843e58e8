"""The one writer, the one join and the one reader of label maps in HDF5.

A part holds, for n images, a g × g grid and K labels:

log_probability  (image, row, column, label) float16   log p(k|x_u) in nats, exact near 0
log_sum_exp      (image, row, column) float32          logit = log_probability + log_sum_exp
top_label        (image, row, column) int16            arg max over labels of the unrounded logits
centre           (image, row, column, 2) float64       the fixation x, y, in original pixels
extent           (image, row, column, 4) float64       the box x0, y0, x1, y1 that fills the view, in original pixels
image            (image,) text                         ids, in the order of the index
digest           (image,) text                         SHA-256 of the bytes of the image that the views were made from

The first three are computed from unrounded float32 logits. Decide whether the network is right by `top_label`, never by
`log_probability`, which is rounded. The attributes record the provenance of the part and seal it (see
`labelmaps.storage.sealed_hdf5`).

The joined file has virtual data sets of the same names, which show the data of all parts without a copy, and also

part             (part,) text                          path of each part, relative to the joined file's folder
part_integrity   (part,) text                          the part's attribute `integrity`
part_batch       (part,) int64                         the part's attribute `batch`; it is smaller if memory ran out

Its attributes are those that the parts have in common. Its seal does not cover the virtual data sets: the seals of the parts
cover their data. The reader reads the parts themselves.

An image has one label map, also where it shows several classes. Where label maps are read with an index, which has one row
per image and class, the reader gives those of each row.
"""

import copy
import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order
from labelmaps.storage.hdf5 import new_hdf5
from labelmaps.storage.provenance import (
    REMAKE,
    check_same_images,
    check_same_pixels,
    list_differences,
    parsed,
)
from labelmaps.storage.sealed_hdf5 import (
    TEXTS_PER_CHUNK,
    SealedFile,
    SealedWriter,
    open_sealed,
    refuse_damage,
)

DTYPES = {
    "log_probability": np.dtype(np.float16),
    "log_sum_exp": np.dtype(np.float32),
    "top_label": np.dtype(np.int16),
    "centre": np.dtype(np.float64),
    "extent": np.dtype(np.float64),
}
IMAGES_PER_CHUNK = 8  # 0.8 MB of log-probabilities for 7 × 7 fixations and 1000 labels
IMAGES_PER_READ = 64  # for readers that compute little with each image: fewer calls of HDF5
IMAGES_PER_BLOCK = 16  # 3 MB in float32: a method's temporary arrays stay in the processor's cache
# The attributes that say in tables what they were made from; `pixels_sha256` is that of the digests of all images.
ORIGIN_OF_TABLES = ("label_maps", "pixels_sha256", "weights_source", "network", "view", "engine", "precision")
OF_PART = ("image", "digest", *DTYPES)
OF_JOINED = ("image", "digest", "part", "part_integrity", "part_batch")


@dataclass(frozen=True)
class LabelMaps:
    """Label maps of several images, with the axes and units of the file; log-probabilities are float32."""

    image: list[str]
    log_probability: np.ndarray
    log_sum_exp: np.ndarray
    top_label: np.ndarray
    centre: np.ndarray
    extent: np.ndarray

    @property
    def initial(self) -> tuple[int, int]:
        """Row and column of x₀, the view from the grid's centre."""
        rows, columns = self.log_sum_exp.shape[1:]
        return rows // 2, columns // 2


class LabelMapWriter:
    """A writer that appends blocks of images to a new label map file; `write_label_maps` opens it."""

    def __init__(self, file: h5py.File, images: list[str], grid: int, n_labels: int):
        self.sealed = SealedWriter(file)
        self._pending: dict[str, list[np.ndarray]] = {name: [] for name in DTYPES}
        self._digests: list[str] = []
        self.sealed.add_texts("image", images)
        for name, shape in _shapes(len(images), grid, n_labels).items():
            self.sealed.create_dataset(name, shape, DTYPES[name], IMAGES_PER_CHUNK)

    def append(self, *, digest: Sequence[str], **blocks: np.ndarray) -> None:
        """Append the next images; they are written once there are enough of them to fill a chunk.

        digest: of each image. blocks: for every data set of maps, an array (image, row, column, …).
        """
        self._digests += digest
        for name, pending in self._pending.items():
            pending.append(blocks[name])
        if sum(map(len, self._pending["top_label"])) >= IMAGES_PER_CHUNK:
            self._write()

    def _write(self) -> None:
        """Write the blocks that are pending."""
        for name, pending in self._pending.items():
            if pending:
                self.sealed.append(name, np.concatenate(pending))
                pending.clear()

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Write the blocks that are pending, and seal the file with these attributes."""
        self._write()
        self.sealed.add_texts("digest", self._digests)
        self.sealed.seal(attributes)


@contextmanager
def write_label_maps(
    path: str | Path, images: list[str], grid: int, n_labels: int, attributes: Mapping[str, object]
) -> Generator[LabelMapWriter]:
    """Yield a writer of a new label map file, which appears at `path` when the block succeeds.

    images: the ids of all images that will be appended, in order.
    grid: the number of rows, and of columns, of the fixation grid.
    n_labels: the number of the network's logits.
    attributes: the provenance.

    Raises `InputError` as `moved_into_place` does.
    """
    with new_hdf5(path) as file:
        writer = LabelMapWriter(file, images, grid, n_labels)
        yield writer
        writer.seal(attributes)


def join_label_maps(parts: list[Path], path: Path, images: list[str], digests: list[str]) -> None:
    """Join parts into one file that shows their data without a copy; compare every part with its seal first.

    parts: in the order of their images. path: of the joined file; the parts lie in its folder or below.
    images: the ids in the index, which the parts hold one after the other. digests: of these images.

    The joined file stores the integrity of each part, so that it changes when a part changes, and `open_label_maps` refuses
    parts that were exchanged.

    Raises `InputError` for a part that is damaged, holds other images than the index or was made from other pixels, and for
    parts that were made with different weights, views or settings.
    """
    names = [part.relative_to(path.parent).as_posix() for part in parts]
    integrity, batches, common, start = [], [], {}, 0
    shapes = {name: [] for name in DTYPES}
    for part in parts:
        with open_sealed(part, OF_PART) as file:
            provenance = read_provenance(file)
            provenance["grid and labels"] = file.shape("log_probability")[1:]
            common = common or provenance
            if differences := list_differences(provenance, common):
                raise InputError(
                    f"{part}: made otherwise than {parts[0]} ({', '.join(differences)}). Delete the older one and run again"
                )
            part_images = file.texts("image")
            rows = slice(start, start + len(part_images))
            check_same_images(images[rows], part_images, part)
            check_same_pixels(part_images, digests[rows], file.texts("digest"), part)
            start = rows.stop
            integrity.append(file.integrity)
            batches.append(file.attributes["batch"])
            for name, part_shapes in shapes.items():
                part_shapes.append(file.shape(name))
    if start != len(images):
        raise InputError(
            f"{parts[-1]}: the index has {len(images) - start} more images. Delete all parts and run again"
        )
    del common["grid and labels"]
    with new_hdf5(path) as file:
        sealed = SealedWriter(file)
        sealed.add_texts("image", images)
        sealed.add_texts("digest", digests)
        sealed.add_texts("part", names)
        sealed.add_texts("part_integrity", integrity)
        sealed.add("part_batch", np.array(batches, np.int64), TEXTS_PER_CHUNK)
        for name, part_shapes in shapes.items():
            show_parts(file, name, names, part_shapes)
        sealed.seal(common)


def read_provenance(part: SealedFile) -> dict[str, object]:
    """Read what made a part, except for `batch`: it is smaller where memory ran out, but the results do not depend on it."""
    return {key: value for key, value in part.attributes.items() if key != "batch"}


def show_parts(file: h5py.File, name: str, parts: list[str], shapes: list[tuple[int, ...]]) -> None:
    """Create the virtual data set `name` in a joined file, which shows that data set of all parts, one after the other.

    parts: their paths, relative to the folder of the joined file. shapes: of the data set in each part.
    """
    layout = h5py.VirtualLayout((sum(shape[0] for shape in shapes), *shapes[0][1:]), DTYPES[name])
    start = 0
    for part, shape in zip(parts, shapes, strict=True):
        if shape[0]:
            layout[start : start + shape[0]] = h5py.VirtualSource(part, name, shape)
        start += shape[0]
    layout.dcpl.set_obj_track_times(False)  # the same parts must give the same bytes
    # HDF5 reads a missing part as the fill value, which must not look like data.
    file.create_virtual_dataset(name, layout, fillvalue=np.nan if DTYPES[name].kind == "f" else -1)


def _shapes(n_images: int, grid: int, n_labels: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each data set of maps."""
    tails = {"log_probability": (n_labels,), "centre": (2,), "extent": (4,)}
    return {name: (n_images, grid, grid, *tails.get(name, ())) for name in DTYPES}


def _check_forms(part: SealedFile) -> None:
    """Raise `InputError` if the maps of a part do not belong together by their types and shapes."""
    (n_images,), (grid, n_labels) = part.shape("image"), part.shape("log_probability")[-2:]
    for name, shape in _shapes(n_images, grid, n_labels).items():
        part.check_form(name, DTYPES[name], shape)


class LabelMapFile:
    """A joined label map file, open for reading; `open_label_maps` opens it.

    images, digests: of each row, of which there is one per image, or, as `of_cases` returns it, one per case.
    place: which of the images in the file a row is of, from 0.
    """

    def __init__(self, joined: SealedFile, parts: list[SealedFile]):
        self.images, self.digests = joined.texts("image"), joined.texts("digest")
        self.place = np.arange(len(self.images))
        self._whole: LabelMapFile | None = None
        self.pixels_sha256 = hashlib.sha256("".join(self.digests).encode()).hexdigest()
        self.attributes = joined.attributes
        self.integrity = joined.integrity
        self._parts = parts
        lengths = [part.shape("image")[0] for part in parts]
        self._starts = np.cumsum([0, *lengths[:-1]]).tolist()  # in `images`

    @cached_property
    def origin(self) -> dict[str, object]:
        """Provenance and integrity of the label maps, as `labelmaps.storage.provenance.check_same_origin` compares them."""
        return self.attributes | {"label_maps": self.integrity, "pixels_sha256": self.pixels_sha256}

    @property
    def origin_of_tables(self) -> dict[str, object]:
        """What tables made from the label maps say of their origin, in their attributes."""
        return {key: self.origin[key] for key in ORIGIN_OF_TABLES}

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the label maps: view, preprocessing, weights, versions."""
        return parsed(self.attributes)

    @property
    def by_image(self) -> "LabelMapFile":
        """The same file with one row per image."""
        return self._whole or self

    def of_cases(self, images: list[str], path: str | Path) -> "LabelMapFile":
        """Return the same file with one row per case.

        images: the id of each case's image; the cases of an image stand one after the other. path: of what has these cases.

        Raises `InputError` unless they are the images of the file, in its order.
        """
        place = images_of_cases(images)
        firsts = np.flatnonzero(np.diff(place, prepend=-1))
        check_same_images(self.images, [images[first] for first in firsts], path)
        cases = copy.copy(self)
        cases.images, cases.place, cases._whole = images, place, self
        cases.digests = [self.digests[place] for place in cases.place]
        return cases

    def blocks(self, size: int = IMAGES_PER_BLOCK) -> Iterator[LabelMaps]:
        """Yield all label maps in order, `size` rows at a time; a thread reads the next block ahead."""
        places = ((start, start + size) for start in range(0, len(self.images), size))
        with ThreadPoolExecutor(1) as pool:
            yield from in_order(pool, self.read, places, ahead=2)

    def read(self, start: int, stop: int) -> LabelMaps:
        """Read the label maps of the rows from `start` up to, but without, `stop`."""
        arrays = {name: self._read_rows(name, start, stop) for name in DTYPES}
        arrays["log_probability"] = arrays["log_probability"].astype(np.float32)
        return LabelMaps(image=self.images[start:stop], **arrays)

    def field(self, name: str) -> np.ndarray:
        """Read one data set for all rows; not for log-probabilities, which may not fit in memory."""
        return self._read_rows(name, 0, len(self.images))

    def _read_rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read one data set for the rows from `start` up to `stop`."""
        place = self.place[start:stop]
        first = place[0] if len(place) else 0
        images = self._read(name, first, place[-1] + 1 if len(place) else 0)
        return images if len(images) == len(place) else images[place - first]

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read one data set for the images from `start` up to `stop`, from the parts that hold them."""
        first = bisect_right(self._starts, start) - 1
        last = max(bisect_left(self._starts, stop) - 1, first)
        pieces = [
            self._parts[i].read(name, slice(max(start - self._starts[i], 0), stop - self._starts[i]))
            for i in range(first, last + 1)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def images_of_cases(images: Sequence[str]) -> np.ndarray:
    """Count the images up to that of each case, (case,), from 0; the cases of an image stand one after the other.

    images: the ids, (case,).
    """
    ids = np.asarray(images, object)
    return np.cumsum(np.concatenate([[False], ids[1:] != ids[:-1]])[: len(ids)], dtype=int)


def find_part(path: Path, name: str) -> Path:
    """Find a part of joined label maps: beside the joined file, or beside the file to which that is a link.

    Raises `InputError` if it is in neither place.
    """
    places = [path.parent / name, path.resolve().parent / name]
    for part in places:
        if part.exists() or part.is_symlink():
            return part
    raise InputError(
        f"{places[-1]}: no such file. Label maps are {path.name} and the folder {Path(name).parent} beside it: bring both, "
        f"or delete {path} and run again"
    )


@contextmanager
def open_label_maps(path: str | Path, index: pd.DataFrame | None = None) -> Generator[LabelMapFile]:
    """Open joined label maps.

    index: its rows, if they are read, which must be of the images of the label maps. The file then has one row for each.

    Raises `InputError` if a part is missing, damaged or not the one that was joined, and for label maps of other images than
    the index has, or made from other pixels.
    """
    path = Path(path)
    with ExitStack() as stack:
        joined = stack.enter_context(open_sealed(path, OF_JOINED))
        parts = []
        for name, integrity in zip(joined.texts("part"), joined.texts("part_integrity"), strict=True):
            part = find_part(path, name)
            # HDF5 compares the checksums of the maps' chunks when it reads them.
            file = stack.enter_context(
                open_sealed(part, OF_PART, ["image"], f"Delete it and {path}, and run again")
            )
            if file.integrity != integrity:
                differences = list_differences(read_provenance(file), joined.attributes) or ["images or data"]
                raise InputError(
                    f"{part}: changed since it was joined ({', '.join(differences)}). Delete {path} and run again"
                )
            with refuse_damage(part):
                _check_forms(file)
            parts.append(file)
        file = LabelMapFile(joined, parts)
        if index is not None:
            file = file.of_cases(index["image"].tolist(), path)
            check_same_pixels(index["image"], index["digest"], file.digests, path, REMAKE)
        yield file
