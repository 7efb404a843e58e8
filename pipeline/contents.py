"""Contents of files that no rule makes, by which Snakemake knows them: the user's own, and the project's.

Snakemake compares the dates of inputs. A copy, an archive or another machine's clock may set those to anything: a checkpoint
exchanged under an old date would leave another network's results standing, a file dated ahead would cost what is finished.
So these files are no inputs of rules. Digests of their contents are params instead.
"""

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from snakemake.logging import logger

from labelmaps.data.columns import find_columns
from labelmaps.data.file_names import PathsOfTable
from labelmaps.data.images import HIDDEN_FOLDERS, is_no_image_name
from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place, sha256
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT

LARGE = 1_000_000_000  # bytes, which take so long to read that the user should know what the run waits for
ABSENT = "absent"
DIGITS = 16  # hexadecimal, of the digests in params: Snakemake prints those that changed


class Seen(NamedTuple):
    """A file as it was when it was last looked at.

    state: size, inode, and the times in ns when its content and its metadata last changed.
    name: what its content is called: the digest, or size and date if it was never read.
    names: digest → name, of its contents so far; empty if it was never read.
    """

    state: list[int]
    name: str
    names: dict[str, str]


class Contents:
    """Names for the contents of files. A file is read only when it is new, or when its size, inode or times changed.

    record: the file that keeps what was seen. None: contents are not compared here, and all names are empty. (A job need not
    know them; the process that plans the jobs compares them.)
    """

    def __init__(self, record: Path | None = None):
        self._record = record
        self._seen = {} if record is None else read_record(record)
        self._is_kept = True
        self._together: dict[str, str] = {}  # by place, so that a folder is listed once

    def of_file(self, path: str) -> str:
        """Name the content of a file; raise `ConfigurationError` if it is absent, no regular file, or unreadable."""
        if self._record is None:
            return ""
        name = self._name(path, None)
        if name == ABSENT:
            raise ConfigurationError(f"no such file: {path} (relative paths start from {Path.cwd()})")
        self._keep()
        return name

    def of_files(
        self, place: str, paths: Iterable[str], digests: Callable[[], dict[str, str]] | None = None
    ) -> str:
        """Name the paths and the contents of files together.

        place: the folder or table that lists them. paths: sorted; read only when the place is asked for first.
        digests: returns path → digest of files as another stage has read them. If it is given, files that are new are not
            read, but go by their size and date. If one changes later, it is read and compared with its digest.

        Raises `ConfigurationError` if the place or a file that must be read is unreadable.
        """
        if self._record is None:
            return ""
        if place not in self._together:
            hash_ = hashlib.sha256()
            if digests is None:
                paths = self._announce(place, paths)
            digests = cache(digests) if digests else None  # an index is read once, and only if a file changed
            with explaining(place):
                for path in paths:
                    hash_.update(f"{path}\0{self._name(path, digests)}\n".encode(errors="surrogateescape"))
            self._together[place] = hash_.hexdigest()[:DIGITS]
            self._keep()
        return self._together[place]

    def _announce(self, place: str, paths: Iterable[str]) -> list[str]:
        """Return the paths; say so where reading those that are new or changed takes long."""
        paths, unread = list(paths), 0
        with explaining(place):
            for path in paths:
                state, seen = look(path), self._seen.get(path)
                if state is not None and (seen is None or seen.state != state):
                    unread += state[0]
        if unread > LARGE:
            logger.info(f"Reading the files of {place} ({unread / 1e9:.1f} GB), once, to know them again")
        return paths

    def _name(self, path: str, digests: Callable[[], dict[str, str]] | None) -> str:
        """Name the content of a file, and note what was seen of it."""
        with explaining(path):
            state = look(path)
            if state is None:
                return ABSENT
            seen = self._seen.get(path)
            if seen is not None and seen.state == state:
                return seen.name
            self._is_kept = False
            if seen is None and digests is not None:
                self._seen[path] = Seen(state, f"{state[0]} {state[2]}", {})
            else:
                names = {} if seen is None else dict(seen.names)
                if seen is not None and not names and digests is not None and path in digests():
                    names[digests()[path]] = seen.name
                if state[0] > LARGE:
                    logger.info(f"Reading {path} ({state[0] / 1e9:.1f} GB), once, to know it again")
                digest = sha256(path)
                self._seen[path] = Seen(state, names.setdefault(digest, digest[:DIGITS]), names)
            return self._seen[path].name

    def _keep(self) -> None:
        """Write down what was seen, unless it is written already."""
        if self._record is not None and not self._is_kept:
            with moved_into_place(self._record) as temporary:
                temporary.write_text(json.dumps(self._seen), encoding="utf-8")
            self._is_kept = True


def read_record(record: Path) -> dict[str, Seen]:
    """Read what was seen; nothing if there is no record, or a damaged one: files are then read again."""
    try:
        return {path: Seen(*seen) for path, seen in json.loads(record.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning(f"{record} is damaged ({error}); the files of data sets and networks are read again")
        return {}


@contextmanager
def explaining(path: str) -> Generator[None]:
    """Convert an error of the operating system at a path of the user's into a `ConfigurationError`."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error}; make it readable, or correct its path in the configuration"
        ) from error


def look(path: str) -> list[int] | None:
    """Return the state of a file (see `Seen`); None if there is no file, or no regular one, which is never read."""
    try:
        found = os.stat(path)  # noqa: PTH116 (50,000 times; Path would be slower)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def images_in(folder: str, depth: int = 0) -> Iterator[str]:
    """Yield the paths of all that may be an image in a folder and the folders below it, in a fixed order.

    depth: levels below the data set's folder. Links to folders are followed only there, where they may be classes' folders.
    """
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            is_seen = depth == 0 or not entry.is_symlink()
            if is_seen and not entry.name.startswith(HIDDEN_FOLDERS):
                yield from images_in(entry.path, depth + 1)
        elif not is_no_image_name(entry.name):
            yield entry.path


def images_of(
    table: str, folder: str, columns: Mapping[str, str | Sequence[str]] | None = None
) -> Iterator[str]:
    """Yield the paths of the images that a table names, in its order; none if it is no such table (its job says so).

    columns: as for `labelmaps.data.columns.find_columns`.
    """
    paths = PathsOfTable(Path(folder))
    try:
        with Path(table).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            column = find_columns(reader.fieldnames or [], columns).image
            for row in reader:
                yield str(paths.find(paths.plain(row[column])))
    except (ValueError, KeyError, TypeError, csv.Error, InputError):
        return


def digests_in(index: str) -> dict[str, str]:
    """Return path → digest of the images in a data set's index, as it read them; none if there is no whole index."""
    # Here, because pandas would cost every run and every job half a second.
    from labelmaps.data.index import read_index

    try:
        rows = read_index(index)
    except InputError:
        return {}
    read = rows[(rows["offset"] < 0) & (rows["digest"] != "")]
    return dict(zip(read["path"], read["digest"], strict=True))


def name_names(names: Iterable[str]) -> str:
    """Name a list of names."""
    return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()[:DIGITS]


@cache
def _line(path: Path, root: Path) -> str:
    """Write the name of one of the project's files, from its root, and the SHA-256 of its content, once in a process."""
    return f"{path.relative_to(root)} {sha256(path)}\n"


def name_code(paths: Iterable[Path]) -> str:
    """Name the names and the contents of the project's files; where the project lies makes no difference."""
    lines = [_line(path, ROOT) for path in paths]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()[:DIGITS]
