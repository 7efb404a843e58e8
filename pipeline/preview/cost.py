"""The disk and the time that a run needs: reckoned from shapes, from views that were timed, and from what jobs take.

What jobs take beside the network was measured, and stands in benchmarks/README.md.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from labelmaps.storage.label_map_file import DTYPES
from pipeline.preview.data import Previewed
from pipeline.preview.findings import Finding, duration, size
from pipeline.preview.networks import Cost
from pipeline.settings.datasets import reference_of
from pipeline.study import Study

# Seconds of a core that a job takes beside what grows with the data: where torch is imported, for tables, for figures.
OF_NETWORKS, OF_TABLES, OF_FIGURES = 3.0, 0.8, 2.5
TABLE_JOBS, FIGURE_JOBS = 10, 8  # of a data set, beside those of each network and method
PER_LOGIT = 3e-9  # seconds of a core in which a method reads one, with its checksum: 0.15 ms for 49 × 1000
VIEWS_OF_GLIMPSE = 2  # that take as long as a map of x₀ does, with its way back
PER_IMAGE = 0.02  # seconds of a core beside the views: decoding, once for the index and once for each network
BYTES_OF_ID = 150  # of an image's id and digest
BYTES_OF_CELL = 20  # of a saliency map: its value and its point
BYTES_OF_ROW = 150  # of a case in the tables of one method
BYTES_OF_FIGURES = 16e6  # of a network through a view
BYTES_OF_SCENE = BYTES_IN_EXPLORER = 100e3  # of an image
USUAL_SIDE = 7  # of a map of x₀


@dataclass
class Maps:
    """The label maps of a network through a view, on a data set: of the run, of its nulls, or of a sample that it compares.

    share: of their parts that are not there yet. workers: jobs and threads that can work on them at a time.
    """

    n_bytes: float
    seconds: float
    share: float
    workers: int


@dataclass
class Need:
    """What a run needs, by what needs it: in bytes, or in seconds."""

    label_maps: float = 0
    other: float = 0

    @property
    def whole(self) -> float:
        """All together."""
        return self.label_maps + self.other


Known = Mapping[str, Previewed]  # of each data set
Costs = Mapping[tuple[str, str], Cost]  # of each data set and network


def find_maps(study: Study, known: Known, costs: Costs) -> Iterator[Maps]:
    """Yield the label maps that a run makes."""
    settings = study.settings
    for (dataset, model), cost in costs.items():
        sample = dataset if settings.datasets[dataset].sample else f"{dataset}_sample"
        compared = [sample, reference_of(sample)] if sample in study.watched_samples() else []
        for place in dict.fromkeys([dataset, *compared]):
            n_images = known[dataset].n_images
            if place != dataset:
                n_images = min(n_images, settings.n_images(place) or n_images)
            for view, seconds in cost.seconds_per_image.items():
                is_of_nulls = view not in settings.run.views
                if place != dataset and is_of_nulls:
                    continue
                parts = study.label_map_parts(place, view, model)
                missing = sum(not Path(part).exists() for part in parts)
                yield Maps(
                    n_images * bytes_of_label_map(study, view, len(known[dataset].classes)),
                    n_images * seconds,
                    missing / len(parts),
                    len(parts) * settings.compute.threads,
                )


def bytes_of_label_map(study: Study, view: str, n_labels: int) -> int:
    """Count the bytes of an image's label map, from the types and shapes of its file."""
    values = {"log_probability": n_labels, "centre": 2, "extent": 4}
    of_cell = sum(dtype.itemsize * values.get(name, 1) for name, dtype in DTYPES.items())
    return n_views(study, view) * of_cell + BYTES_OF_ID


def n_views(study: Study, view: str) -> int:
    """Count the views of an image."""
    return study.settings.views[view].options["grid"] ** 2


def reckon_disk(study: Study, known: Known, costs: Costs, maps: Sequence[Maps]) -> Need:
    """Reckon the bytes that a run writes."""
    settings, need = study.settings, Need(sum(item.n_bytes * item.share for item in maps))
    for dataset, data in known.items():
        need.other += min(settings.explorer.images, data.n_images) * BYTES_IN_EXPLORER
        scenes = settings.whole(dataset).scenes
        if scenes is not None and not Path(str(study.dataset_paths(dataset)["images"])).exists():
            need.other += scenes.images * BYTES_OF_SCENE
    brought = {}  # a network's weights, which several data sets may share
    for (dataset, model), cost in costs.items():
        brought[study.weights_file(dataset, model)] = cost.n_bytes
        for view in settings.run.views:
            need.other += BYTES_OF_FIGURES
            for method in settings.methods_of(model):
                is_on_glimpse = settings.methods[method].input == "glimpse"
                cells = (cost.map_side or USUAL_SIDE) ** 2 if is_on_glimpse else n_views(study, view)
                need.other += known[dataset].n_cases * (cells * BYTES_OF_CELL + BYTES_OF_ID + BYTES_OF_ROW)
    need.other += sum(brought.values())
    return need


