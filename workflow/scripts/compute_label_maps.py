"""Compute the label maps of one part of a data set."""

import json
import logging
import os
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from labelmaps import inference, networks, views
from labelmaps.classes import read_classes
from labelmaps.files import sha256
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
    torch.set_num_threads(compute["threads"])
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # without it, cuBLAS may sum in another order each time
    torch.use_deterministic_algorithms(True, warn_only=True)
    n_labels = len(read_classes(classes))
    keys = ("architecture", "weights", "size", "mean", "std")
    preprocessing = networks.Preprocessing.of(**{key: model[key] for key in keys})
    network = networks.build(model["architecture"], n_labels, preprocessing.size)
    networks.load_weights(network, weights)
    device = networks.resolve_device(compute["device"])
    precision = networks.resolve_precision(compute["precision"], device)
    classifier = networks.Classifier(network, device, precision)
    family = views.create(**view)
    rows = inference.part_of(read_index(index), part, parts)
    attributes = {
        "architecture": model["architecture"],
        "weights_source": source,
        "weights_sha256": sha256(weights),
        "preprocessing": asdict(preprocessing),
        "view": view,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": precision,
        "batch": compute["batch"],
        "threads": compute["threads"],
        "versions": {name: version(name) for name in ("torch", "torchvision", "pillow", "numpy")},
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
