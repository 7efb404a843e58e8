"""Compute a method's saliency maps from label maps."""

from importlib.metadata import version
from pathlib import Path

import numpy as np

import begin_job  # noqa: F401 (see there)
from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.methods import facts_of, load_method
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.saliency_file import SaliencyMaps, repeat_for_cases, write_saliency


def compute_saliency(*, label_maps: Path, index: Path, saliency: Path, method: str, options: dict) -> None:
    """Write the saliency maps of a method, one per row of the index.

    method, options: the module of `labelmaps.methods`, and the options of its `saliency`.

    A method that is not given k* computes one map per image, which is repeated if an image has several rows (classes).
    """
    images = read_index(index)
    label = images["label"].to_numpy(np.int64)
    compute = load_method(method, **options)
    blocks, own_labels, n_done = [], [], 0
    with open_label_maps(label_maps, images) as file:
        point, origin, digests = file.field("centre"), file.origin, file.digests
        is_cued, place = facts_of(method).cue == "cued", file.place
        for block in (file if is_cued else file.by_image).blocks():
            some_labels = label[n_done : n_done + len(block.image)] if is_cued else None
            maps_of_block, own_label_of_block = compute(block, some_labels)
            blocks.append(maps_of_block)
            if own_label_of_block is not None:
                own_labels.append(own_label_of_block)
            n_done += len(block.image)
    maps, own_label = np.concatenate(blocks), np.concatenate(own_labels) if own_labels else None
    if not is_cued:
        maps, own_label = repeat_for_cases(maps, own_label, place)
    write_saliency(
        saliency,
        SaliencyMaps(
            images["image"].tolist(),
            maps,
            point,
            own_label,
            digests,
        ),
        origin
        | {"method": method, "cue": facts_of(method).cue, "options": options}
        | {"method_versions": {"numpy": version("numpy")}},
    )


if __name__ == "__main__":
    run_script(compute_saliency, snakemake)
