"""Not a byte of what networks say depends on how many threads ask them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labelmaps.index import SCHEMA, write_index
from labelmaps.networks import random_weights, save_weights
from workflow.scripts.compute_glimpse_saliency import compute_glimpse_saliency
from workflow.scripts.compute_label_maps import compute_label_maps

N_LABELS = 5
SIZES = [(40, 50), (50, 40), (64, 32), (32, 32), (90, 30), (45, 45), (33, 60)]
SETTINGS = {
    "view": {"family": "zoom", "grid": 3},
    "source": "checkpoint",
    "compute": {"device": "cpu", "precision": "float32", "compile": "never", "batch": 2},
}


@pytest.fixture
def files(tmp_path):
    """An index of images of noise, its classes, and maker of weights."""
    random = np.random.default_rng(0)
    rows = []
    for i, (width, height) in enumerate(SIZES):
        path = tmp_path / f"{i}.png"
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(path)
        rows.append(
            (f"image {i}", str(path), -1, -1, "", i % N_LABELS, width, height, np.empty((0, 4), "f4"))
        )
    write_index(tmp_path / "index.parquet", pd.DataFrame(rows, columns=SCHEMA.names))
    (tmp_path / "classes.txt").write_text("".join(f"n{i} class {i}\n" for i in range(N_LABELS)))
    return tmp_path


def paths(folder, architecture):
    weights = folder / f"{architecture}.pth"
    save_weights(random_weights(architecture, N_LABELS, seed=1, size=64), weights)
    return folder / "index.parquet", folder / "classes.txt", weights


def model(architecture):
    return {"architecture": architecture, "weights": None, "size": 64, "mean": None, "std": None}


@pytest.mark.parametrize(
    ("view", "size"), [({"family": "zoom", "grid": 3}, 64), ({"family": "shift", "grid": 7}, 224)]
)
def test_label_maps(files, view, size):
    made = {}
    for threads in (1, 3):
        output = files / f"{threads}.h5"
        compute_label_maps(
            *paths(files, "small_resnet"),
            output,
            part=1,
            parts=1,
            engine="exact" if view["family"] == "zoom" else "shared",
            model=model("small_resnet") | {"size": size},
            threads=threads,
            **SETTINGS | {"view": view},
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
def test_saliency(files, architecture, method, options, precision):
    made = {}
    for threads in (1, 3):
        output = files / f"{threads}.h5"
        compute_glimpse_saliency(
            *paths(files, architecture),
            output,
            method=method,
            options=options,
            model=model(architecture),
            threads=threads,
            **SETTINGS | {"compute": SETTINGS["compute"] | {"precision": precision}},
        )
        made[threads] = output.read_bytes()
    assert made[1] == made[3]
