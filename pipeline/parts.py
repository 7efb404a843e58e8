"""The number of parts into which a network's label maps are already divided, if some of the parts exist."""

import re
from collections import Counter
from pathlib import Path

from pipeline.settings.base import ConfigurationError
from pipeline.settings.configuration import MOST_PARTS


def n_parts_begun(folder: str | Path) -> int | None:
    """Return the number of parts into which the label maps in a folder are divided; None if there is no part yet.

    If there are parts of several divisions, it is the one of which the larger share exists. Files with other names are
    ignored, so that they cannot divide the label maps in a way in which a run does not.

    Raises `ConfigurationError` if the folder's path is something else than a folder.
    """
    finished = Counter(parts for path in _named_like_parts(folder) if (parts := _division(path)))
    return max(finished, key=lambda parts: (finished[parts] / parts, parts), default=None)


def strays(folder: str | Path) -> list[str]:
    """List the names in a folder that look like those of parts, but cannot be made by a run."""
    return sorted(path.name for path in _named_like_parts(folder) if not _division(path))


def _named_like_parts(folder: str | Path) -> list[Path]:
    """List the files that are named like parts, {part}of{parts}.h5, without hidden ones, which are still being written.

    Raises `ConfigurationError` if the folder's path is something else than a folder.
    """
    folder = Path(folder)
    if not folder.is_dir() and (folder.exists() or folder.is_symlink()):
        raise ConfigurationError(
            f"{folder}: not a folder, but the parts of the label maps go there. Move it away and run again"
        )
    return [path for path in folder.glob("*of*.h5") if not path.name.startswith(".")]


def _division(path: Path) -> int | None:
    """Return the total number of parts that the name of a part states; None if no run makes a file with this name."""
    name = re.fullmatch(r"([1-9][0-9]*)of([1-9][0-9]*)\.h5", path.name)
    if not name or not path.is_file():
        return None
    part, parts = map(int, name.groups())
    return parts if part <= parts <= MOST_PARTS else None
