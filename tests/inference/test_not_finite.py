"""Logits and activations that are not finite stop the job, which names the image and leaves no file."""

import h5py
import numpy as np
import pytest
import torch

from helpers.study import network_of, noise, run_network, write_data_set
from labelmaps.errors import InputError
from labelmaps.networks.weights import random_weights
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

pytestmark = pytest.mark.slow
SIDE, N_LABELS = 40, 3
MEAN = (124, 116, 104)  # of ImageNet: all but 0 when normalised


@pytest.fixture
def folder(tmp_path):
    """A data set of five images; the first three have the mean colour, so that they are close to 0 after normalisation."""
    flat = np.full((SIDE, SIDE, 3), MEAN, np.uint8)
    pictures = [flat, flat, flat, *noise((SIDE, SIDE), (SIDE, SIDE))]
    write_data_set(tmp_path, pictures, N_LABELS, image=["flat", "flat 2", "flat 3", "noisy", "noisy too"])
    return tmp_path


def loud_weights(folder, gain):
    """Make finite weights of a network with the first layer `gain` times as large, and the last as much smaller."""
    state = random_weights("small_resnet", N_LABELS, seed=0, size=32)
    state["conv1.weight"] = state["conv1.weight"] * gain
    state["fc.weight"] = state["fc.weight"] / gain
    assert all(value.isfinite().all() for value in state.values())
    torch.save(state, folder / "weights.pth")


MADE = "made/a.h5"


def run(script, folder, precision, **arguments):
    network = network_of(size=32)
    run_network(script, folder, {"precision": precision}, network_config=network, **arguments)


def label_maps_of(folder, precision):
    run(compute_label_maps, folder, precision, label_maps=folder / MADE, part=1, parts=1, engine_name="exact")


def glimpses_of(method):
    def run_method(folder, precision):
        run(compute_glimpse_saliency, folder, precision, saliency=folder / MADE, method=method, options={})

    return run_method


SCRIPTS = {"label maps": label_maps_of} | {name: glimpses_of(name) for name in ("gradcam", "dff", "eigencam")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_overflows_float16_is_named_and_float32_holds_it(folder, script):
    loud_weights(folder, 1e4)
    with pytest.raises(InputError, match=r"^(noisy|small_resnet): .*not finite.*compute\.precision"):
        SCRIPTS[script](folder, "float16")
    assert not list(folder.glob("made/*"))
    SCRIPTS[script](folder, "float32")
    with h5py.File(folder / MADE) as file:
        assert len(file["image"]) == 5


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_overflows_float32_is_refused(folder, script):
    loud_weights(folder, 1e37)
    with pytest.raises(InputError, match=r"^small_resnet: .*not finite.*Check the weights"):
        SCRIPTS[script](folder, "float32")
    assert not list(folder.glob("made/*"))
