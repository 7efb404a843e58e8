"""Creation of HDF5 files in such a way that a full disk, or another failure to write, is an exception and never a crash."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import h5py

from labelmaps.storage.files import moved_into_place

_ERRNO = re.compile(r"\berrno = (\d+)")


def _write_at_once(access: h5py.h5p.PropFAID) -> None:
    """Set up HDF5's default driver without its write buffer.

    With the buffer, HDF5 writes the last data when a data set is closed. If that fails because the disk is full, the data
    set is only half closed, and the process crashes later. Without the buffer, the call that writes raises an exception.
    """
    access.set_fapl_sec2()
    access.set_sieve_buf_size(0)


h5py.register_driver("write_at_once", _write_at_once)


@contextmanager
def new_hdf5(path: str | Path) -> Generator[h5py.File]:
    """Yield a new HDF5 file, open for writing, which appears at `path` when the block succeeds.

    Raises `InputError` as `moved_into_place` does.
    """
    options = {
        "libver": "v110",
        "driver": "write_at_once",
        "rdcc_nbytes": 0,  # no cache of chunks, for the same reason as no buffer
        "locking": False,  # NFS and Lustre may refuse locks
    }
    with (
        moved_into_place(path) as temporary,
        _raising_os_errors(),
        h5py.File(temporary, "w", **options) as file,
    ):
        yield file


@contextmanager
def _raising_os_errors() -> Generator[None]:
    """Convert an error of HDF5 whose message contains an errno into an `OSError` with that errno."""
    try:
        yield
    except RuntimeError as error:
        match = _ERRNO.search(str(error))
        if match is None:
            raise
        number = int(match[1])
        raise OSError(number, os.strerror(number)) from error
