"""The standard crop has the share and interpolation with which a network was evaluated, as timm itself crops."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

from helpers.study import network_of, noise, run_network, write_data_set
from labelmaps.data.classes import read_classes
from labelmaps.inference.inputs import make_views
from labelmaps.networks.config import NetworkConfig
from labelmaps.networks.load import load_network
from labelmaps.networks.weights import random_weights
from labelmaps.storage.provenance import check_settings, parse_attributes, seen_view
from labelmaps.views import create_view
from pipeline.sources import ROOT
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

DATA = Path(os.environ.get("LABELMAPS_TEST_DATA", "missing"))
on_trained = pytest.mark.skipif(
    not (DATA / "weights/tf_efficientnet_lite2.pth").exists(),
    reason="LABELMAPS_TEST_DATA names no folder with ImageNet images and trained networks of timm's",
)
LEFT: dict[str, Any] = {
    "family": "shift",
    "base": "crop",
    "grid": 1,
    "share": "network",
    "interpolation": "network",
}
USUAL: dict[str, Any] = {"share": 224 / 256, "interpolation": "bilinear"}


@pytest.mark.slow
@pytest.mark.parametrize("given", [{}, {"share": 0.5}, {"share": 1.0, "interpolation": "bicubic"}])
def test_a_file_says_how_the_network_was_cropped_for(tmp_path, given):
    write_data_set(tmp_path, noise((40, 30), (30, 40), (35, 35)), 3, image=["a", "b", "c"])
    state = random_weights("small_resnet", 3, seed=0, size=32)
    torch.save(state, tmp_path / "weights.pth")
    view, files = LEFT | given, [tmp_path / "maps.h5", tmp_path / "gradcam.h5"]
    usual = {"network_config": network_of(size=32), "view_config": view}
    run_network(
        compute_label_maps, tmp_path, label_maps=files[0], part=1, parts=1, engine_name="exact", **usual
    )
    run_network(compute_glimpse_saliency, tmp_path, saliency=files[1], method="gradcam", options={}, **usual)
    for path in files:
        with h5py.File(path) as file:
            attributes = {key: file.attrs[key].decode() for key in ("view", "view_from_network")}
        check_settings({"view": view}, attributes, path)
        assert seen_view(parse_attributes(attributes)) == LEFT | USUAL | given
        left = USUAL.keys() - given
        assert json.loads(attributes["view_from_network"]) == {key: USUAL[key] for key in left}
    with h5py.File(files[0]) as file:
        half = 15 * (given.get("share") or 224 / 256)
        np.testing.assert_allclose(file["extent"][0, 0, 0], [20 - half, 15 - half, 20 + half, 15 + half])


@cache
def trained(name):
    """A trained network of timm, its preprocessing, its standard crop and timm's own transform."""
    config = NetworkConfig(architecture=f"timm:{name}", source="checkpoint")
    network, preprocessing, _ = load_network(config, DATA / f"weights/{name}.pth", 1000)
    view = create_view(**LEFT | config.own_options(LEFT))
    return network, preprocessing, view, create_transform(**resolve_data_config({}, model=network))


def logits(name, path, usual=False):
    """Compute the logits of an image file in our standard crop (or the usual one) and in timm's: (2, 1000)."""
    network, preprocessing, view, transform = trained(name)
    if usual:
        view = create_view(**LEFT | USUAL)
    picture = Image.open(path).convert("RGB")
    ours = make_views([np.array(picture)], view, preprocessing, torch.device("cpu"), [0])[0]
    with torch.inference_mode():
        return network(torch.cat([ours, transform(picture)[None]]))


def image_file(number):
    """The file of an image of the validation set."""
    return DATA / f"imagenet_val/ILSVRC2012_val_{number:08}.JPEG"


# Images of which timm's crop of 224 pixels, which begins at a whole pixel, lies where ours does.
ALIGNED = (5, 11, 13, 14, 18, 25, 33, 40)


@on_trained
@pytest.mark.slow
def test_the_standard_crop_of_a_trained_network_is_timms_own():
    for number in ALIGNED:
        ours, timms = logits("tf_efficientnet_lite0", image_file(number))
        usual, _ = logits("tf_efficientnet_lite0", image_file(number), usual=True)
        # Timm rounds to whole levels and its resized image to whole pixels; a bilinear view is farther away.
        assert abs(ours - timms).max() < 0.2 * timms.std() < abs(usual - timms).max(), number


@on_trained
@pytest.mark.slow
@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "tf_efficientnet_lite2"])
def test_a_trained_network_is_as_often_right_in_our_standard_crop_as_in_timms(name, thorough):
    numbers = range(1, 401) if thorough else ALIGNED
    lines = (DATA / "LOC_val_solution.csv").read_text().splitlines()[1:]
    said = {line[:23]: line[24:33] for line in lines}
    rank = {item.id: i for i, item in enumerate(read_classes(ROOT / "resources/imagenet_classes.txt"))}
    label = torch.tensor([rank[said[image_file(number).stem]] for number in numbers])
    predicted = torch.stack([logits(name, image_file(number)).argmax(1) for number in numbers])
    ours, timms = (predicted == label[:, None]).double().mean(0)
    assert timms > 0.6
    assert abs(ours - timms) <= 0.015
