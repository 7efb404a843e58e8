"""The files (shards) into which a data set is divided: a single file, all files of a folder, or those of a pattern."""

import glob
import logging
import os
import re
from collections import defaultdict
from pathlib import Path

from labelmaps.data.ids import ids_of
from labelmaps.data.images import HIDDEN_FOLDERS
from labelmaps.errors import InputError

logger = logging.getLogger(__name__)

# Hugging Face's names of files: `validation-00003-of-00014.parquet`, maybe with a digest of the content at the end.
_NUMBERED = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]+)?\.\w+")


def list_shards(place: str, ending: str) -> list[str]:
    """List the files of a data set, sorted by path.

    place: a file; a folder, for all files with the ending in it and in the folders below it; or a pattern with `*`, `?`,
        `[…]` or `**`, as in the shell, for the files with the ending that match. Hidden files do not count.
    ending: that of the files' names, with its dot.

    Raises `InputError` if there is none, if a single file has another ending, or if the names of a folder's files are those
    of several splits.
    """
    try:
        if os.path.isfile(place):  # noqa: PTH113 (raises for nothing)
            if not place.endswith(ending):
                is_packed = place.endswith((".gz", ".tgz", ".bz2", ".xz", ".zst"))
                remedy = (
                    "packed, and files are read in place: unpack it"
                    if is_packed
                    else "rename it if it is one"
                )
                raise InputError(f"{place}: no {ending} by its name; {remedy}")
            return [place]
        is_folder = os.path.isdir(place)  # noqa: PTH112
        shards = sorted(_files_below(place, ending) if is_folder else _files_named(place, ending))
    except OSError as error:
        raise InputError(f"cannot list {place}: {error}; check path and permissions") from error
    if not shards:
        what = (
            f"no {ending} file in the folder" if is_folder else "no such file or folder, and no such pattern"
        )
        packed = " (packed ones, as .gz, are not read in place: unpack them)" * (ending == ".tar")
        raise InputError(f"{place}: {what}: give a {ending} file, a folder of them, or a pattern{packed}")
    if is_folder:
        _refuse_several_splits(place, shards)
    return shards


def is_pattern(place: str) -> bool:
    """Return whether a place is a pattern that matches some path."""
    return next(glob.iglob(place, recursive=True), None) is not None  # noqa: PTH207


def _files_below(folder: str, ending: str) -> list[str]:
    """List the files with an ending in a folder and the folders below it, without hidden ones."""
    found = []
    for inner, folders, names in os.walk(folder, onerror=_stop):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN_FOLDERS)]
        found += [
            str(Path(inner, name)) for name in names if name.endswith(ending) and not name.startswith(".")
        ]
    return found


def _stop(error: OSError) -> None:
    """Raise the error that `os.walk` passes to it."""
    raise error


def _files_named(pattern: str, ending: str) -> list[str]:
    """List the files with an ending that match a pattern."""
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return [name for name in found if name.endswith(ending) and os.path.isfile(name)]  # noqa: PTH113


def _refuse_several_splits(folder: str, shards: list[str]) -> None:
    """Raise `InputError` if the names of files are those of several splits: `train` and `test` are hardly one data set."""
    splits = defaultdict(list)
    for shard in shards:
        if match := _NUMBERED.fullmatch(Path(shard).name):
            splits[match["split"]].append(shard)
    if len(splits) > 1:
        raise InputError(
            f"{folder} holds several splits by the names of its files, {', '.join(sorted(splits))}: name those of one by a "
            f"pattern, such as {folder}/{min(splits)}-*"
        )


def name_shards(shards: list[str], ending: str) -> dict[str, str]:
    """Name each shard by its file, or by its path below the common folder if two names are the same; without the ending."""
    folder = os.path.commonpath([str(Path(shard).parent) for shard in shards])
    inner = [str(Path(shard).relative_to(folder)).removesuffix(ending) for shard in shards]
    return dict(zip(shards, ids_of(inner), strict=True))


def warn_of_missing(shards: list[str]) -> None:
    """Warn of missing shards, if the shards' names state how many there are."""
    numbers = [match for shard in shards if (match := _NUMBERED.fullmatch(Path(shard).name))]
    expected = sum(int(count) for _, count in {(match["split"], match["count"]) for match in numbers})
    if numbers and len(numbers) < expected:
        logger.warning(
            "%d of the %d files that their names announce exist: complete them, unless a part is intended",
            len(numbers),
            expected,
        )
