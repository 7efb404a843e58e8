"""Label maps in HDF5: the one writer, the one join and the one reader.

A part holds, for n images, a g × g grid and K labels:

log_probability  (image, row, column, label) float16   log p(k|x_u) in nats, exact near 0
log_sum_exp      (image, row, column) float32          logit = log_probability + log_sum_exp
top_label        (image, row, column) int16            arg max over labels of the unrounded logits
centre           (image, row, column, 2) float64       the fixation point x, y, in original pixels
extent           (image, row, column, 4) float64       the box x0, y0, x1, y1 that fills the view, in original pixels
image            (image,) text                         ids, in the order of the index

All three maps come from unrounded float32 logits. Read correctness from `top_label`, never from the rounded cube.
Attributes say what made the part, and seal it (see `labelmaps.storage.sealed_hdf5`).

The joined file shows the same data sets of all images, without a copy, and has beside them

part             (part,) text                          where each part lies, from the joined file's folder
part_integrity   (part,) text                          its attribute `integrity`
part_batch       (part,) int64                         its attribute `batch`: smaller where memory ran out

Its attributes are those that the parts have in common, and its seal covers all but what it shows of the parts, which have
seals of their own. The reader goes to the parts themselves.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from labelmaps.errors import InputError
from labelmaps.jobs.ahead import in_order
from labelmaps.storage.hdf5 import new_hdf5
from labelmaps.storage.provenance import check_same_images, differing, parsed
from labelmaps.storage.sealed_hdf5 import TEXTS_PER_CHUNK, SealedFile, SealedWriter, open_sealed

DTYPES = {
    "log_probability": np.dtype(np.float16),
    "log_sum_exp": np.dtype(np.float32),
    "top_label": np.dtype(np.int16),
    "centre": np.dtype(np.float64),
    "extent": np.dtype(np.float64),
}
IMAGES_PER_CHUNK = 8  # 0.8 MB of log-probabilities for 7 × 7 fixations and 1000 labels
IMAGES_PER_READ = 64  # where few operations follow: fewer calls of HDF5
IMAGES_PER_BLOCK = 16  # 3 MB in float32: the temporaries of a method stay in the processor's cache
OF_PART = ("image", *DTYPES)
OF_JOINED = ("image", "part", "part_integrity", "part_batch")


@dataclass(frozen=True)
class LabelMaps:
    """Label maps of some images; axes and units as in the file, log-probabilities as float32."""

    image: list[str]
    log_probability: np.ndarray
    log_sum_exp: np.ndarray
    top_label: np.ndarray
    centre: np.ndarray
    extent: np.ndarray

    @property
    def initial(self) -> tuple[int, int]:
        """Row and column of x₀, the central view."""
        rows, columns = self.log_sum_exp.shape[1:]
        return rows // 2, columns // 2


class LabelMapWriter:
    """Appends blocks of images to a new label map file; made by `write_label_maps`."""

    def __init__(self, file: h5py.File, images: list[str], grid: int, n_labels: int):
        self.sealed = SealedWriter(file)
        self._waiting: dict[str, list[np.ndarray]] = {name: [] for name in DTYPES}
        self.sealed.add_texts("image", images)
        tails = {"log_probability": (n_labels,), "centre": (2,), "extent": (4,)}
        for name, dtype in DTYPES.items():
            shape = (len(images), grid, grid, *tails.get(name, ()))
            self.sealed.create(name, shape, dtype, IMAGES_PER_CHUNK)

    def append(self, **blocks: np.ndarray) -> None:
        """Write the next images, some later, together: for every data set, an array (image, row, column, …)."""
        for name, waiting in self._waiting.items():
            waiting.append(blocks[name])
        if sum(map(len, self._waiting["top_label"])) >= IMAGES_PER_CHUNK:
            self._write()

    def _write(self) -> None:
        for name, waiting in self._waiting.items():
            if waiting:
                self.sealed.append(name, np.concatenate(waiting))
                waiting.clear()

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Write the rest, and add the attributes and the integrity of the whole."""
        self._write()
        self.sealed.seal(attributes)


@contextmanager
def write_label_maps(
    path: str | Path, images: list[str], grid: int, n_labels: int, attributes: Mapping[str, object]
) -> Iterator[LabelMapWriter]:
    """Write a label map file block by block; it appears under its name only when whole."""
    with new_hdf5(path) as file:
        writer = LabelMapWriter(file, images, grid, n_labels)
        yield writer
        writer.seal(attributes)


