"""Files appear whole or not at all."""

import errno
import glob
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelmaps.errors import InputError

ELSEWHERE = "choose another folder for the results (snakemake --directory)"
# What an operating system refuses when files are written, and how to mend it.
MENDING = {
    errno.ENOSPC: f"Free some space, or {ELSEWHERE}",
    errno.EDQUOT: f"Free some of your quota, or {ELSEWHERE}",
    errno.EFBIG: f"Raise the limit (ulimit -f), or {ELSEWHERE} where files may be larger",
    errno.EROFS: f"Have it mounted for writing, or {ELSEWHERE}",
    errno.EACCES: f"Make the folder yours (chown, chmod), or {ELSEWHERE}",
    errno.EPERM: f"Make the folder yours (chown, chmod), or {ELSEWHERE}",
}


@contextmanager
def moved_into_place(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; move what was written there to `path` when the block succeeds.

    The temporary name keeps the extension (libraries choose a format by it) and lies in the same folder, so that the move is
    atomic. No other process uses it; but whoever writes `path` next removes it first, lest what killed processes left piles
    up. When the block fails, the temporary file is removed and `path` stays untouched.

    Raises `InputError` where the operating system refuses to write, and where the temporary file is gone.
    """
    path = Path(path)
    with explaining_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        before, after = f".{path.stem}.", f".tmp{path.suffix}"
        for left in path.parent.glob(glob.escape(before) + "[0-9a-f]" * 8 + glob.escape(after)):
            left.unlink(missing_ok=True)
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
            _sync(path.parent)  # nor undo the move
        finally:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot for folders
            raise
    finally:
        os.close(descriptor)


@contextmanager
def explaining_refusals(path: str | Path) -> Iterator[None]:
    """Turn what the operating system refuses while `path` is written into an `InputError` that says how to mend it."""
    try:
        yield
    except OSError as error:
        if error.errno not in MENDING:
            raise
        raise InputError(
            f"{path}: cannot be written ({os.strerror(error.errno)}). {MENDING[error.errno]}, and run again; "
            "what is finished is kept"
        ) from error


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
