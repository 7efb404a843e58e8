"""Integrity of HDF5 files: what a file holds, and what made it, lie under checksums that every reader compares.

The chunks of each data set carry fletcher32, which HDF5 compares whenever it reads one; the file's structure and its
attributes lie under checksums of HDF5's own. Texts have a fixed length (UTF-8, padded): those of variable length lie in a
heap without a checksum, where one flipped bit can make HDF5 hang. Two attributes seal the file:

checksums  JSON, data set → SHA-256 over its type, its shape and its data
integrity  SHA-256 over all other attributes, the checksums among them

An attribute stays below 4 KB, the size from which HDF5 keeps it apart and without a checksum.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from labelmaps.errors import InputError

TEXTS_PER_CHUNK = 1024
CHUNKS_PER_READ = 8  # 6 MB of log-probabilities for 7 × 7 fixations and 1000 labels
MEND = "Delete it and run again"


def texts(values: list[str]) -> np.ndarray:
    """Texts as UTF-8 bytes of one length; raises `InputError` for a text with a NUL, which could not come back."""
    for value in values:
        if "\0" in value:
            raise InputError(f"{value!r}: holds the character NUL. Rename it")
    encoded = [value.encode() for value in values]
    return np.array(encoded, h5py.string_dtype("utf-8", max(map(len, encoded), default=0) or 1))


class SealedWriter:
    """Fills a new HDF5 file with data sets in chunks under checksums, and seals it."""

    def __init__(self, file: h5py.File):
        self.file = file
        self._data = {}  # kept open
        self._hashes = {}
        self._rows = {}

    def create(self, name: str, shape: tuple[int, ...], dtype: np.dtype, rows_per_chunk: int) -> None:
        """Announce a data set; its chunks divide the first axis alone."""
        cells = shape[1:]
        self._data[name] = self.file.create_dataset(
            name,
            shape,
            dtype,
            maxshape=(None, *cells),  # a chunk may be larger than the data
            chunks=(rows_per_chunk, *cells),
            fletcher32=True,
        )
        self._hashes[name] = _hash(self._data[name])
        self._rows[name] = 0

    def append(self, name: str, rows: np.ndarray) -> None:
        """Write the next rows of a data set."""
        data = self._data[name]
        rows = np.ascontiguousarray(rows, data.dtype)
        stop = self._rows[name] + len(rows)
        data[self._rows[name] : stop] = rows
        self._hashes[name].update(rows)
        self._rows[name] = stop

    def add(self, name: str, rows: np.ndarray, rows_per_chunk: int) -> None:
        """Write a whole data set."""
        self.create(name, rows.shape, rows.dtype, min(rows_per_chunk, len(rows) or 1))
        self.append(name, rows)

    def add_texts(self, name: str, values: list[str]) -> None:
        """Write a whole data set of texts."""
        self.add(name, texts(values), TEXTS_PER_CHUNK)

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Add the attributes (structured ones as JSON) and the integrity of the whole."""
        for name, rows in self._rows.items():
            if rows != len(self._data[name]):
                raise RuntimeError(f"{name}: {rows} rows written of {len(self._data[name])} announced")
        checksums = {name: hash_.hexdigest() for name, hash_ in self._hashes.items()}
        for key, value in {**attributes, "checksums": checksums}.items():
            is_number = isinstance(value, int | float)
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            self.file.attrs[key] = value if is_number else texts([text]).reshape(())
        self.file.attrs["integrity"] = texts([_integrity(_attributes(self.file))]).reshape(())


class SealedFile:
    """An HDF5 file whose seal was found whole, open for reading; made by `open_sealed`."""

    def __init__(self, file: h5py.File, attributes: dict[str, object], mend: str):
        self._file, self._mend = file, mend
        self._data = {}  # kept open
        self.integrity = attributes.pop("integrity")
        if self.integrity != _integrity(attributes):
            raise InputError(f"{file.filename}: its attributes differ from its integrity. {mend}")
        self._checksums = json.loads(attributes.pop("checksums"))
        self.attributes = attributes

    def compare(self, name: str) -> None:
        """Read a whole data set; raise `InputError` where it differs from its checksum."""
        with refuse_damage(self._file.filename, self._mend):
            data = self._file[name]
            hash_, step = _hash(data), CHUNKS_PER_READ * data.chunks[0]
            for start in range(0, len(data), step):
                hash_.update(data[start : start + step])
            if hash_.hexdigest() != self._checksums[name]:
                raise InputError(f"{self._file.filename}: {name} differs from its checksum. {self._mend}")

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a data set."""
        return self._file[name].shape

    def read(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Rows of a data set; raises `InputError` where HDF5 finds them damaged."""
        with refuse_damage(self._file.filename, self._mend):
            if name not in self._data:
                self._data[name] = self._file[name]
            return self._data[name][rows]

    def texts(self, name: str, rows: slice = slice(None)) -> list[str]:
        """Rows of a data set of texts; raises as `read`."""
        encoded = self.read(name, rows).tolist()
        with refuse_damage(self._file.filename, self._mend):
            return [text.decode() for text in encoded]


@contextmanager
def open_sealed(
    path: str | Path, holds: Collection[str], compare: Collection[str] | None = None, mend: str = MEND
) -> Iterator[SealedFile]:
    """Open a file that a `SealedWriter` sealed.

    holds: the data sets that it must have. compare: those to be read whole and compared with their checksums at once (all of
    them unless given; of the others HDF5 compares each chunk when it is read). mend: what messages advise.
    Raises `InputError` with the path and the reason where the file is missing or damaged, and where it is another.
    """
    with refuse_damage(path, mend):
        # NFS and Lustre may refuse locks. No cache of chunks, of which every file would have its own: each is read once.
        file = h5py.File(path, "r", locking=False, rdcc_nbytes=0)
    with file:
        with refuse_damage(path, mend):
            attributes = _attributes(file)
            if absent := {"checksums", "integrity"} - attributes.keys() | set(holds) - set(file):
                raise InputError(
                    f"{path}: not what is needed here, or of another version: it lacks {', '.join(sorted(absent))}. {mend}"
                )
            sealed = SealedFile(file, attributes, mend)
            for name in holds if compare is None else compare:
                sealed.compare(name)
        yield sealed


@contextmanager
def refuse_damage(path: str | Path, mend: str = MEND) -> Iterator[None]:
    """Turn whatever a missing or damaged file makes h5py raise into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file. {mend}") from error
    except PermissionError as error:
        raise InputError(f"{path}: may not be read ({error}). Mend its rights and run again") from error
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged, or not written by this workflow ({error}). {mend}") from error


def _hash(data: h5py.Dataset) -> "hashlib._Hash":
    """A hash that has seen the type and the shape of a data set, and is to see its data."""
    return hashlib.sha256(f"{data.dtype.str} {data.shape}".encode())


def _attributes(file: h5py.File) -> dict[str, object]:
    """All attributes: texts as str, numbers as Python's."""
    attributes = dict(file.attrs)
    for key, value in attributes.items():
        if isinstance(value, bytes):
            attributes[key] = value.decode()
        elif isinstance(value, np.generic):
            attributes[key] = value.item()
    return attributes


def _integrity(attributes: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()
