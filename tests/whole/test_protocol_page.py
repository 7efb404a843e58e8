"""Numbers of docs/protocol.md follow from stored label maps, by a few lines of numpy that share no code with the package.

Where LABELMAPS_TEST_RESULTS names the folder results/imagenet of the run that the page describes, and LABELMAPS_TEST_DATA
that of the real data, whose ReaL labels it needs.
"""

import json
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from pipeline.sources import ROOT

RESULTS, DATA = os.environ.get("LABELMAPS_TEST_RESULTS"), os.environ.get("LABELMAPS_TEST_DATA")
PAGE = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(
    RESULTS is None or DATA is None,
    reason="LABELMAPS_TEST_RESULTS and LABELMAPS_TEST_DATA name no run on real images, and no data",
)
NETWORKS = [
    "resnet18_pq",
    "resnet50_pq",
    "efficientnet_lite0",
    "efficientnet_lite2",
]  # the columns of the page's tables
VIEWS, CENTRE = 49, 24


class Looks:
    """What one network says of all views: p (image, view, label), top (image, view), and the index."""

    def __init__(self, network):
        parts = [Path(RESULTS, f"zoom/{network}/label_maps/{i}of2.h5") for i in (1, 2)]
        log_p, top, image = [], [], []
        for part in parts:
            with h5py.File(part) as file:
                log_p.append(file["log_probability"][:].reshape(-1, VIEWS, 1000))
                top.append(file["top_label"][:].reshape(-1, VIEWS))
                image += [name.decode() for name in file["image"][:]]
        self.log_p, self.top = np.concatenate(log_p).astype(np.float32), np.concatenate(top)
        index = pd.read_parquet(Path(RESULTS, "index.parquet")).set_index("image").loc[image]
        real = json.loads(Path(DATA, "real.json").read_text(encoding="utf-8"))
        self.label = index["label"].to_numpy()
        self.real = [set(real[int(name.rsplit("_")[-1]) - 1]) for name in image]
        self.has_real = np.array([bool(labels) for labels in self.real])
        self.size = index[["width", "height"]].to_numpy(float)
        self.boxes = [
            np.array(list(map(np.asarray, boxes)), float).reshape(-1, 4) for boxes in index["boxes"]
        ]
        self.right = self.top == self.label[:, None]
        self.right_real = np.array([[k in s for k in ks] for ks, s in zip(self.top, self.real, strict=True)])
        self.place = np.arange(len(image))

    def told(self):
        """Return the views that the likelihood map selects."""
        return self.log_p[self.place, :, self.label].argmax(1)

    def igub(self):
        """Return the views with the highest Σ q log p, q the posterior p(x₀) p(x_u), normalised."""
        views = []
        for log_p in self.log_p.astype(np.float64):
            joint = np.exp(log_p[CENTRE] + log_p)
            views.append((joint / joint.sum(1, keepdims=True) * log_p).sum(1).argmax())
        return np.array(views)

    def gain(self, view, right=None, among=None):
        """Return the gain in points of looking at a view of each image, among some of them."""
        right = self.right if right is None else right
        change = right[self.place, view].astype(int) - right[:, CENTRE]
        return 100 * change[slice(None) if among is None else among].mean()

    def share(self):
        """Return the share of each image that its boxes cover together, pixel by pixel."""
        shares = []
        for (width, height), boxes in zip(self.size.astype(int), self.boxes, strict=True):
            inside = np.zeros((height, width), bool)
            for x0, y0, x1, y1 in boxes.astype(int):
                inside[y0:y1, x0:x1] = True
            shares.append(inside.mean())
        return np.array(shares)

    def outward(self, n):
        """Return how often the mean of the n views nearest to the centre, x₀ first, is right, in %."""
        row, column = np.divmod(np.arange(VIEWS), 7)
        order = np.argsort((row - 3) ** 2 + (column - 3) ** 2, kind="stable")[:n]
        return 100 * np.mean(np.exp(self.log_p[:, order]).sum(1).argmax(1) == self.label)


@pytest.fixture(scope="module")
def looks():
    return {network: Looks(network) for network in NETWORKS}


def cells(heading, row, last=False):
    """Return the numbers with which the cells of the first, or last, such row of the tables below a heading begin."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith(f"| {row} |")]
    found = [re.match(r" ?\+?([−\d.]+)", cell) for cell in lines[-1 if last else 0].split("|")[2:-1]]
    return [float(match[1].replace("−", "-")) if match else None for match in found]


def close(found, stated):
    """Tell whether a number is the one that is stated with one decimal."""
    return abs(found - stated) <= 0.0501


NOISE, GAINS, PATHS = "How much is noise of the labels", "Who gains", "Saccades one after another"


def test_the_noise_of_the_labels(looks):
    told_label = cells(NOISE, "likelihood map, told the label, by the label")
    told_real = cells(NOISE, "… by the ReaL labels")
    igub_label = cells(NOISE, "IGUB, by the label")
    igub_real = cells(NOISE, "… by the ReaL labels", last=True)
    for i, seen in enumerate(looks.values()):
        assert cells(NOISE, "images with a ReaL label")[i] == seen.has_real.sum()
        told, igub = seen.told(), seen.igub()
        assert close(seen.gain(told, among=seen.has_real), told_label[i])
        assert close(seen.gain(told, seen.right_real, seen.has_real), told_real[i])
        assert close(seen.gain(igub, among=seen.has_real), igub_label[i])
        assert close(seen.gain(igub, seen.right_real, seen.has_real), igub_real[i])


def test_who_gains(looks):
    large = cells(GAINS, "boxes over 75 % of the image: IGUB")
    small = cells(GAINS, "boxes 10 to 25 %: IGUB")
    for i, seen in enumerate(looks.values()):
        share, igub = seen.share(), seen.igub()
        assert (large[0], small[0]) == ((share >= 0.75).sum(), ((share >= 0.1) & (share < 0.25)).sum())
        assert close(seen.gain(igub, among=share >= 0.75), large[i + 1])
        assert close(seen.gain(igub, among=(share >= 0.1) & (share < 0.25)), small[i + 1])


def test_paths_outward(looks):
    section = PAGE.split(f"\n## {PATHS}\n")[1]
    rows = [line for line in section.split("\n") if line.startswith("| … from the centre outward |")]
    of_networks = [looks[name] for name in (NETWORKS[2], NETWORKS[3], NETWORKS[0], NETWORKS[1])]
    assert len(rows) == len(of_networks)
    for row, seen in zip(rows, of_networks, strict=True):
        stated = [float(cell) for cell in row.split("|")[3:7]]
        assert [close(seen.outward(n), value) for n, value in zip((2, 3, 5, 8), stated, strict=True)] == [
            True
        ] * 4
