"""Configuration files, read and laid over one another as Snakemake does with --configfile."""

import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from pipeline import session
from pipeline.checks import refuse_files, refuse_names, selected_files
from pipeline.preview.findings import Finding
from pipeline.settings.base import ConfigurationError
from pipeline.settings.reading import LOADER, read_settings, read_yaml, refuse_repeated_keys
from pipeline.sources import ROOT
from pipeline.study import Study

DEFAULTS = ("config.yaml", "readings.yaml")  # of config/, as the Snakefile names them
CATALOGUES = ("datasets", "models", "views", "methods")
MOST_LISTED = 24


def read_study(paths: Sequence[Path]) -> tuple[Study, dict]:
    """Read configuration files, and check them as the workflow does before it plans a job.

    Returns the study and the configuration that the files give, without the default over which they are laid. Raises
    `ConfigurationError` for a file that cannot be read, and for whatever Snakemake would refuse.
    """
    given: dict = {}
    for path in paths:
        update_config(given, read_file(path))
    config: dict = {}
    for layer in (*(read_yaml(ROOT / "config" / name) for name in DEFAULTS), given):
        update_config(config, layer)
    study = Study(read_settings(config))
    refuse_names(ROOT, sys.executable)
    session.refuse_misread_paths([ROOT, Path.cwd(), *(path for _, path, _ in selected_files(study))])
    refuse_files(study)
    for dataset in study.settings.run.datasets:
        study.dataset_contents(dataset)
        for model in study.settings.run.models:
            study.network_contents(dataset, model)
    return study, given


def read_file(path: Path) -> dict:
    """Read one configuration file; raise `ConfigurationError`, with the line, where it is none."""
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; name a configuration file in it")
    if not path.exists():
        raise ConfigurationError(f"{path}: no such file (relative paths start from {Path.cwd()}){near(path)}")
    if not path.is_file():
        raise ConfigurationError(f"{path}: is no regular file; copy what it gives to a file")
    try:
        content = load_configfile(path)
    except (WorkflowError, OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: {_why_unreadable(path, error)}") from error
    refuse_repeated_keys(path)
    return content


def near(path: Path) -> str:
    """Say which files of the same folder, or of the recipes' in the clone, have a name like this one."""
    folders = [path.parent, ROOT / "config"]
    files = [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in (".yaml", ".yml", ".json")
    ]
    close = difflib.get_close_matches(path.name, [file.name for file in files], 1, cutoff=0.75)
    return f"; did you mean {next(file for file in files if file.name == close[0])}?" if close else ""


def _why_unreadable(path: Path, error: Exception) -> str:
    """Say why a file is no configuration, and where."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or error}); make it readable"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    except UnicodeDecodeError as found:
        return f"is no text in UTF-8 ({found.reason} at byte {found.start}); save it so"
    except yaml.MarkedYAMLError as found:
        mark = found.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return (
            f"{place}is no YAML ({found.problem}); mend it (indent by blanks, quote texts with `: ` or `#`)"
        )
    except yaml.YAMLError as found:
        return f"is no YAML ({' '.join(str(found).split())}); mend it"
    if not isinstance(content, dict):
        what = "is empty" if content is None else f"holds a {type(content).__name__}"
        return f"{what}, and no keys such as `datasets:` and `run:`; config/README.md lists them"
    return " ".join(str(error).split())


def describe_selection(study: Study, given: dict) -> Iterator[Finding]:
    """Yield the entries that the configuration defines, and those that `run` selects, catalogue by catalogue."""
    defaults = [read_yaml(ROOT / "config" / name) for name in DEFAULTS]
    left = study.unselected(given, defaults) if given else {}
    rows = [("", "defined by you", "selected by run")]
    for key in CATALOGUES:
        rows.append(
            (key, _listed(list(given.get(key) or {})) or "–", _listed(getattr(study.settings.run, key)))
        )
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for first, second, third in rows:
        yield Finding("line", f"{first:{widths[0]}}  {second:{widths[1]}}  {third}".rstrip())
    for key, names in left.items():
        yield Finding("note", f"run.{key} does not select {_listed(names)}, which you define")


def _listed(names: Sequence[str]) -> str:
    """List names; of many, the first."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED + 1 else ""
    return ", ".join(names[: MOST_LISTED if more else None]) + more
