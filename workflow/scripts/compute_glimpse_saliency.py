"""Compute a method's saliency maps from the activations of a network's last block at x₀."""

from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import first_images
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.inference.glimpse_saliency import compute_saliency_of_glimpses
from labelmaps.inference.inputs import views_to_compare
from labelmaps.jobs.gpu_slots import take_gpu
from labelmaps.jobs.logs import log_rate
from labelmaps.jobs.memory import with_enough_memory
from labelmaps.jobs.script import run_script
from labelmaps.methods import facts_of, load_method
from labelmaps.networks.compute import (
    Compute,
    be_deterministic,
    resolve_batch,
    resolve_device,
    resolve_precision,
)
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import COMPARED_IMAGES, load_network, provenance
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.verification import compute_known_logits, copy_with_folded_norms
from labelmaps.storage.saliency_file import write_saliency
from labelmaps.views import create_view


def compute_glimpse_saliency(
    *,
    index: Path,
    classes: Path,
    weights: Path,
    saliency: Path,
    method: str,
    options: dict,
    view_config: dict,
    network_config: dict,
    layer: str | None,
    compute_config: dict,
    threads: int,
    images_mib: int,
) -> None:
    """Write the saliency maps of a method.

    method, options: the module of `labelmaps.methods`, and the options of its `saliency`.
    view_config, network_config, compute_config: the fields of a view, of `NetworkConfig` and of `Compute`.
    layer: the name of the module that computes the last map; None to find it. threads: the number of CPU threads.
    images_mib: the largest size of the decoded images that wait for the network, in MiB.
    """
    network, compute = NetworkConfig(**network_config), Compute(**compute_config)
    own_options = network.own_options(view_config)
    view = create_view(**view_config | own_options)
    take_gpu(compute.device)
    be_deterministic()
    module, preprocessing, notes = load_network(network, weights, len(read_classes(classes)))
    device = resolve_device(compute.device)
    precision = resolve_precision(compute.precision, device)
    images, name = read_index(index), network.architecture
    known = compute_known_logits(
        module, views_to_compare(first_images(images, COMPARED_IMAGES), view, preprocessing), name
    )
    classifier = SplitClassifier(
        copy_with_folded_norms(module, known, name), device, known, precision, name, layer
    )
    begun = perf_counter()
    maps = with_enough_memory(
        lambda batch: compute_saliency_of_glimpses(
            images,
            classifier,
            view,
            preprocessing,
            load_method(method, **options),
            batch,
            threads,
            title=f"{network.architecture} {method}",
            is_cued=facts_of(method).cue == "cued",
            images_mib=images_mib,
        ),
        resolve_batch(compute.batch, device),
        round_batch=lambda batch: batch,
    )
    attributes = provenance(network, weights, preprocessing, device, notes) | {
        "network": network_config,
        "view": view_config,
        "view_from_network": own_options,
        "precision": precision,
        "layer": classifier.block_name,
        "layout": classifier.layout._asdict(),
        "method": method,
        "cue": facts_of(method).cue,
        "options": options,
        "method_versions": {"grad-cam": version("grad-cam")},
    }
    log_rate(images["image"].nunique(), perf_counter() - begun, attributes["device"])
    write_saliency(saliency, maps, attributes)


if __name__ == "__main__":
    run_script(compute_glimpse_saliency, snakemake)
