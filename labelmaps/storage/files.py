"""Atomic writes, by which a file appears when it is complete or not at all, and the opening of the user's files."""

import errno
import glob
import hashlib
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from labelmaps.errors import InputError

ELSEWHERE = "choose another folder for the results (snakemake --directory)"
# Errors of the operating system in writing a file that the user can fix → how to fix them.
REMEDIES = {
    errno.ENOSPC: f"Free some space, or {ELSEWHERE}",
    errno.EDQUOT: f"Free some of your quota, or {ELSEWHERE}",
    errno.EFBIG: f"Raise the limit (ulimit -f), or {ELSEWHERE} where files may be larger",
    errno.EROFS: f"Mount the file system for writing, or {ELSEWHERE}",
    errno.EACCES: f"Make the folder writable (chmod, chown), or {ELSEWHERE}",
    errno.EPERM: f"Make the folder writable (chmod, chown), or {ELSEWHERE}",
}
# The names of irregular files. Reading a pipe would wait for a writer, and reading a device may never end.
IRREGULAR = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def refuse_irregular(path: str | Path) -> None:
    """Raise `OSError` if a path, or the target of its link, is not a regular file; nothing is opened.

    The message names what it is, as in `IRREGULAR`. The error is `FileNotFoundError` if the path does not exist.
    """
    kind = stat.S_IFMT(Path(path).stat().st_mode)
    if kind != stat.S_IFREG:
        raise OSError(f"{IRREGULAR.get(kind, 'something else')}, not a regular file")


def open_regular(path: str | Path) -> BufferedReader:
    """Open a regular file for reading its bytes; raise `OSError` as `refuse_irregular` does, also for a pipe or a device."""
    refuse_irregular(path)
    return Path(path).open("rb")


@contextmanager
def moved_into_place(path: str | Path) -> Generator[Path]:
    """Yield a temporary path beside `path`, and move the file written there to `path` when the block succeeds.

    The temporary path has the same extension, by which libraries choose a format, and lies in the same folder, so that the
    move is atomic. Each process has its own temporary path. A process first removes all temporary files of `path`, so that
    those of killed processes do not accumulate. If the block fails, the temporary file is removed and `path` is unchanged.

    Raises `InputError` if the operating system refuses to write, or if the temporary file does not exist at the end.
    """
    path = Path(path)
    with explaining_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        before, after = f".{path.stem}.", f".tmp{path.suffix}"
        for leftover in path.parent.glob(glob.escape(before) + "[0-9a-f]" * 8 + glob.escape(after)):
            leftover.unlink(missing_ok=True)
        temporary = path.with_name(before + secrets.token_hex(4) + after)
        try:
            yield temporary
            try:
                _sync(temporary)  # otherwise, a crash after the move could leave an empty file
                temporary.replace(path)
            except FileNotFoundError as error:
                raise InputError(
                    f"{path}: its temporary file {temporary.name} is gone, or was never written. Another process that "
                    "writes the same file may have removed it: wait until that process has ended, and run again"
                ) from error
            _sync(path.parent)  # otherwise, a crash could undo the move
        finally:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the entries of a folder, have been written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems do not support this for folders
            raise
    finally:
        os.close(descriptor)


@contextmanager
def explaining_refusals(path: str | Path) -> Generator[None]:
    """Convert errors of the operating system in the `with` block into an `InputError` that says how to fix them.

    Only the errors in `REMEDIES` are converted. path: the file that the block writes, for the message.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        raise InputError(
            f"{path}: cannot be written ({os.strerror(error.errno)}). {REMEDIES[error.errno]}, and run again; "
            "what is finished is kept"
        ) from error


def sha256(path: str | Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hexadecimal; raise `OSError` as `open_regular` does."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
