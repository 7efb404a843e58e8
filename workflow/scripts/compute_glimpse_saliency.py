"""Compute a method's saliency maps from what a network's last block says of x₀."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from labelmaps import methods, views
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.inference.glimpse import look_once
from labelmaps.inference.parallel import ask_of_batches, streams
from labelmaps.jobs.gpu_slots import take_gpu
from labelmaps.jobs.logs import job
from labelmaps.jobs.memory import usual_batch, with_enough_memory
from labelmaps.jobs.progress import progress
from labelmaps.modules import load_module
from labelmaps.networks.classifier import be_deterministic, resolve_device, resolve_precision
from labelmaps.networks.load import load_network, provenance
from labelmaps.networks.split import SplitClassifier
from labelmaps.storage.saliency_file import SaliencyMaps, write_saliency

IMAGES_AT_ONCE, PIXELS_AT_ONCE = 32, 2**23


def images_at_once(images: pd.DataFrame, batch: int, n_streams: int) -> int:
    """Of how many images a method is given the activations: the more, the less its many small operations cost for each.

    More than the `batch` that the network sees together only where the images, of which some wait, are small, and where
    every one of the streams still has its share.
    """
    pixels = (images["width"] * images["height"]).mean()
    return max(batch, min(IMAGES_AT_ONCE, len(images) // n_streams, int(PIXELS_AT_ONCE / pixels)))


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
    threads: int,
) -> None:
    """Write the saliency maps of the method module `method`, called with `options`, on so many CPU threads.

    The rest as in the settings.
    """
    take_gpu(compute["device"])
    be_deterministic()
    network, preprocessing = load_network(model, weights, len(read_classes(classes)))
    device = resolve_device(compute["device"])
    precision = resolve_precision(compute["precision"], device)
    classifier = SplitClassifier(network, device, preprocessing.size, precision)
    family, module, images = views.create(**view), load_module(methods, method), read_index(index)
    centre = family.grid // 2

    def look(batch: int) -> SaliencyMaps:
        def ask(rows: pd.DataFrame, pictures: list[np.ndarray]) -> list[np.ndarray]:
            glimpse = look_once(rows, pictures, classifier, family, preprocessing, batch)
            label = torch.tensor(rows["label"].to_numpy(np.int64), device=device)
            result = module.saliency(glimpse, label if module.CUE == "cued" else None, **options)
            return [tensor.cpu().numpy() for tensor in (result if isinstance(result, tuple) else (result,))]

        saliency, own_label, point = [], [], []
        with progress(total=len(images), unit="image", desc=f"{model['architecture']} {method}") as bar:
            at_once = images_at_once(images, batch, streams(device, threads))
            for rows, (maps, *own) in ask_of_batches(ask, images, at_once, device, threads):
                saliency.append(maps)
                own_label += own
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

    batch = compute["batch"] or usual_batch(device)
    write_saliency(
        output,
        with_enough_memory(look, batch, possible=lambda batch: batch),
        provenance(model, source, weights, preprocessing, device)
        | {"view": view, "precision": precision}
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
            threads=snakemake.threads,
        )
