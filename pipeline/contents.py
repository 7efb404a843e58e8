"""Digests of the contents of files that no rule makes, the user's own and the project's, as params of rules.

Snakemake compares the dates of inputs. A copy, an archive or another machine's clock may set those to anything: a checkpoint
replaced by one with an older date would leave another network's results standing, and a file dated ahead would make finished
results be computed again. So these files are not inputs of rules; digests of their contents are params instead.
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

LARGE = 1_000_000_000  # bytes; reading more takes so long that the user is told what the run waits for
ABSENT = "absent"
DIGITS = 16  # hexadecimal digits of a digest in params, since Snakemake prints params that changed


class KnownFile(NamedTuple):
    """The record of a file: its state when it was last checked, and the names of its contents.

    state: size, inode, and the times in ns when its content and its metadata last changed.
    name: the name of its content: the digest, or size and date if it was never read.
    names: digest → name, of its contents so far; empty if it was never read.
    """

    state: list[int]
    name: str
    names: dict[str, str]


class Contents:
    """Names for the contents of files. A file is read only if it is new, or if its size, inode or times changed.

    record: the file that keeps the records of files. None: contents are not compared, and all names are empty. (Jobs need no
    names; the process that plans them compares contents.)
    """

    def __init__(self, record: Path | None = None):
        self._record = record
        self._known = {} if record is None else read_record(record)
        self._is_kept = True
        self._together: dict[
            str, str
        ] = {}  # place → name of its files together, so that a folder is listed once

    def of_file(self, path: str) -> str:
        """Return the name of a file's content; raise `ConfigurationError` if it is missing, not regular, or unreadable."""
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
        """Return one name for the paths and the contents of several files.

        place: the folder or table that lists them. paths: sorted; listed only when the place is used for the first time.
        digests: a function that returns path → digest of files that another stage has read. If it is given, new files are
            not read, but named by their size and date. If one changes later, it is read and compared with its digest.

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
        """Return the paths as a list; log a line if reading those that are new or changed will take long."""
        paths, unread = list(paths), 0
        with explaining(place):
            for path in paths:
                state, known = read_state(path), self._known.get(path)
                if state is not None and (known is None or known.state != state):
                    unread += state[0]
        if unread > LARGE:
            logger.info(
                f"Reading the files of {place} ({unread / 1e9:.1f} GB), once, to recognise them later"
            )
        return paths

    def _name(self, path: str, digests: Callable[[], dict[str, str]] | None) -> str:
        """Return the name of a file's content, `ABSENT` without a file, and update its record.

        digests: as for `of_files`; None if the file is read in any case.
        """
        with explaining(path):
            state = read_state(path)
            if state is None:
                return ABSENT
            known = self._known.get(path)
            if known is not None and known.state == state:
                return known.name
            self._is_kept = False
            if known is None and digests is not None:
                self._known[path] = KnownFile(state, f"{state[0]} {state[2]}", {})
            else:
                names = {} if known is None else dict(known.names)
                if known is not None and not names and digests is not None and path in digests():
                    names[digests()[path]] = known.name
                if state[0] > LARGE:
                    logger.info(f"Reading {path} ({state[0] / 1e9:.1f} GB), once, to recognise it later")
                digest = sha256(path)
                self._known[path] = KnownFile(state, names.setdefault(digest, digest[:DIGITS]), names)
            return self._known[path].name

    def _keep(self) -> None:
        """Write the records to their file, unless nothing has changed."""
        if self._record is not None and not self._is_kept:
            with moved_into_place(self._record) as temporary:
                temporary.write_text(json.dumps(self._known), encoding="utf-8")
            self._is_kept = True


def read_record(record: Path) -> dict[str, KnownFile]:
    """Read the records of files; return none if the file is missing or damaged: all files are then read again."""
    try:
        return {
            path: KnownFile(*known) for path, known in json.loads(record.read_text(encoding="utf-8")).items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning(f"{record} is damaged ({error}); the files of data sets and networks are read again")
        return {}


@contextmanager
def explaining(path: str) -> Generator[None]:
    """Convert an `OSError` in the block, about a path of the user's, into a `ConfigurationError`."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error}; make it readable, or correct its path in the configuration"
        ) from error


def read_state(path: str) -> list[int] | None:
    """Return the state of a file (see `KnownFile`); None if there is no file, or not a regular one, which is never read."""
    try:
        found = os.stat(path)  # noqa: PTH116 (50,000 times; Path would be slower)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def images_in(folder: str, depth: int = 0) -> Iterator[str]:
    """Yield the paths of all files that may be images in a folder and the folders below it, in a fixed order.

    depth: levels below the data set's folder. Links to folders are followed only at level 0, where they may be folders of
    classes.
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
    """Yield the paths of the images that a table names, in its order; nothing if it cannot be read.

    table: a CSV file with a header. folder: the one to which paths in the table are relative. columns: as for
    `labelmaps.data.columns.find_columns`, where it is `given`. The job that reads the table reports its mistakes.
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
    """Return path → digest of the images in a data set's index; nothing if the index is missing or damaged."""
    # Imported here, because pandas would take half a second in every run and every job.
    from labelmaps.data.index import read_index

    try:
        rows = read_index(index)
    except InputError:
        return {}
    read = rows[(rows["offset"] < 0) & (rows["digest"] != "")]
    return dict(zip(read["path"], read["digest"], strict=True))


def name_names(names: Iterable[str]) -> str:
    """Return one name for a list of names."""
    return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()[:DIGITS]


@cache
def _line(path: Path, root: Path) -> str:
    """Return the path of one of the project's files, relative to `root`, and its SHA-256, computed once per process."""
    return f"{path.relative_to(root)} {sha256(path)}\n"


def name_code(paths: Iterable[Path]) -> str:
    """Return one name for the paths and contents of the project's files, which does not depend on the project's folder."""
    lines = [_line(path, ROOT) for path in paths]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()[:DIGITS]
