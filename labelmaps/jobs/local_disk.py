"""A folder on the machine's own disk that belongs to one user."""

import os
import tempfile
from pathlib import Path

from labelmaps.errors import InputError


def private_folder(purpose: str) -> Path:
    """Create a folder on this machine's own disk that only this user can read, unless it exists, and return its path.

    purpose: a part of its name. Raises `InputError` if a folder of that name belongs to another user.
    """
    folder = Path(tempfile.gettempdir()) / f"labelmaps-{purpose}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(
            f"{folder}: belongs to somebody else. Have it removed, or set TMPDIR to a folder of yours on this machine"
        )
    return folder
