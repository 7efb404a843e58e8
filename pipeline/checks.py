"""Checks before a run: names and files that Snakemake would misinterpret, or whose absence it would not notice."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from snakemake.io import contains_wildcard

from labelmaps.data.formats.shards import is_pattern
from pipeline.settings.base import ConfigurationError
from pipeline.study import LISTS, SHARDS, SOURCE_FILES, Study, is_visible

FOLDERS = ("images", "boxes", "voc", "parquet", "webdataset")  # keys whose path may be a folder


def is_exchanged(path: str) -> bool:
    """Return whether Snakemake would replace a part of a path, `{name}` or `<name>`, by the value of a variable."""
    return contains_wildcard(path) or re.search(r"<[a-z][a-z0-9_]*>", path) is not None


def refuse_names(root: Path, python: str) -> None:
    """Raise `ConfigurationError` if Snakemake would misinterpret the path of the repository or of Python.

    root: the repository's folder. python: the path of the executable.
    """
    if set(str(root)) & set("{}") or is_exchanged(str(root)):
        raise ConfigurationError(
            f"{root}: Snakemake takes {{name}} and <name> for variables; rename the repository's folder"
        )
    if shlex.quote(python) != python:
        raise ConfigurationError(
            f"{python}: Snakemake cannot start Python from a folder with such a name (blanks, quotes and the like). "
            "Rename the folder, or keep Python's environment elsewhere: UV_PROJECT_ENVIRONMENT=~/labelmaps-env uv run …"
        )


def selected_files(study: Study) -> Iterator[tuple[str, str | None, bool]]:
    """Yield the user's own files of the data sets and networks that run: key, path, and whether the file must exist.

    Images and boxes need not exist before a data set's index is made, so that a dry run works before they arrive.
    """
    settings = study.settings
    for name in settings.run.models:
        model = settings.models[name]
        yield f"models.{name}.checkpoint", model.checkpoint, True
        if model.built_by.library == "file":
            yield f"models.{name}.architecture", model.built_by.place, True
    for name in map(settings.whole_name, settings.run.datasets):
        is_indexed = Path(study.index(name)).exists()
        for key in ("classes", *SOURCE_FILES, *LISTS):
            yield (
                f"datasets.{name}.{key}",
                getattr(settings.datasets[name], key),
                is_indexed or key == "classes",
            )


def is_usable(path: str, can_be_folder: bool) -> bool:
    """Return whether a path, or the target of its links, is a regular file, or a folder if `can_be_folder`."""
    return os.path.isfile(path) or (can_be_folder and os.path.isdir(path))  # noqa: PTH112, PTH113 (as `is_visible`)


def refuse_files(study: Study) -> None:
    """Raise `ConfigurationError` if a selected file of the user's is missing, not regular, or has a name with variables.

    Snakemake takes a finished output whose input is missing for up to date, and reruns it if the list of inputs changed:
    with a misspelt checkpoint another network's results would stay, and with an unmounted disk the index would be lost.
    """
    for key, path, is_needed in selected_files(study):
        if path is None:
            continue
        if is_exchanged(path):
            raise ConfigurationError(
                f"{key}: {path}: Snakemake takes {{name}} and <name> for variables; rename it, or give a symbolic link to it"
            )
        kind = key.rpartition(".")[2]
        if is_visible(path) and not is_usable(path, can_be_folder=kind in FOLDERS):
            raise ConfigurationError(
                f"{key}: {path}: not a regular file{' or a folder' * (kind in FOLDERS)}. A pipe or a device may take "
                "for ever to read: copy its content to a file"
            )
        is_there = is_visible(path) or (kind in SHARDS and is_pattern(path))
        if is_needed and not is_there:
            raise ConfigurationError(
                f"{key}: no such file or folder: {path} (relative paths start from {Path.cwd()}), or no permission to "
                "access it. Correct the path, or make it readable"
            )
