"""A small run without Snakemake, of a small network with random weights, for tests of what reads it."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.study import look, network_of, run_network, save_pictures, soft_pictures
from labelmaps.data.classes import Class, write_classes
from labelmaps.data.index import write_index
from labelmaps.methods import facts_of
from labelmaps.networks.weights import random_weights, save_weights
from labelmaps.storage.label_map_file import join_label_maps
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps
from workflow.scripts.compute_saliency import compute_saliency

SIZES = [(60, 40), (31, 90), (64, 64)]
NAMES = ["crane", "tabby, tabby cat", "crane", "Egyptian cat"]
LABELS = [1, 3, 0]
SIZE = 64
VIEW = {"family": "zoom", "grid": 3}


class SmallRun(NamedTuple):
    """What a small run leaves.

    root: the folder in which it ran, with the images. base: the results of the network and the view. index: as stored.
    """

    root: Path
    base: Path
    index: pd.DataFrame

    @property
    def weights(self):
        return self.base.parents[1] / "weights.pth"

    @property
    def classes(self):
        return self.base.parents[1] / "classes.txt"


def make_small_run(root, methods, view=VIEW):
    """Run a network on three images, and methods: name → the module and its options. One class for each image."""
    data_set, images = root / "results" / "few", root / "images"
    base = data_set / view["family"] / "net"
    for folder in (data_set, images, base):
        folder.mkdir(parents=True)
    index = save_pictures(images, soft_pictures(*SIZES), label=LABELS)
    write_index(data_set / "index.parquet", index)
    write_classes(data_set / "classes.txt", [Class(f"n{i:08}", name) for i, name in enumerate(NAMES)])
    save_weights(random_weights("small_resnet", len(NAMES), seed=3, size=SIZE), data_set / "weights.pth")
    usual = {"view_config": view, "network_config": network_of(size=SIZE), "threads": 1}
    usual["compute"] = {"batch": None}
    part = base / "label_maps" / "1of1.h5"
    run_network(compute_label_maps, data_set, label_maps=part, part=1, parts=1, engine_name="exact", **usual)
    joined = base / "label_maps.h5"
    join_label_maps([part], joined, index["image"].tolist(), index["digest"].tolist())
    for name, (method, options) in methods.items():
        asked = {"saliency": base / "saliency" / f"{name}.h5", "method": method, "options": options}
        if facts_of(method).input == "glimpse":
            run_network(compute_glimpse_saliency, data_set, **asked, **usual)
        else:
            compute_saliency(label_maps=joined, index=data_set / "index.parquet", **asked)
        look(asked["saliency"], joined, data_set / "index.parquet")
    return SmallRun(root, base, index)
