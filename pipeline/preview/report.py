"""The report on a configuration, in the order in which a run would come upon things."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.preview.configuration import describe_selection, read_study
from pipeline.preview.findings import Finding
from pipeline.study import STANDARD_CROP, TEN_CROP, Study


def preview(paths: Sequence[Path], cores: int | None = None) -> Iterator[Finding]:
    """Check configuration files, laid over one another and over the embedded default, and yield what is found.

    cores: of the processor, that the run will have; those of this machine unless given.

    Raises `ConfigurationError` for files that no run could use.
    """
    study, given = read_study(paths)
    names = ", ".join(map(str, paths))
    yield Finding("title", f"{names}, laid over the embedded default" if paths else "The embedded default")
    yield from describe_selection(study, given)
    n_stops = 0
    with TemporaryDirectory(prefix="labelmaps-check-") as folder:
        for finding in _preview_run(study, cores, Path(folder)):
            n_stops += finding.kind == "stop"
            yield finding
    yield Finding("title", "")
    if n_stops:
        yield Finding("title", f"{n_stops} thing{'s' * (n_stops > 1)} would stop a run: see STOP above.")
    else:
        files = f" --configfile {' '.join(map(str, paths))}" * bool(paths)
        yield Finding("title", f"Nothing stands in the way of: snakemake --cores {cores or 'all'}{files}")


def _preview_run(study: Study, cores: int | None, folder: Path) -> Iterator[Finding]:
    """Yield what is found of each data set and network of the run, and what they need."""
    from pipeline.preview.data import Previewed, preview_dataset

    run, threads = study.settings.run, os.cpu_count() or 1
    known: dict[str, Previewed] = {}
    for dataset in run.datasets:
        yield Finding("title", f"Data set {dataset}")
        for found in preview_dataset(study, dataset, _new(folder, dataset), threads):
            if isinstance(found, Previewed):
                known[dataset] = found
            else:
                yield found
    if not known:
        return
    from pipeline.preview.cost import describe_needs  # imports torch
    from pipeline.preview.networks import Cost, preview_network

    views = [*run.views, *(view for view in _of_nulls(study) if view not in run.views)]
    costs: dict[tuple[str, str], Cost] = {}
    for dataset, data in known.items():
        for model in run.models:
            yield Finding("title", f"Network {model} on {dataset}")
            place = _new(folder, f"{dataset} {model}")
            for found in preview_network(study, dataset, model, data, views, place):
                if isinstance(found, Cost):
                    costs[dataset, model] = found
                else:
                    yield found
    yield from describe_needs(study, known, costs, cores)


def _of_nulls(study: Study) -> list[str]:
    """List the views of the nulls, of which a run makes label maps, too."""
    return [STANDARD_CROP] + [TEN_CROP] * study.settings.nulls.ten_crop


def _new(folder: Path, name: str) -> Path:
    """Make a folder in a temporary one."""
    new = folder / name
    new.mkdir()
    return new
