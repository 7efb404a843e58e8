"""No byte of a result depends on the number of threads."""

import pytest

from helpers.study import network_of, noise, run_network, write_data_set
from labelmaps.networks.weights import random_weights, save_weights
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

pytestmark = pytest.mark.slow
N_LABELS = 5
SIZES = [(40, 50), (50, 40), (64, 32), (32, 32), (90, 30), (45, 45), (33, 60)]
ARCHITECTURES = ["small_resnet", "densenet121"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of noise, and weights."""
    folder = tmp_path_factory.mktemp("data")
    write_data_set(folder, noise(*SIZES), N_LABELS, label=[i % N_LABELS for i in range(len(SIZES))])
    for architecture in ARCHITECTURES:
        save_weights(random_weights(architecture, N_LABELS, seed=1, size=64), folder / f"{architecture}.pth")
    return folder


@pytest.mark.parametrize(
    ("view", "size"), [({"family": "zoom", "grid": 3}, 64), ({"family": "shift", "grid": 7}, 224)]
)
def test_label_maps(folder, tmp_path, view, size):
    made = {}
    for threads in (1, 3):
        output = tmp_path / f"{threads}.h5"
        run_network(
            compute_label_maps,
            folder,
            {"batch": 2},
            "small_resnet.pth",
            label_maps=output,
            part=1,
            parts=1,
            engine_name="exact" if view["family"] == "zoom" else "shared",
            network_config=network_of(size=size),
            threads=threads,
            view_config=view,
        )
        made[threads] = output.read_bytes()
    assert made[1] == made[3]


@pytest.mark.parametrize(
    ("architecture", "method", "options", "precision"),
    [
        ("small_resnet", "gradcam", {}, "float32"),
        ("small_resnet", "dff", {"components": 3}, "bfloat16"),
        ("densenet121", "dff", {}, "float32"),  # its head is more than a linear layer
        ("densenet121", "layercam", {}, "bfloat16"),
    ],
)
def test_saliency(folder, tmp_path, architecture, method, options, precision):
    made = {}
    for threads in (1, 3):
        output = tmp_path / f"{threads}.h5"
        run_network(
            compute_glimpse_saliency,
            folder,
            {"precision": precision, "batch": 2},
            f"{architecture}.pth",
            saliency=output,
            method=method,
            options=options,
            network_config=network_of(architecture),
            threads=threads,
        )
        made[threads] = output.read_bytes()
    assert made[1] == made[3]
