"""Compute the label maps of one part of a data set."""

import json
import logging
from pathlib import Path

from labelmaps import inference, networks, views
from labelmaps.classes import read_classes
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
    view: dict,
    model: dict,
    source: str,
    compute: dict,
) -> None:
    """Write the label maps of part `part` of `parts`; `view`, `model`, `compute` and `source` as in the settings."""
    networks.be_deterministic(compute["threads"])
    n_labels = len(read_classes(classes))
    network, preprocessing = networks.load_network(model, weights, n_labels)
    device = networks.resolve_device(compute["device"])
    precision = networks.resolve_precision(compute["precision"], device)
    classifier = networks.Classifier(network, device, precision)
    family = views.create(**view)
    rows = inference.part_of(read_index(index), part, parts)
    attributes = networks.provenance(model, source, weights, preprocessing, device) | {
        "view": view,
        "precision": precision,
        "operations_per_view": classifier.operations(preprocessing.size),
        "batch": compute["batch"],
        "threads": compute["threads"],
    }
    logger.info("part %d of %d: %d images, %s", part, parts, len(rows), json.dumps(attributes))
    with (
        write_label_maps(output, rows["image"].tolist(), family.grid, n_labels, attributes) as writer,
        progress(total=len(rows), unit="image", desc=f"{model['architecture']} {part}/{parts}") as bar,
    ):
        for n in inference.compute_label_maps(
            rows, classifier, family, preprocessing, compute["batch"], writer
        ):
            bar.update(n)
    elapsed = bar.format_dict["elapsed"]
    logger.info("%d images in %.1f s, %.1f images/s", len(rows), elapsed, len(rows) / elapsed)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compute_label_maps(
            Path(snakemake.input.index),
            Path(snakemake.input.classes),
            Path(snakemake.input.weights),
            Path(snakemake.output.part),
            **dict(snakemake.params.items()),
        )
