"""Label maps in HDF5: the one writer, the one join and the one reader.

A file holds, for n images, a g × g grid and K labels:

log_probability  (image, row, column, label) float16   log p(k|x_u) in nats, exact near 0
log_sum_exp      (image, row, column) float32          logit = log_probability + log_sum_exp
top_label        (image, row, column) int16            arg max over labels of the unrounded logits
centre           (image, row, column, 2) float64       the fixation point x, y, in original pixels
extent           (image, row, column, 4) float64       the box x0, y0, x1, y1 that fills the view, in original pixels
image            (image,) text                         ids, in the order of the index

All three maps come from unrounded float32 logits. Read correctness from `top_label`, never from the rounded cube.
Attributes say what made the file; `integrity` is a SHA-256 over all of its data.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from labelmaps.errors import InputError
from labelmaps.hdf5 import new_hdf5

DTYPES = {
    "log_probability": np.dtype(np.float16),
    "log_sum_exp": np.dtype(np.float32),
    "top_label": np.dtype(np.int16),
    "centre": np.dtype(np.float64),
    "extent": np.dtype(np.float64),
}
IMAGES_PER_CHUNK = 8  # 0.8 MB of log-probabilities for 7 × 7 fixations and 1000 labels
IMAGES_PER_READ = 64
IMAGES_PER_BLOCK = 16  # 3 MB in float32: the temporaries of a method stay in the processor's cache
JOIN_ATTRIBUTES = ("parts", "integrity")


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
        self.file = file
        self.n_images = len(images)
        self.n_written = 0
        self.hashes = {name: hashlib.sha256() for name in DTYPES}
        tails = {"log_probability": (n_labels,), "centre": (2,), "extent": (4,)}
        file.create_dataset("image", data=images, dtype=h5py.string_dtype())
        for name, dtype in DTYPES.items():
            cells = (grid, grid, *tails.get(name, ()))
            file.create_dataset(
                name,
                (len(images), *cells),
                dtype,
                maxshape=(None, *cells),
                chunks=(IMAGES_PER_CHUNK, *cells),
                fletcher32=True,  # HDF5 refuses to read a damaged chunk
            )

    def append(self, **blocks: np.ndarray) -> None:
        """Write the next images: for every data set, an array (image, row, column, …)."""
        stop = self.n_written + len(blocks["top_label"])
        for name, dtype in DTYPES.items():
            block = np.ascontiguousarray(blocks[name], dtype)
            self.file[name][self.n_written : stop] = block
            self.hashes[name].update(block)
        self.n_written = stop

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Add the attributes (structured ones as JSON) and the integrity of all data."""
        if self.n_written != self.n_images:
            raise RuntimeError(f"{self.n_written} images written of {self.n_images} announced")
        for key, value in attributes.items():
            is_plain = isinstance(value, str | int | float)
            self.file.attrs[key] = value if is_plain else json.dumps(value, sort_keys=True)
        self.file.attrs["integrity"] = _integrity(self.file, self.hashes)


