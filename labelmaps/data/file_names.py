"""Names of files as people and file systems write them: one file has one name, however it is spelt.

Neither pandas nor torch is imported here, because these names are also read when jobs are planned.
"""

import contextlib
import os
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from labelmaps.data.images import is_image_name

LARGEST_XML = 10_000_000  # bytes of the XML file of one image; ImageNet's have a few thousand at most


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
    """Return whether a file is an XML file and not hidden (archives may contain `._a.xml`)."""
    path = PurePosixPath(name)
    return path.suffix == ".xml" and not path.name.startswith(".")


def names_by_form(folder: Path) -> dict[str, str]:
    """Map the composed form (Unicode's NFC) of each name in a folder to the name; raise `OSError` if it cannot be listed."""
    return {_composed(name): name for name in sorted(os.listdir(folder))}  # noqa: PTH208 - names alone


def _composed(name: str) -> str:
    """Return a name in Unicode's form NFC, in which letters with accents are one code point."""
    return unicodedata.normalize("NFC", name)


def find_file(file: Path, names_by_form: Callable[[Path], dict[str, str]] = names_by_form) -> Path:
    """Return the file if it exists, otherwise one whose path looks the same, otherwise the path as given.

    Paths look the same if they differ only in Unicode's form (NFC or NFD).
    names_by_form: the function that lists a folder; give one with a cache to find many files.
    """
    try:
        if os.path.lexists(file):
            return file
        place = Path(file.anchor)
        for name in file.parts[len(place.parts) :]:
            exact = place / name
            place = exact if os.path.lexists(exact) else place / names_by_form(place)[_composed(name)]
    except (
        OSError,
        ValueError,
        KeyError,
    ):  # the error is raised, with the file's path, when the file is opened
        return file
    return place


class PathsOfTable:
    """The paths that a table names, each in one spelling. Listings of folders are cached.

    folder: the folder from which relative paths start.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._start = f"{os.path.abspath(folder).rstrip('/')}/"  # noqa: PTH100 - without following links
        self._names_by_look = cache(names_by_form)
        self._images_by_stem = cache(_images_by_stem)
        self._real_path = cache(_real_path)

    def plain(self, text: str) -> str:
        """Return a path without `.`, `..`, doubled slashes and `~`, relative to the folder if it lies in it."""
        text = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises where there is no such user
        if not text or "\0" in text:
            return text
        plain = os.path.normpath(text)
        # normpath keeps two slashes at the start, as POSIX allows.
        plain = "/" + plain.lstrip("/") if plain.startswith("/") else plain
        # After a link to a folder, `..` is the parent of the link's target, not of the link.
        if ".." in PurePosixPath(text).parts and (
            self.real_folder(self._folder / text) != self.real_folder(self._folder / plain)
        ):
            return text
        whole = os.path.normpath(os.path.join(self._start, plain))  # noqa: PTH118 - without following links
        return whole.removeprefix(self._start) if whole.startswith(self._start) else plain

    def find(self, plain: str) -> Path:
        """Return the file of a path from `plain`, as `find_file` does, even if the path lacks the ending of an image.

        Without its ending, a path must fit exactly one image.
        """
        file = find_file(self._folder / plain, self._names_by_look)
        if is_image_name(file.name) or not plain or os.path.lexists(file):
            return file
        names = self._images_by_stem(file.parent).get(_composed(file.name), [])
        return file.parent / names[0] if len(names) == 1 else file

    def real_folder(self, file: Path) -> str:
        """Return the folder of a file, with links resolved."""
        return self._real_path(str(file.parent))


def _images_by_stem(folder: Path) -> dict[str, list[str]]:
    """Map the names of a folder's images without their endings to the names; return nothing if it cannot be listed."""
    images: dict[str, list[str]] = {}
    with contextlib.suppress(
        OSError, ValueError
    ):  # the error is raised, with its path, when the file is opened
        for composed, name in names_by_form(folder).items():
            if is_image_name(name):
                images.setdefault(composed.rpartition(".")[0], []).append(name)
    return images


def _real_path(folder: str) -> str:
    """Return the path of a folder with links resolved; return it unchanged if it cannot be a path."""
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):
        return folder
