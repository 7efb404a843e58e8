"""Grad-CAM and DFF on 400 real images, beside an independent prototype on the same images."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from labelmaps import views
from labelmaps.data.batches import read_batches
from labelmaps.data.indexing import index_dataset
from labelmaps.inference.glimpse import first_glimpse
from labelmaps.methods import dff, gradcam
from labelmaps.networks.build import build
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.networks.weights import load_weights
from labelmaps.scoring.fixations import find_fixations
from labelmaps.scoring.pointing import hits as play
from labelmaps.views.zoom import View
from pipeline.sources import ROOT

DATA = os.environ.get("LABELMAPS_TEST_DATA")
TOLERANCE = 0.02  # as the prototype's authors ask: other decoders and sums round otherwise


@pytest.mark.skipif(
    DATA is None or not Path(DATA, "../contract/expected_cam.csv").exists(),
    reason="LABELMAPS_TEST_DATA names no folder of real data with a contract beside it",
)
def test_pointing_agrees_with_an_independent_prototype():
    expected = pd.read_csv(Path(DATA, "../contract/expected_cam.csv"))
    expected = expected[expected["model"] == "resnet18_pq"].set_index("method")["pointing"]
    classes = ROOT / "resources/imagenet_classes.txt"
    images, boxes = Path(DATA, "imagenet_val"), Path(DATA, "LOC_val_solution.csv")
    index, _ = index_dataset(
        classes, images, boxes, None, verify="header", expect_images=400, max_excluded=0, workers=2
    )
    network = build("resnet18", 1000)
    load_weights(network, Path(DATA, "weights/resnet18_pq.pth"))
    classifier, view = SplitClassifier(network, torch.device("cpu"), 224), View()
    hits = {"gradcam": [], "dff": []}
    for rows, images in read_batches(index, 16):
        glimpse = first_glimpse(rows, images, classifier, view, Preprocessing(), len(rows))
        label = torch.tensor(rows["label"].to_numpy(np.int64))
        maps = {"gradcam": gradcam.saliency(glimpse, label), "dff": dff.saliency(glimpse, None)[0]}
        looks = [view.geometry(*size) for size in zip(rows["width"], rows["height"], strict=True)]
        centre = np.stack([geometry.centre for geometry in looks])
        point = views.cell_points(np.stack([geometry.extent[3, 3] for geometry in looks]), 7, 7)
        for method, saliency in maps.items():
            selected = find_fixations(saliency.numpy(), point, centre)
            hits[method] += play(selected["x"], selected["y"], rows["boxes"]).tolist()
    for method, outcomes in hits.items():
        assert len(outcomes) == 400
        assert np.mean(outcomes) == pytest.approx(expected[method], abs=TOLERANCE)
