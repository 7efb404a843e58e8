"""Atomic writes (a file appears under its name when it is complete, or not at all), and the opening of a user's files."""

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
# Errors of the operating system when a file is written that a user can fix, and how.
REMEDIES = {
    errno.ENOSPC: f"Free some space, or {ELSEWHERE}",
    errno.EDQUOT: f"Free some of your quota, or {ELSEWHERE}",
    errno.EFBIG: f"Raise the limit (ulimit -f), or {ELSEWHERE} where files may be larger",
    errno.EROFS: f"Have it mounted for writing, or {ELSEWHERE}",
    errno.EACCES: f"Make the folder yours (chown, chmod), or {ELSEWHERE}",
    errno.EPERM: f"Make the folder yours (chown, chmod), or {ELSEWHERE}",
}
# What is no regular file: reading a pipe waits for a writer, reading a device may never end.
IRREGULAR = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def refuse_irregular(path: str | Path) -> None:
    """Raise `OSError` where a path, or what it links to, is no regular file; nothing is opened.

    The error says what it is, in the words of `IRREGULAR`; it is `FileNotFoundError` where there is nothing.
    """
    kind = stat.S_IFMT(Path(path).stat().st_mode)
    if kind != stat.S_IFREG:
        raise OSError(f"{IRREGULAR.get(kind, 'something else')}, not a regular file")


def open_regular(path: str | Path) -> BufferedReader:
    """Open a regular file to read its bytes; raise `OSError` as `refuse_irregular` does, without waiting."""
    refuse_irregular(path)
    return Path(path).open("rb")


@contextmanager
def moved_into_place(path: str | Path) -> Generator[Path]:
    """Yield a temporary path beside `path`, and move the file written there to `path` when the block succeeds.

    The temporary name keeps the extension (libraries choose a format by it) and lies in the same folder, so that the move is
    atomic. Each process has its own temporary name. A process that writes `path` first removes all temporary files of
    `path`, so that those of killed processes do not pile up. When the block fails, the temporary file is removed and `path`
    is left as it was.

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
                _sync(temporary)  # a crash after the move must not leave an empty file behind
                temporary.replace(path)
            except FileNotFoundError as error:
                raise InputError(
                    f"{path}: its temporary file {temporary.name} is gone, or was never written. Another process that "
                    "writes the same file removes it: wait until that one has ended, and run again"
                ) from error
            _sync(path.parent)  # a crash must not undo the move either
        finally:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot do this for folders
            raise
    finally:
        os.close(descriptor)


@contextmanager
def explaining_refusals(path: str | Path) -> Generator[None]:
    """Convert the errors of the operating system listed in `REMEDIES` into an `InputError` that says how to fix them.

    path: the file that the block writes, for the message.
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
    """Compute the SHA-256 of a file's bytes, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
