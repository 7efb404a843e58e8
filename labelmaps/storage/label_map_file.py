"""The only writer, join and reader of label maps in HDF5.

A part contains, for n images, a g × g grid and K labels:

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

The joined file has virtual data sets of the same names, through which the data of all parts can be read without a copy, and

part             (part,) text                          path of each part, relative to the joined file's folder
part_integrity   (part,) text                          the part's attribute `integrity`
part_batch       (part,) int64                         the part's attribute `batch`; it is smaller if memory ran out

Its attributes are those that all parts have in common. Its seal does not cover the virtual data sets, because the seals of
the parts cover their data. The reader here reads the parts themselves.

An image has one label map, even if it shows several classes. If label maps are opened with an index, which has one row per
case, the reader returns one label map per row.
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
    parse_attributes,
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
IMAGES_PER_READ = 64  # for readers that compute little with each image, so that they call HDF5 less often
IMAGES_PER_BLOCK = 16  # 3 MB in float32, so that a method's temporary arrays fit in the processor's cache
# The provenance that tables made from label maps record; `pixels_sha256` is the hash of the digests of all images.
ORIGIN_OF_TABLES = ("label_maps", "pixels_sha256", "weights_source", "network", "view", "engine", "precision")
OF_PART = ("image", "digest", *DTYPES)
OF_JOINED = ("image", "digest", "part", "part_integrity", "part_batch")


@dataclass(frozen=True)
class LabelMaps:
    """Label maps of several images; axes and units are those of the file, but log-probabilities are float32."""

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
    """A writer that appends blocks of images to a new label map file; `write_label_maps` creates it.

    images, grid, n_labels: as for `write_label_maps`.
    """

    def __init__(self, file: h5py.File, images: list[str], grid: int, n_labels: int):
        self.sealed = SealedWriter(file)
        self._pending: dict[str, list[np.ndarray]] = {name: [] for name in DTYPES}
        self._digests: list[str] = []
        self.sealed.add_texts("image", images)
        for name, shape in _shapes(len(images), grid, n_labels).items():
            self.sealed.create_dataset(name, shape, DTYPES[name], IMAGES_PER_CHUNK)

    def append(self, *, digest: Sequence[str], **blocks: np.ndarray) -> None:
        """Append the label maps of the next images; they are written as soon as they fill a chunk.

        digest: the SHA-256 of each image's bytes.
        blocks: an array (image, row, column, …) for each data set in `DTYPES`, by its name.
        """
        self._digests += digest
        for name, pending in self._pending.items():
            pending.append(blocks[name])
        if sum(map(len, self._pending["top_label"])) >= IMAGES_PER_CHUNK:
            self._write()

    def _write(self) -> None:
        """Write all pending blocks to the file."""
        for name, pending in self._pending.items():
            if pending:
                self.sealed.append(name, np.concatenate(pending))
                pending.clear()

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Write all pending blocks, and seal the file with these attributes, its provenance."""
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
    attributes: the provenance of the label maps.

    Raises `InputError` as `moved_into_place` does.
    """
    with new_hdf5(path) as file:
        writer = LabelMapWriter(file, images, grid, n_labels)
        yield writer
        writer.seal(attributes)


def join_label_maps(parts: list[Path], path: Path, images: list[str], digests: list[str]) -> None:
    """Compare all parts with their checksums, and join them into one file through which their data can be read.

    parts: the paths of the parts, in the order of their images.
    path: the path of the joined file; the parts lie in its folder or below.
    images: the ids of all images in the index; the parts contain them one after the other.
    digests: the SHA-256 of the bytes of each of these images, or an empty text if it is unknown.

    The data are not copied. The joined file stores the integrity of each part, so that `open_label_maps` refuses a part that
    has changed since.

    Raises `InputError` for a part that is damaged, contains other images than the index or was made from other pixels, and
    for parts that were made with different weights, views or settings.
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
                    f"{part}: not made in the same way as {parts[0]} (they differ in {', '.join(differences)}). Delete the "
                    "older one and run again"
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
            f"{parts[-1]}: the parts lack {len(images) - start} of the index's images. Delete all parts and run again"
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
            create_virtual_dataset(file, name, names, part_shapes)
        sealed.seal(common)


def read_provenance(part: SealedFile) -> dict[str, object]:
    """Return the provenance of a part except `batch`, which is smaller if memory ran out and does not affect the results."""
    return {key: value for key, value in part.attributes.items() if key != "batch"}


def create_virtual_dataset(
    file: h5py.File, name: str, parts: list[str], shapes: list[tuple[int, ...]]
) -> None:
    """Create the virtual data set `name` in a joined file, which concatenates the data sets of this name in all parts.

    parts: the paths of the parts, relative to the folder of the joined file. shapes: the shape of the data set in
    each part.
    """
    layout = h5py.VirtualLayout((sum(shape[0] for shape in shapes), *shapes[0][1:]), DTYPES[name])
    start = 0
    for part, shape in zip(parts, shapes, strict=True):
        if shape[0]:
            layout[start : start + shape[0]] = h5py.VirtualSource(part, name, shape)
        start += shape[0]
    layout.dcpl.set_obj_track_times(False)  # the same parts must give the same bytes
    # For a missing part, HDF5 returns the fill value, which must not look like data.
    file.create_virtual_dataset(name, layout, fillvalue=np.nan if DTYPES[name].kind == "f" else -1)