def join_label_maps(parts: list[Path], path: Path, images: list[str]) -> None:
    """Join parts into one virtual file above them, without copying; every part is compared with its seal first.

    images: those of the index, which the parts hold one after the other. The joined file stores each part's integrity: it
    changes when a part does, and `open_label_maps` refuses parts that were exchanged. Raises `InputError` for a part that is
    damaged, or of other images, and for parts made with different weights, views or settings.
    """
    names = [part.relative_to(path.parent).as_posix() for part in parts]
    integrity, batches, common, start = [], [], {}, 0
    shapes = {name: [] for name in DTYPES}
    for part in parts:
        with open_sealed(part, OF_PART) as file:
            made = made_by(file)
            made["grid and labels"] = file.shape("log_probability")[1:]
            common = common or made
            if other := differing(made, common):
                raise InputError(
                    f"{part}: made otherwise than {parts[0]} ({', '.join(other)}). Delete the older one and run again"
                )
            of_part = file.texts("image")
            check_same_images(images[start : start + len(of_part)], of_part, part)
            start += len(of_part)
            integrity.append(file.integrity)
            batches.append(file.attributes["batch"])
            for name, of_parts in shapes.items():
                of_parts.append(file.shape(name))
    if start != len(images):
        raise InputError(
            f"{parts[-1]}: the index has {len(images) - start} more images. Delete all parts and run again"
        )
    del common["grid and labels"]
    with new_hdf5(path) as file:
        sealed = SealedWriter(file)
        sealed.add_texts("image", images)
        sealed.add_texts("part", names)
        sealed.add_texts("part_integrity", integrity)
        sealed.add("part_batch", np.array(batches, np.int64), TEXTS_PER_CHUNK)
        for name, of_parts in shapes.items():
            show_parts(file, name, names, of_parts)
        sealed.seal(common)


def made_by(part: SealedFile) -> dict[str, object]:
    """What made a part, without its batch: where memory ran out it is smaller, and the outcomes are the same."""
    return {key: value for key, value in part.attributes.items() if key != "batch"}


def show_parts(file: h5py.File, name: str, parts: list[str], shapes: list[tuple[int, ...]]) -> None:
    """Have a joined file show one data set of its parts, of these shapes, one after the other."""
    layout = h5py.VirtualLayout((sum(shape[0] for shape in shapes), *shapes[0][1:]), DTYPES[name])
    start = 0
    for part, shape in zip(parts, shapes, strict=True):
        if shape[0]:
            layout[start : start + shape[0]] = h5py.VirtualSource(part, name, shape)
        start += shape[0]
    layout.dcpl.set_obj_track_times(False)  # the same parts give the same bytes
    # A part that is missing reads as the fill value: it must not look like data.
    file.create_virtual_dataset(name, layout, fillvalue=np.nan if DTYPES[name].kind == "f" else -1)


class LabelMapFile:
    """A joined label map file, open for reading; made by `open_label_maps`."""

    def __init__(self, joined: SealedFile, parts: list[SealedFile]):
        self.images = joined.texts("image")
        self.attributes = joined.attributes
        self.integrity = joined.integrity
        self._parts = parts
        lengths = [part.shape("image")[0] for part in parts]
        self._starts = np.cumsum([0, *lengths[:-1]]).tolist()  # in `images`

    @property
    def origin(self) -> dict[str, object]:
        """What made the label maps, and which they are: for `labelmaps.storage.provenance.check_same_origin`."""
        return self.attributes | {"label_maps": self.integrity}

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the label maps: view, preprocessing, weights, versions."""
        return parsed(self.attributes)

    def blocks(self, size: int = IMAGES_PER_BLOCK) -> Iterator[LabelMaps]:
        """The label maps in order, `size` images at a time, so that memory stays bounded; the next are read meanwhile."""
        places = ((start, start + size) for start in range(0, len(self.images), size))
        with ThreadPoolExecutor(1) as pool:
            yield from in_order(pool, self.read, places, ahead=2)

    def read(self, start: int, stop: int) -> LabelMaps:
        """The label maps of the images from `start` up to `stop`."""
        arrays = {name: self._read(name, start, stop) for name in DTYPES}
        arrays["log_probability"] = arrays["log_probability"].astype(np.float32)
        return LabelMaps(image=self.images[start:stop], **arrays)

    def field(self, name: str) -> np.ndarray:
        """One data set (not the log-probabilities, which may not fit in memory) for all images."""
        return self._read(name, 0, len(self.images))

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        first = bisect_right(self._starts, start) - 1
        last = max(bisect_left(self._starts, stop) - 1, first)
        pieces = [
            self._parts[i].read(name, slice(max(start - self._starts[i], 0), stop - self._starts[i]))
            for i in range(first, last + 1)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


@contextmanager
def open_label_maps(path: str | Path) -> Iterator[LabelMapFile]:
    """Open joined label maps; `InputError` where a part is missing, damaged or not the one that was joined."""
    path = Path(path)
    with ExitStack() as stack:
        joined = stack.enter_context(open_sealed(path, OF_JOINED))
        parts = []
        for name, integrity in zip(joined.texts("part"), joined.texts("part_integrity"), strict=True):
            part = path.parent / name
            # HDF5 compares the chunks of the maps when it reads them.
            file = stack.enter_context(
                open_sealed(part, OF_PART, ["image"], f"Delete it and {path}, and run again")
            )
            if file.integrity != integrity:
                other = differing(made_by(file), joined.attributes) or ["images or data"]
                raise InputError(
                    f"{part}: changed since it was joined ({', '.join(other)}). Delete {path} and run again"
                )
            parts.append(file)
        yield LabelMapFile(joined, parts)
