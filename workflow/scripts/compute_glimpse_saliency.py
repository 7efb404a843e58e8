"""Compute a method's saliency maps from what a network's last block says of x₀."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from labelmaps import engines, methods, networks, views
from labelmaps.classes import read_classes
from labelmaps.glimpse import SplitClassifier, look_once
from labelmaps.gpu_slots import take_gpu
from labelmaps.index import read_index
from labelmaps.logs import job
from labelmaps.modules import load_module
from labelmaps.progress import progress
from labelmaps.saliency_file import SaliencyMaps, write_saliency


def compute_glimpse_saliency(
    index: Path,
    classes: Path,
    weights: Path,
    output: Path,
    method: str,
    options: dict,
    view: dict,
    model: dict,
    source: str,
    compute: dict,
) -> None:
    """Write the saliency maps of the method module `method`, called with `options`; the rest as in the settings."""
    take_gpu(compute["device"])
    networks.be_deterministic(compute["threads"])
    network, preprocessing = networks.load_network(model, weights, len(read_classes(classes)))
    device = networks.resolve_device(compute["device"])
    precision = networks.resolve_precision(compute["precision"], device)
    classifier = SplitClassifier(network, device, preprocessing.size, precision)
    family, module, images = views.create(**view), load_module(methods, method), read_index(index)
    centre = family.grid // 2
    workers = compute["threads"] if device.type == "cuda" else 1

    def look(batch: int) -> SaliencyMaps:
        saliency, own_label, point = [], [], []
        with progress(total=len(images), unit="image", desc=f"{model['architecture']} {method}") as bar:
            for rows, glimpse in look_once(images, classifier, family, preprocessing, batch, workers):
                label = torch.tensor(rows["label"].to_numpy(np.int64), device=device)
                result = module.saliency(glimpse, label if module.CUE == "cued" else None, **options)
                maps, *own = result if isinstance(result, tuple) else (result,)
                saliency.append(maps.cpu().numpy())
                own_label += [labels.cpu().numpy() for labels in own]
                extents = [
                    family.geometry(*size).extent[centre, centre]
                    for size in zip(rows["width"], rows["height"], strict=True)
                ]
                point.append(views.cell_points(np.stack(extents), *maps.shape[1:]))
                bar.update(len(rows))
        return SaliencyMaps(
            images["image"].tolist(),
            np.concatenate(saliency),
            np.concatenate(point),
            np.concatenate(own_label) if own_label else None,
        )

    batch = compute["batch"] or engines.usual_batch(device)
    write_saliency(
        output,
        engines.with_enough_memory(look, batch, possible=lambda batch: batch),
        networks.provenance(model, source, weights, preprocessing, device)
        | {"view": view, "precision": precision, "threads": compute["threads"]}
        | {"method": method, "cue": module.CUE, "options": options}
        | {"method_versions": {"grad-cam": version("grad-cam")}},
    )


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compute_glimpse_saliency(
            Path(snakemake.input.index),
            Path(snakemake.input.classes),
            Path(snakemake.input.weights),
            Path(snakemake.output.saliency),
            **dict(snakemake.params.items()),
        )
