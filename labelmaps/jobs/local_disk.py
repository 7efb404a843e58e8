"""A folder on the machine's own disk that only one user can read."""

import os
import tempfile
from pathlib import Path

from labelmaps.errors import InputError


def private_folder(purpose: str) -> Path:
    """Return a folder on this machine's own disk that only this user can read; create it if it does not exist.

    purpose: a part of the folder's name. Raises `InputError` if a folder of that name belongs to another user or is a link.
    """
    folder = Path(tempfile.gettempdir()) / f"labelmaps-{purpose}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(
            f"{folder}: belongs to another user, or is a link. Have it removed, or set TMPDIR to a folder of your own on "
            "this machine"
        )
    return folder