def reckon_time(
    study: Study, known: Known, costs: Costs, maps: Sequence[Maps], cores: int, gpus: int
) -> Need:
    """Reckon the seconds that a run takes, on so many cores of the processor, and GPUs, where networks run there."""
    settings = study.settings
    seconds = [item.seconds * item.share for item in maps]
    if gpus:
        label_maps = sum(seconds) / gpus
    else:
        longest = max(
            (s / min(item.workers, cores) for s, item in zip(seconds, maps, strict=True)), default=0
        )
        label_maps = max(sum(seconds) / cores, longest)
    on_networks, on_cores = 0.0, len(known) * (TABLE_JOBS * OF_TABLES + FIGURE_JOBS * OF_FIGURES)
    on_cores += sum(item.share > 0 for item in maps) * OF_NETWORKS
    for (dataset, model), cost in costs.items():
        data = known[dataset]
        on_cores += OF_NETWORKS + data.n_images * PER_IMAGE
        for view in settings.run.views:
            on_cores += OF_FIGURES
            logits = n_views(study, view) * len(data.classes)
            for method in settings.methods_of(model):
                on_cores += 3 * OF_TABLES
                if settings.methods[method].input == "glimpse":
                    per_view = cost.seconds_per_image[view] / n_views(study, view)
                    on_networks += data.n_images * VIEWS_OF_GLIMPSE * per_view
                    on_cores += OF_NETWORKS + data.n_images * PER_IMAGE
                else:
                    on_cores += data.n_images * logits * PER_LOGIT
    return Need(label_maps, on_networks / (gpus or cores) + on_cores / cores)


def describe_needs(study: Study, known: Known, costs: Costs, cores: int | None) -> Iterator[Finding]:
    """Yield the disk and the time that a run needs; too little room is a reason to stop.

    cores: that the run will have; None: those of this machine. GPUs are those of this machine, where networks run on one.
    """
    maps = list(find_maps(study, known, costs))
    if not maps:
        return
    cores = cores or os.cpu_count() or 1
    gpus = torch.cuda.device_count() if any(cost.is_on_gpu for cost in costs.values()) else 0
    yield Finding("title", "Estimated")
    disk, folder = reckon_disk(study, known, costs, maps), find_results()
    free = shutil.disk_usage(folder).free
    said = f"disk: {size(disk.whole)}, of which label maps {size(disk.label_maps)}; {size(free)} are free in {folder}"
    if disk.whole > free:
        yield Finding("stop", f"{said}. Free some, or run elsewhere (snakemake --directory)")
    else:
        yield Finding("ok", said)
    if not os.access(folder, os.W_OK):
        yield Finding("stop", f"{folder} cannot be written to; run elsewhere (snakemake --directory)")
    took = reckon_time(study, known, costs, maps, cores, gpus)
    on = f"{gpus} GPU{'s' * (gpus > 1)} and " * bool(gpus) + f"{cores} core{'s' * (cores > 1)}"
    yield Finding(
        "ok",
        f"time: about {duration(took.whole)} on {on}, of which label maps {duration(took.label_maps)}; a slow disk, and "
        "what other programs take, are not counted",
    )
    if there := sum(item.n_bytes * (1 - item.share) for item in maps):
        share = there / sum(item.n_bytes for item in maps)
        yield Finding("note", f"{100 * share:.0f} % of the label maps are there already, and not counted")
    idle = [item for item in maps if item.workers < cores and item.seconds * item.share > took.whole / 2]
    if idle and not gpus:
        yield Finding(
            "note",
            f"{idle[0].workers} of {cores} cores work on label maps at a time: more `parts` of the data set, or more "
            "compute.threads, would use them",
        )


def find_results() -> Path:
    """Return the folder, which is there, in which results lie or will lie."""
    return next(path for path in (Path("results"), Path()) if path.is_dir()).resolve()
