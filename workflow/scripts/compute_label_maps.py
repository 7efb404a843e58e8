"""Compute the label maps of one part of a data set."""

import json
import logging
import os
from pathlib import Path
from typing import Literal

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import first_images, part_of
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.inference.engines import create_engine, equivalent_views
from labelmaps.inference.label_maps import write_part
from labelmaps.jobs.gpu_slots import take_gpu
from labelmaps.jobs.logs import log_rate
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.jobs.script import run_script
from labelmaps.networks.compute import (
    Compute,
    be_deterministic,
    resolve_batch,
    resolve_compiled,
    resolve_device,
    resolve_precision,
)
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import COMPARED_IMAGES, load_network, provenance
from labelmaps.views import create_view

logger = logging.getLogger(__name__)


def compute_label_maps(
    *,
    index: Path,
    classes: Path,
    weights: Path,
    label_maps: Path,
    part: int,
    parts: int,
    engine_name: Literal["exact", "shared"],
    view_config: dict,
    network_config: dict,
    compute_config: dict,
    threads: int,
    images_mib: int,
) -> None:
    """Write the label maps of part `part` (from 1) of `parts`.

    view_config, network_config, compute_config: the fields of a view, of `NetworkConfig` and of `Compute`. threads: the
    number of CPU threads. images_mib: the largest size of the decoded images that wait for the network,
    in MiB.
    """
    network, compute = NetworkConfig(**network_config), Compute(**compute_config)
    own_options = network.own_options(view_config)
    view = create_view(**view_config | own_options)
    take_gpu(compute.device)
    be_deterministic()
    # All parts and later runs share what torch's compiler has compiled.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path("resources/compiled").resolve()))
    n_labels = len(read_classes(classes))
    module, preprocessing, notes = load_network(network, weights, n_labels)
    device = resolve_device(compute.device)
    precision = resolve_precision(compute.precision, device)
    images = read_index(index)
    n_views = images["image"].nunique() // parts * equivalent_views(engine_name, view)
    compiled = resolve_compiled(compute.compile, device, precision, n_views)
    engine = create_engine(
        engine_name,
        module,
        view,
        preprocessing,
        device,
        precision,
        compiled,
        first_images(images, COMPARED_IMAGES),
        network.architecture,
    )
    attributes = provenance(network, weights, preprocessing, device, notes) | {
        "network": network_config,
        "view": view_config,
        "view_from_network": own_options,
        "engine": engine_name,
        "precision": precision,
        "compiled": compiled,
        "operations_per_view": engine.operations_per_view(),
    }
    rows = part_of(images, part, parts)
    logger.info("part %d of %d: %d images, %s", part, parts, len(rows), json.dumps(attributes))
    title = f"{network.architecture} {part}/{parts}"
    elapsed = with_enough_memory(
        lambda batch: write_part(
            label_maps, rows, engine, n_labels, attributes, batch, threads, title, images_mib
        ),
        resolve_batch(compute.batch, device),
        engine.round_batch,
    )
    log_rate(len(rows), elapsed, attributes["device"])


if __name__ == "__main__":
    run_script(compute_label_maps, snakemake)
