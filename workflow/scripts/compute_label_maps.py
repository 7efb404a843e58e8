"""Compute the label maps of one part of a data set."""

import json
import logging
import os
from pathlib import Path

from labelmaps import engines, inference, networks, views
from labelmaps.classes import read_classes
from labelmaps.gpu_slots import take_gpu
from labelmaps.index import read_index
from labelmaps.label_map_file import write_label_maps
from labelmaps.logs import job
from labelmaps.progress import progress

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
    networks.be_deterministic()
    os.environ.setdefault(
        "TORCHINDUCTOR_CACHE_DIR", str(Path("resources/compiled").resolve())
    )  # for all parts
    n_labels = len(read_classes(classes))
    network, preprocessing = networks.load_network(model, weights, n_labels)
    device = networks.resolve_device(compute["device"])
    precision = networks.resolve_precision(compute["precision"], device)
    images, family = read_index(index), views.create(**view)
    n_views = len(images) // parts * engines.views_worth(engine, family)
    compiled = networks.resolve_compiled(compute["compile"], device, precision, n_views)
    asked = engines.create(engine, network, family, preprocessing, device, precision, compiled)
    attributes = networks.provenance(model, source, weights, preprocessing, device) | {
        "view": view,
        "engine": engine,
        "precision": precision,
        "compiled": compiled,
        "operations_per_view": asked.operations_per_view(),
    }
    rows = inference.part_of(images, part, parts)
    logger.info("part %d of %d: %d images, %s", part, parts, len(rows), json.dumps(attributes))

    def write(batch: int) -> float:
        asked.prepare(batch)
        with (
            write_label_maps(
                output, rows["image"].tolist(), family.grid, n_labels, attributes | {"batch": batch}
            ) as writer,
            progress(total=len(rows), unit="image", desc=f"{model['architecture']} {part}/{parts}") as bar,
        ):
            for n in inference.compute_label_maps(rows, asked, batch, writer, threads):
                bar.update(n)
        return bar.format_dict["elapsed"]

    batch = compute["batch"] or engines.usual_batch(device)
    elapsed = engines.with_enough_memory(write, batch, asked.possible)
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
