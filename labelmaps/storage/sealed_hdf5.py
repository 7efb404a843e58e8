"""Integrity of HDF5 files: checksums of the data and the provenance, which every reader compares.

Each chunk of a data set has a fletcher32 checksum, which HDF5 compares whenever it reads the chunk. HDF5 also has checksums
for the structure and the attributes of the file. Texts have a fixed length (UTF-8, padded), because HDF5 stores texts of
variable length in a heap without a checksum, where a single flipped bit can make it hang. Two attributes seal the file:

checksums  JSON, data set → SHA-256 of its type, its shape and its data
integrity  SHA-256 of all other attributes, including the checksums

Every data set lies in the file itself, in whole chunks: links, virtual and external data are refused at each opening.

An attribute must be smaller than 4 KB, because HDF5 stores larger ones elsewhere, without a checksum.
"""

import hashlib
import json
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from labelmaps.errors import InputError
from labelmaps.storage.files import refuse_irregular

TEXTS_PER_CHUNK = 1024
CHUNKS_PER_READ = 8  # 6 MB of log-probabilities for 7 × 7 fixations and 1000 labels
REMEDY = "Delete it and run again"


def texts(values: list[str]) -> np.ndarray:
    """Encode texts as an array (text,) of UTF-8 bytes, padded to one common length.

    Raises `InputError` for a text that contains the character NUL, which would be lost with the padding.
    """
    for value in values:
        if "\0" in value:
            raise InputError(f"{value!r}: contains the character NUL. Rename it")
    encoded = [value.encode() for value in values]
    return np.array(encoded, h5py.string_dtype("utf-8", max(map(len, encoded), default=0) or 1))


class SealedWriter:
    """A writer that fills a new HDF5 file with data sets, in chunks with checksums, and seals the file at the end."""

    def __init__(self, file: h5py.File):
        self.file = file
        self._data: dict[str, h5py.Dataset] = {}  # each opened once
        self._hashes = {}
        self._rows = {}

    def create_dataset(self, name: str, shape: tuple[int, ...], dtype: np.dtype, rows_per_chunk: int) -> None:
        """Create an empty data set, which `append` fills row by row along the first axis.

        rows_per_chunk: the length of a chunk along the first axis; along the others, a chunk is as long as the data set.
        """
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
        """Write the next rows of a data set that `create_dataset` created, and add them to its checksum."""
        data = self._data[name]
        rows = np.ascontiguousarray(rows, data.dtype)
        stop = self._rows[name] + len(rows)
        data[self._rows[name] : stop] = rows
        self._hashes[name].update(rows)
        self._rows[name] = stop

    def add(self, name: str, rows: np.ndarray, rows_per_chunk: int) -> None:
        """Create a data set, and write all of its rows."""
        self.create_dataset(name, rows.shape, rows.dtype, min(rows_per_chunk, len(rows) or 1))
        self.append(name, rows)

    def add_texts(self, name: str, values: list[str]) -> None:
        """Create a data set of texts, and write all of them; raise `InputError` as `texts` does."""
        self.add(name, texts(values), TEXTS_PER_CHUNK)

    def seal(self, attributes: Mapping[str, object]) -> None:
        """Write the attributes, the checksums and the integrity; lists and mappings are stored as JSON.

        Raises `RuntimeError` if a data set has not got all the rows for which it was created.
        """
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
    """A sealed HDF5 file, open for reading; `open_sealed` opens it.

    attributes: all attributes of the file, from which this object removes the checksums and the integrity.
    remedy: what the user should do about a damaged file, for messages.

    Raises `InputError` if the attributes differ from the integrity.
    """

    def __init__(self, file: h5py.File, attributes: dict[str, Any], remedy: str):
        self._file, self._remedy = file, remedy
        self._data: dict[str, h5py.Dataset] = {}  # each opened once
        self.integrity = attributes.pop("integrity")
        if self.integrity != _integrity(attributes):
            raise InputError(f"{file.filename}: its attributes differ from its integrity. {remedy}")
        self._checksums = json.loads(attributes.pop("checksums"))
        self.attributes = attributes

    def compare(self, name: str) -> None:
        """Read all of a data set, and compare it with its checksum; raise `InputError` if they differ."""
        with refuse_damage(self._file.filename, self._remedy):
            data = self._file[name]
            hash_, step = _hash(data), CHUNKS_PER_READ * data.chunks[0]
            for start in range(0, len(data), step):
                hash_.update(data[start : start + step])
            if hash_.hexdigest() != self._checksums[name]:
                raise InputError(f"{self._file.filename}: {name} differs from its checksum. {self._remedy}")

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a data set."""
        return self._file[name].shape

    def check_form(self, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        """Raise `InputError` unless a data set has this type and this shape."""
        data = self._file[name]
        if (data.dtype, data.shape) != (dtype, shape):
            raise InputError(
                f"{self._file.filename}: damaged or changed: {name} has the type {data.dtype} and the shape {data.shape}, "
                f"not {dtype} and {shape}. {self._remedy}"
            )

    def read(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Read rows of a data set, by default all, in its type and shape; raise `InputError` if they are damaged."""
        with refuse_damage(self._file.filename, self._remedy):
            if name not in self._data:
                self._data[name] = self._file[name]
            return self._data[name][rows]

    def texts(self, name: str, rows: slice = slice(None)) -> list[str]:
        """Read rows of a data set of texts, all of them by default; raise `InputError` as `read` does."""
        encoded = self.read(name, rows).tolist()
        with refuse_damage(self._file.filename, self._remedy):
            return [text.decode() for text in encoded]


