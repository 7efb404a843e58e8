"""A private folder on the machine's own disk."""

import os
import tempfile
from pathlib import Path

from labelmaps.errors import InputError


def private_folder(purpose: str) -> Path:
    """A folder on this machine's own disk that is this user's alone. Raises `InputError` where it is another user's."""
    folder = Path(tempfile.gettempdir()) / f"labelmaps-{purpose}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(
            f"{folder}: belongs to somebody else. Have it removed, or set TMPDIR to a folder of yours on this machine"
        )
    return folder
