"""Names of files as people and file systems write them: one file has one name, however it is spelt.

Neither pandas nor torch is imported here, because what plans the jobs reads these names, too.
"""

import contextlib
import os
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from labelmaps.data.images import is_image_name

LARGEST_XML = 10_000_000  # bytes in the file of one image's boxes; ImageNet's have a few thousand at most


def xml_files(folder: str | Path) -> Iterator[Path]:
    """Yield the XML files of boxes in a folder and the folders below it, in the order of their paths.

    Raises `OSError` for a folder that cannot be listed.
    """
    folders = os.walk(folder, onerror=_stop)  # `rglob` silently skips folders that cannot be listed
    paths = (Path(inner, name) for inner, _, names in folders for name in names)
    yield from sorted(path for path in paths if is_visible_xml(path.name))


def _stop(error: OSError) -> None:
    """Raise the error that `os.walk` passes to it."""
    raise error


def is_visible_xml(name: str) -> bool:
    """Return whether a file is an XML file that is not hidden (archives may contain `._a.xml`)."""
    path = PurePosixPath(name)
    return path.suffix == ".xml" and not path.name.startswith(".")


def names_by_look(folder: Path) -> dict[str, str]:
    """Map the composed form of each name in a folder (Unicode's NFC) to the name; raise `OSError` if it cannot be listed."""
    return {_composed(name): name for name in sorted(os.listdir(folder))}  # noqa: PTH208 - names alone


def _composed(name: str) -> str:
    """Return a name in Unicode's form NFC: letters with accents are one code point."""
    return unicodedata.normalize("NFC", name)


def find_file(file: Path, names_by_look: Callable[[Path], dict[str, str]] = names_by_look) -> Path:
    """Return the file if it is there, or else one whose path looks the same; the path as given if there is none either.

    names_by_look: lists a folder; give one that remembers where many files are sought.
    """
    try:
        if os.path.lexists(file):
            return file
        place = Path(file.anchor)
        for name in file.parts[len(place.parts) :]:
            exact = place / name
            place = exact if os.path.lexists(exact) else place / names_by_look(place)[_composed(name)]
    except (OSError, ValueError, KeyError):  # it is told, with the file's path, where the file is opened
        return file
    return place


class PathsOfTable:
    """The paths that a table names, each in one spelling. What is looked up of folders is remembered.

    folder: from which relative paths start.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._start = f"{os.path.abspath(folder).rstrip('/')}/"  # noqa: PTH100 - without following links
        self._names_by_look = cache(names_by_look)
        self._images_by_stem = cache(_images_by_stem)
        self._real_path = cache(_real_path)

    def plain(self, text: str) -> str:
        """Return a path without `.`, `..`, doubled slashes and `~`, relative to the folder if it lies in it."""
        text = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises where there is no such user
        if not text or "\0" in text:
            return text
        plain = os.path.normpath(text)
        plain = (
            "/" + plain.lstrip("/") if plain.startswith("/") else plain
        )  # POSIX keeps two slashes at the start
        # Behind a link to a folder, `..` leads elsewhere than its spelling says.
        if ".." in PurePosixPath(text).parts and (
            self.real_folder(self._folder / text) != self.real_folder(self._folder / plain)
        ):
            return text
        whole = os.path.normpath(os.path.join(self._start, plain))  # noqa: PTH118 - without following links
        return whole.removeprefix(self._start) if whole.startswith(self._start) else plain

    def find(self, plain: str) -> Path:
        """Return the file of a path from `plain`, as `find_file` does; or that image's whose ending alone the path lacks."""
        file = find_file(self._folder / plain, self._names_by_look)
        if is_image_name(file.name) or not plain or os.path.lexists(file):
            return file
        names = self._images_by_stem(file.parent).get(_composed(file.name), [])
        return file.parent / names[0] if len(names) == 1 else file

    def real_folder(self, file: Path) -> str:
        """Return the folder of a file, links followed."""
        return self._real_path(str(file.parent))


def _images_by_stem(folder: Path) -> dict[str, list[str]]:
    """Map the names of a folder's images without their endings to the names; nothing where it cannot be listed."""
    images: dict[str, list[str]] = {}
    with contextlib.suppress(
        OSError, ValueError
    ):  # it is told, with the file's path, where the file is opened
        for look, name in names_by_look(folder).items():
            if is_image_name(name):
                images.setdefault(look.rpartition(".")[0], []).append(name)
    return images


def _real_path(folder: str) -> str:
    """Return the path of a folder, links followed; as it is where it cannot be one."""
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):
        return folder
