"""New HDF5 files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from labelmaps.storage.files import moved_into_place

_ERRNO = re.compile(r"\berrno = (\d+)")


def _write_at_once(access: h5py.h5p.PropFAID) -> None:
    """The usual driver without its buffer of data.

    Where HDF5 cannot write what it has held back until a data set is closed (the disk is full), the data set stays half
    closed, and the process crashes later. So nothing is held back, and each refusal is an exception of the call that writes.
    """
    access.set_fapl_sec2()
    access.set_sieve_buf_size(0)


h5py.register_driver("write_at_once", _write_at_once)


@contextmanager
def new_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """An HDF5 file to fill, which appears under its name only when whole; raises as `moved_into_place`."""
    options = {
        "libver": "v110",
        "driver": "write_at_once",
        "rdcc_nbytes": 0,  # no cache of chunks, for the same reason
        "locking": False,  # NFS and Lustre may refuse locks
    }
    with (
        moved_into_place(path) as temporary,
        _raising_os_errors(),
        h5py.File(temporary, "w", **options) as file,
    ):
        yield file


@contextmanager
def _raising_os_errors() -> Iterator[None]:
    """Turn an error of HDF5 that tells its errno in its text alone into an OSError of that errno."""
    try:
        yield
    except RuntimeError as error:
        match = _ERRNO.search(str(error))
        if match is None:
            raise
        number = int(match[1])
        raise OSError(number, os.strerror(number)) from error
