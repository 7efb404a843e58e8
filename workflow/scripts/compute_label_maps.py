"""Compute the label maps of one part of a data set."""

import json
import logging
import os
from pathlib import Path

from labelmaps import views
from labelmaps.data.batches import part_of
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.inference import engines, label_maps
from labelmaps.jobs.gpu_slots import take_gpu
from labelmaps.jobs.logs import job
from labelmaps.jobs.memory import usual_batch, with_enough_memory
from labelmaps.jobs.progress import progress
from labelmaps.networks.classifier import (
    be_deterministic,
    resolve_compiled,
    resolve_device,
    resolve_precision,
)
from labelmaps.networks.load import load_network, provenance
from labelmaps.storage.label_map_file import write_label_maps

logger = logging.getLogger(__name__)


def compute_label_maps(
    index: Path,
    classes: Path,
    weights: Path,
    output: Path,
    part: int,
    parts: int,
    engine: str,
    view: dict,
    model: dict,
    source: str,
    compute: dict,
    threads: int,
) -> None:
    """Write the label maps of part `part` of `parts` on so many CPU threads; the rest as in the settings."""
    take_gpu(compute["device"])
    be_deterministic()
    os.environ.setdefault(
        "TORCHINDUCTOR_CACHE_DIR", str(Path("resources/compiled").resolve())
    )  # for all parts
    n_labels = len(read_classes(classes))
    network, preprocessing = load_network(model, weights, n_labels)
    device = resolve_device(compute["device"])
    precision = resolve_precision(compute["precision"], device)
    images, family = read_index(index), views.create(**view)
    n_views = len(images) // parts * engines.views_worth(engine, family)
    compiled = resolve_compiled(compute["compile"], device, precision, n_views)
    asked = engines.create(engine, network, family, preprocessing, device, precision, compiled)
    attributes = provenance(model, source, weights, preprocessing, device) | {
        "view": view,
        "engine": engine,
        "precision": precision,
        "compiled": compiled,
        "operations_per_view": asked.operations_per_view(),
    }
    rows = part_of(images, part, parts)
    logger.info("part %d of %d: %d images, %s", part, parts, len(rows), json.dumps(attributes))

    def write(batch: int) -> float:
        asked.prepare(batch)
        with (
            write_label_maps(
                output, rows["image"].tolist(), family.grid, n_labels, attributes | {"batch": batch}
            ) as writer,
            progress(total=len(rows), unit="image", desc=f"{model['architecture']} {part}/{parts}") as bar,
        ):
            for n in label_maps.compute_label_maps(rows, asked, batch, writer, threads):
                bar.update(n)
        return bar.format_dict["elapsed"]

    batch = compute["batch"] or usual_batch(device)
    elapsed = with_enough_memory(write, batch, asked.possible)
    logger.info("%d images in %.1f s, %.1f images/s", len(rows), elapsed, len(rows) / elapsed)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compute_label_maps(
            Path(snakemake.input.index),
            Path(snakemake.input.classes),
            Path(snakemake.input.weights),
            Path(snakemake.output.part),
            **dict(snakemake.params.items()),
            threads=snakemake.threads,
        )