def _shapes(n_images: int, grid: int, n_labels: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each data set in `DTYPES`, by its name."""
    tails = {"log_probability": (n_labels,), "centre": (2,), "extent": (4,)}
    return {name: (n_images, grid, grid, *tails.get(name, ())) for name in DTYPES}


def _check_forms(part: SealedFile) -> None:
    """Raise `InputError` if the data sets of a part do not have the right types, or shapes that fit one another."""
    (n_images,), (grid, n_labels) = part.shape("image"), part.shape("log_probability")[-2:]
    for name, shape in _shapes(n_images, grid, n_labels).items():
        part.check_form(name, DTYPES[name], shape)


class LabelMapFile:
    """A joined label map file, open for reading; `open_label_maps` opens it.

    It has one row per image or, as `of_cases` returns it, one row per case.

    joined, parts: the sealed files.

    Attributes:
    images, digests: the id of each row's image, and the SHA-256 of the bytes from which its views were made.
    place: (row,), the index of each row's image in the file, from 0.
    attributes, integrity: those of the joined file. pixels_sha256: the hash of all digests.
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
        """The provenance that tables made from these label maps record as attributes."""
        return {key: self.origin[key] for key in ORIGIN_OF_TABLES}

    @property
    def provenance(self) -> dict[str, Any]:
        """The provenance of the label maps: view, preprocessing, weights and versions, with structured values parsed."""
        return parse_attributes(self.attributes)

    @property
    def by_image(self) -> "LabelMapFile":
        """The same file with one row per image."""
        return self._whole or self

    def of_cases(self, images: list[str], path: str | Path) -> "LabelMapFile":
        """Return this file with one row per case.

        images: the id of each case's image; the cases of an image follow one another.
        path: the path of the label maps, for the message.

        Raises `InputError` unless the cases have the images of the file, in its order.
        """
        place = index_images(images)
        firsts = np.flatnonzero(np.diff(place, prepend=-1))
        check_same_images(self.images, [images[first] for first in firsts], path)
        cases = copy.copy(self)
        cases.images, cases.place, cases._whole = images, place, self
        cases.digests = [self.digests[place] for place in cases.place]
        return cases

    def blocks(self, size: int = IMAGES_PER_BLOCK) -> Iterator[LabelMaps]:
        """Yield all label maps in order, `size` rows at a time, while a thread reads the next block."""
        places = ((start, start + size) for start in range(0, len(self.images), size))
        with ThreadPoolExecutor(1) as pool:
            yield from in_order(pool, self.read, places, ahead=2)

    def read(self, start: int, stop: int) -> LabelMaps:
        """Read the label maps of the rows from `start` up to but excluding `stop`.

        Raises `InputError` if the chunks that contain them are damaged.
        """
        arrays = {name: self._read_rows(name, start, stop) for name in DTYPES}
        arrays["log_probability"] = arrays["log_probability"].astype(np.float32)
        return LabelMaps(image=self.images[start:stop], **arrays)

    def field(self, name: str) -> np.ndarray:
        """Read one data set for all rows, with the type and axes of the file; log-probabilities may not fit in memory.

        name: the name of the data set, one of `DTYPES`.
        """
        return self._read_rows(name, 0, len(self.images))

    def _read_rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read one data set for the rows from `start` up to but excluding `stop`."""
        place = self.place[start:stop]
        first = place[0] if len(place) else 0
        images = self._read(name, first, place[-1] + 1 if len(place) else 0)
        return images if len(images) == len(place) else images[place - first]

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read one data set for the images from `start` up to but excluding `stop`, from the parts that contain them."""
        first = bisect_right(self._starts, start) - 1
        last = max(bisect_left(self._starts, stop) - 1, first)
        pieces = [
            self._parts[i].read(name, slice(max(start - self._starts[i], 0), stop - self._starts[i]))
            for i in range(first, last + 1)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def index_images(images: Sequence[str]) -> np.ndarray:
    """Compute the index of each case's image among the images, from 0.

    images: (case,), the id of each case's image; the cases of an image follow one another.
    Returns (case,) integers.
    """
    ids = np.asarray(images, object)
    return np.cumsum(np.concatenate([[False], ids[1:] != ids[:-1]])[: len(ids)], dtype=int)


def find_part(path: Path, name: str) -> Path:
    """Find a part of joined label maps, relative to the joined file or, if that is a link, to the target of the link.

    path: the path of the joined file. name: the part's path, relative to the joined file's folder.

    Raises `InputError` if the part is in neither place.
    """
    places = [path.parent / name, path.resolve().parent / name]
    for part in places:
        if part.exists() or part.is_symlink():
            return part
    raise InputError(
        f"{places[-1]}: no such file. Label maps consist of {path.name} and the folder {Path(name).parent} beside it: copy "
        f"both, or delete {path} and run again"
    )


@contextmanager
def open_label_maps(path: str | Path, index: pd.DataFrame | None = None) -> Generator[LabelMapFile]:
    """Open joined label maps for reading, inside the `with` block.

    index: rows of the same images, or None. With an index, the file has one row for each row of it, else one per image.

    Raises `InputError` if a part is missing, damaged, or not the one that was joined, and if the label maps are of other
    images than the index, or were made from other pixels.
    """
    path = Path(path)
    with ExitStack() as stack:
        joined = stack.enter_context(open_sealed(path, OF_JOINED))
        parts = []
        for name, integrity in zip(joined.texts("part"), joined.texts("part_integrity"), strict=True):
            part = find_part(path, name)
            # The maps are not compared with their checksums here: HDF5 compares those of each chunk when it reads it.
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