def _integrity(file: h5py.File, hashes: Mapping[str, "hashlib._Hash"]) -> str:
    content = {name: hash_.hexdigest() for name, hash_ in hashes.items()} | {"image": _images(file)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _images(file: h5py.File) -> list[str]:
    return file["image"].asstr()[:].tolist()


@contextmanager
def write_label_maps(
    path: str | Path, images: list[str], grid: int, n_labels: int, attributes: Mapping[str, object]
) -> Iterator[LabelMapWriter]:
    """Write a label map file block by block; it appears under its name only when whole."""
    with new_hdf5(path) as file:
        writer = LabelMapWriter(file, images, grid, n_labels)
        yield writer
        writer.seal(attributes)


@contextmanager
def _refuse_damage(path: str | Path) -> Iterator[None]:
    """Turn whatever a missing or damaged file makes h5py raise into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{path}: missing, damaged or not HDF5 ({error}). Delete it and run again"
        ) from error


def _open(path: str | Path) -> h5py.File:
    with _refuse_damage(path):
        # NFS and Lustre may refuse locks. No cache of chunks, of which every part would have its own: each is read once.
        file = h5py.File(path, "r", locking=False, rdcc_nbytes=0)
        absent = {"image", *DTYPES} - set(file)
    if absent:
        file.close()
        raise InputError(
            f"{path}: not a label map file, it lacks {', '.join(sorted(absent))}. Delete it and run again"
        )
    return file


def _slice(data: h5py.Dataset, start: int, stop: int) -> np.ndarray:
    with _refuse_damage(data.file.filename):
        return data[start:stop]


def verify(path: str | Path) -> None:
    """Read a whole part and compare its data with its integrity attribute; `InputError` where they differ."""
    with _open(path) as file, _refuse_damage(path):
        hashes = {name: hashlib.sha256() for name in DTYPES}
        for name, hash_ in hashes.items():
            for start in range(0, len(file[name]), IMAGES_PER_READ):
                hash_.update(_slice(file[name], start, start + IMAGES_PER_READ))
        if _integrity(file, hashes) != file.attrs.get("integrity"):
            raise InputError(f"{path}: its data differ from its integrity attribute. Delete it and run again")


def join_label_maps(parts: list[Path], path: Path) -> None:
    """Join parts into one virtual file above them, without copying; every part is verified first.

    The joined file stores each part's integrity: it changes when a part does, and `open_label_maps` refuses parts that
    were exchanged. Raises `InputError` for a damaged part, and for parts made with different weights, views or settings.
    """
    names = [part.relative_to(path.parent).as_posix() for part in parts]
    images, integrity, batches, attributes = [], [], [], {}
    layouts = {name: [] for name in DTYPES}
    for part in parts:
        verify(part)
        with _open(part) as file, _refuse_damage(part):
            made = dict(file.attrs)
            integrity.append(made.pop("integrity"))
            batches.append(int(made.pop("batch")))  # smaller where memory ran out; the outcomes are the same
            made["grid and labels"] = file["log_probability"].shape[1:]
            attributes = attributes or made
            if made != attributes:
                keys = sorted(made.keys() | attributes.keys())
                differing = [key for key in keys if made.get(key) != attributes.get(key)]
                raise InputError(
                    f"{part}: made otherwise than {parts[0]} ({', '.join(differing)}). Delete the older one and run again"
                )
            images += _images(file)
            for name, sources in layouts.items():
                sources.append(file[name].shape)
    del attributes["grid and labels"]
    with new_hdf5(path) as file:
        file.create_dataset("image", data=images, dtype=h5py.string_dtype())
        for name, shapes in layouts.items():
            layout = h5py.VirtualLayout((len(images), *shapes[0][1:]), DTYPES[name])
            start = 0
            for part, shape in zip(names, shapes, strict=True):
                if shape[0]:
                    layout[start : start + shape[0]] = h5py.VirtualSource(part, name, shape)
                start += shape[0]
            layout.dcpl.set_obj_track_times(False)  # the same parts give the same bytes
            # A part that is missing reads as the fill value: it must not look like data.
            fill = np.nan if DTYPES[name].kind == "f" else -1
            file.create_virtual_dataset(name, layout, fillvalue=fill)
        file.attrs.update(attributes)
        file.attrs["batch"] = json.dumps(batches)
        file.attrs["parts"] = json.dumps(dict(zip(names, integrity, strict=True)))
        file.attrs["integrity"] = hashlib.sha256("".join(integrity).encode()).hexdigest()


class LabelMapFile:
    """A joined label map file, open for reading; made by `open_label_maps`."""

    def __init__(self, file: h5py.File):
        # Kept open: to open a virtual data set is to open its parts.
        self._data = {name: file[name] for name in DTYPES}
        self.images = _images(file)
        self.attributes = {k: v for k, v in file.attrs.items() if k not in JOIN_ATTRIBUTES}

    def blocks(self, size: int = IMAGES_PER_BLOCK) -> Iterator[LabelMaps]:
        """The label maps in order, `size` images at a time, so that memory stays bounded."""
        for start in range(0, len(self.images), size):
            yield self.read(start, start + size)

    def read(self, start: int, stop: int) -> LabelMaps:
        """The label maps of the images from `start` up to `stop`."""
        arrays = {name: _slice(data, start, stop) for name, data in self._data.items()}
        arrays["log_probability"] = arrays["log_probability"].astype(np.float32)
        return LabelMaps(image=self.images[start:stop], **arrays)

    def field(self, name: str) -> np.ndarray:
        """One data set (not the log-probabilities, which may not fit in memory) for all images."""
        return _slice(self._data[name], 0, len(self.images))


@contextmanager
def open_label_maps(path: str | Path) -> Iterator[LabelMapFile]:
    """Open joined label maps; `InputError` where a part is missing, damaged or not the one that was joined."""
    path = Path(path)
    with _open(path) as file:
        with _refuse_damage(path):
            label_maps = LabelMapFile(file)
            joined = json.loads(file.attrs["parts"])
        for name, integrity in joined.items():
            part = path.parent / name
            with _open(part) as part_file, _refuse_damage(part):
                if part_file.attrs.get("integrity") != integrity:
                    raise InputError(f"{part}: changed since it was joined. Delete {path} and run again")
        yield label_maps