@contextmanager
def open_sealed(
    path: str | Path, holds: Collection[str], compare: Collection[str] | None = None, remedy: str = REMEDY
) -> Generator[SealedFile]:
    """Open a file that a `SealedWriter` sealed, inside the `with` block.

    holds: the names of the data sets that the file must have.
    compare: the names of the data sets to read and compare with their checksums now; those in `holds` by default. Of the
        others, HDF5 compares each chunk when it is read. The attributes are always compared.
    remedy: what the user should do about a damaged file, for messages.

    Raises `InputError`, with path and reason, if the file is missing, damaged, or not a file of the expected kind; so
    do the methods of the `SealedFile` that read data, for damage that they meet.
    """
    with refuse_damage(path, remedy):
        # NFS and Lustre may refuse locks. Each chunk is read once, so a cache of chunks would only use memory.
        refuse_irregular(path)
        file = h5py.File(path, "r", locking=False, rdcc_nbytes=0)
    with file:
        with refuse_damage(path, remedy):
            attributes = _attributes(file)
            if absent := {"checksums", "integrity"} - attributes.keys() | set(holds) - set(file):
                raise InputError(
                    f"{path}: not a file of the kind needed here, or of another version: it lacks "
                    f"{', '.join(sorted(absent))}. {remedy}"
                )
            sealed = SealedFile(file, attributes, remedy)
            for name in holds:
                if reason := _foreign_structure(file, name):
                    raise InputError(f"{path}: damaged or changed: {name} {reason}. {remedy}")
            for name in holds if compare is None else compare:
                sealed.compare(name)
        yield sealed


@contextmanager
def refuse_damage(path: str | Path, remedy: str = REMEDY) -> Generator[None]:
    """Convert every exception that h5py raises for a missing or damaged file into an `InputError`.

    path: the file that the `with` block reads. remedy: what the user should do about it. Both are for the message.
    """
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file. {remedy}") from error
    except PermissionError as error:
        raise InputError(
            f"{path}: permission denied ({error}). Make the file readable (chmod u+r) and run again"
        ) from error
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged, or not written by this workflow ({error}). {remedy}") from error


def _foreign_structure(file: h5py.File, name: str) -> str | None:
    """Describe how the storage of a data set differs from that of a `SealedWriter`; return None if it does not.

    Only the structure of the file is read. Data outside the file, or without a fletcher32 checksum, could change without
    notice, and a missing chunk would be read as zeros.
    """
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return "is a link"
    data = file[name]
    if not isinstance(data, h5py.Dataset):
        return "is not a data set"
    if data.is_virtual or data.external or data.chunks is None:
        return "has its data outside the file, or not in chunks"
    stored = data.id.get_create_plist()
    filters = [stored.get_filter(i)[0] for i in range(stored.get_nfilters())]
    if filters != [h5py.h5z.FILTER_FLETCHER32] or data.chunks[1:] != data.shape[1:]:
        return "has chunks of another shape, or without checksums"
    skipped: list[int] = []  # for each chunk, a bit mask of the filters that were not applied to it
    data.id.chunk_iter(lambda chunk: skipped.append(chunk.filter_mask))
    if skipped != [0] * -(-len(data) // data.chunks[0]):
        return "lacks chunks, or some of their checksums"
    return None


def _hash(data: h5py.Dataset) -> "hashlib._Hash":
    """Create the hash of a data set from its type and shape; the caller updates it with the data."""
    return hashlib.sha256(f"{data.dtype.str} {data.shape}".encode())


def _attributes(file: h5py.File) -> dict[str, Any]:
    """Read all attributes of a file, and convert them to Python's str, int, float or bool."""
    attributes = dict(file.attrs)
    for key, value in attributes.items():
        if isinstance(value, bytes):
            attributes[key] = value.decode()
        elif isinstance(value, np.generic):
            attributes[key] = value.item()
    return attributes


def _integrity(attributes: Mapping[str, object]) -> str:
    """Compute the SHA-256 of attributes, in hexadecimal, which does not depend on their order."""
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()
