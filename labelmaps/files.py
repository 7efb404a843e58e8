"""Files appear whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def moved_into_place(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; move what was written there to `path` when the block succeeds.

    The temporary name keeps the extension (libraries choose a format by it) and lies in the same folder, so
    that the move is atomic. When the block fails, the temporary file is removed and `path` stays untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")  # always the same: a retry writes over it
    try:
        yield temporary
        with temporary.open("rb+") as file:  # a crash after the move must not leave an empty file behind
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
