"""Into how many parts a network's label maps are divided, once some of them are there."""

import re
from collections import Counter
from pathlib import Path

from pipeline.settings.base import ConfigurationError
from pipeline.settings.configuration import MOST_PARTS


def n_parts_begun(folder: str | Path) -> int | None:
    """Count the parts into which a folder was divided, of which it holds some; None where there is none yet.

    Of several divisions, that of which the larger share is there. Files of other names are passed over: no name that happens
    to lie there can divide the label maps otherwise than a run does.

    Raises `ConfigurationError` where the folder is no folder.
    """
    finished = Counter(parts for path in _named_like_parts(folder) if (parts := _division(path)))
    return max(finished, key=lambda parts: (finished[parts] / parts, parts), default=None)


def strays(folder: str | Path) -> list[str]:
    """List the names in a folder that look like those of parts, and belong to none that a run makes."""
    return sorted(path.name for path in _named_like_parts(folder) if not _division(path))


def _named_like_parts(folder: str | Path) -> list[Path]:
    """List what is named like parts, {part}of{parts}.h5; hidden names are those of parts that are being written."""
    folder = Path(folder)
    if not folder.is_dir() and (folder.exists() or folder.is_symlink()):
        raise ConfigurationError(
            f"{folder}: is no folder, and the parts of the label maps go there. Move it away and run again"
        )
    return [path for path in folder.glob("*of*.h5") if not path.name.startswith(".")]


def _division(path: Path) -> int | None:
    """Return the number of parts of which this is one, or None where no run makes a file of this name."""
    name = re.fullmatch(r"([1-9][0-9]*)of([1-9][0-9]*)\.h5", path.name)
    if not name or not path.is_file():
        return None
    part, parts = map(int, name.groups())
    return parts if part <= parts <= MOST_PARTS else None
