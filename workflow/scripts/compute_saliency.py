"""Compute a method's saliency maps from label maps."""

from importlib.metadata import version
from pathlib import Path

import numpy as np

from labelmaps import methods
from labelmaps.data.index import read_index
from labelmaps.jobs.logs import job
from labelmaps.modules import load_module
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.provenance import check_same_images
from labelmaps.storage.saliency_file import SaliencyMaps, write_saliency


def compute_saliency(label_maps: Path, index: Path, output: Path, method: str, options: dict) -> None:
    """Write the saliency maps of the method module `method`, called with `options`."""
    module = load_module(methods, method)
    images = read_index(index)
    label = images["label"].to_numpy(np.int64)
    saliency, own_label, done = [], [], 0
    with open_label_maps(label_maps) as maps:
        check_same_images(images["image"].tolist(), maps.images, label_maps)
        point, origin = maps.field("centre"), maps.origin
        for block in maps.blocks():
            cue = label[done : done + len(block.image)] if module.CUE == "cued" else None
            result = module.saliency(block, cue, **options)
            maps_of_block, *own = result if isinstance(result, tuple) else (result,)
            saliency.append(maps_of_block)
            own_label += own
            done += len(block.image)
    write_saliency(
        output,
        SaliencyMaps(
            images["image"].tolist(),
            np.concatenate(saliency),
            point,
            np.concatenate(own_label) if own_label else None,
        ),
        origin
        | {"method": method, "cue": module.CUE, "options": options}
        | {"method_versions": {"numpy": version("numpy")}},
    )


if __name__ == "__main__":
    with job(snakemake.log[0]):
        compute_saliency(
            Path(snakemake.input.label_maps),
            Path(snakemake.input.index),
            Path(snakemake.output.saliency),
            **dict(snakemake.params.items()),
        )
