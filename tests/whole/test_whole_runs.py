"""Whole runs of networks and data worth looking at, to the summary and the figures."""

import os
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from helpers.runs import jobs_that_ran, snakemake, succeed, write_config, write_images
from pipeline.sources import ROOT

DATA = os.environ.get("LABELMAPS_TEST_DATA")
ON_LABEL_MAPS = ["center", "likelihood", "max_logit", "igub"]  # methods that the prototype has, too


def test_a_random_resnet101_runs_end_to_end_and_is_marked_as_random(tmp_path):
    write_images(tmp_path)
    config = write_config(
        tmp_path / "c.yaml",
        datasets={"four": {"images": "images", "boxes": "boxes.csv"}},
        models={"resnet101": {"architecture": "resnet101", "random": {"seed": 0}, "size": 64}},
        views={"zoom": {"grid": 3}},
        run={"datasets": ["four"], "models": ["resnet101"], "methods": ["center", "igub", "gradcam"]},
    )
    targets = ["results/four/summary.csv", "results/four/figures/figure_2_zoom.svg"]
    succeed(snakemake(tmp_path, *targets, "--configfile", config))
    summary = pd.read_csv(tmp_path / "results/four/summary.csv")
    assert set(summary["weights"]) == {"random (for tests only)"}
    base = tmp_path / "results/four/zoom/resnet101"
    with h5py.File(base / "label_maps.h5") as file:
        assert file["log_probability"].shape == (4, 3, 3, 1000)
        assert np.isfinite(file["log_probability"][:]).all()
        assert file.attrs["weights_source"] == b"random (for tests only)"
    with h5py.File(base / "saliency/igub.h5") as file:
        assert file.attrs["weights_source"] == b"random (for tests only)"
    for table in ("fixations", "scores"):
        assert (
            pd.read_parquet(base / table / "igub.parquet").attrs["weights_source"]
            == "random (for tests only)"
        )
    assert "random (for tests only)" in (tmp_path / "results/four/figures/figure_2_zoom.svg").read_text()


README = (ROOT / "README.md").read_text()
STORED = pd.read_csv(ROOT / "docs/default_summary.csv").set_index("method")
MOVED = 2.5  # images of which another processor's rounding may change the outcome, of 240
COLUMN = -2  # of the README's table: the embedded default
ROWS = {
    "before: centre": "center",
    "likelihood map, told the label": "likelihood",
    "Grad-CAM, told the label": "gradcam",
    "maximum logit": "max_logit",
    "IGUB": "igub",
    "DFF": "dff",
}


def check_the_papers_question_can_be_seen(summary):
    """A network that is neither blind nor perfect, and a clear gain of the likelihood map."""
    assert (summary["n_images"] >= 200).all()
    assert 0.45 < summary.loc["center", "accuracy_after"] < 0.95
    assert summary.loc["likelihood", "gain_low"] > 0
    assert summary.loc["center", "gain"] == 0


def test_the_embedded_default_runs_to_its_end(tmp_path, thorough):
    """The README's first command; with all scenes and new Pythons where all is tried, and then its numbers come out."""
    small = {"datasets": {"scenes": {"scenes": {"images": 12}}}}
    small |= {"run": {"methods": list(ROWS.values())}}
    if thorough:
        said = succeed(snakemake(tmp_path, python=sys.executable))
    else:
        names = ["summary.csv", "figures/figure_2_zoom.pdf", "figures/figure_1/zoom/small_resnet/gain.pdf"]
        targets = [f"results/scenes/{name}" for name in [*names, "explorer.html"]]
        config = write_config(tmp_path / "small.yaml", **small)
        said = succeed(snakemake(tmp_path, *targets, "--configfile", config))
    assert "Figures: results/scenes/figures/" in said
    assert len(said.splitlines()) <= 60
    assert [row for row in ROWS if f"\n{row}  " not in said] == []
    assert "train_network" not in jobs_that_ran(tmp_path)
    summary = pd.read_csv(tmp_path / "results/scenes/summary.csv").set_index("method")
    assert set(summary["weights"]) == {"trained on scenes"}
    for figure in ("figure_2_zoom", "figure_1/zoom/small_resnet/gain"):
        assert (tmp_path / f"results/scenes/figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "results/scenes/explorer.html").stat().st_size > 100_000
    if thorough:
        for measure in ("accuracy_before", "accuracy_after", "pointing"):
            difference = (summary[measure] - STORED[measure]).abs().fillna(0)
            assert difference.max() <= MOVED / STORED["n_images"].min(), measure
    else:
        assert set(summary["n_images"]) == {12}


def test_the_stored_outcome_of_the_embedded_default_shows_the_papers_question_and_is_the_readmes():
    check_the_papers_question_can_be_seen(STORED)
    for row, method in ROWS.items():
        (cells,) = re.findall(rf"^\| {row} (\|.*\|)$", README, re.M)
        accuracy = [100 * STORED.loc[method, f"accuracy_after{end}"] for end in ("", "_low", "_high")]
        assert cells.split("|")[COLUMN].strip() == "{:.1f} [{:.1f}, {:.1f}]".format(*accuracy)


@pytest.mark.skipif(
    DATA is None or not Path(DATA, "../contract/expected_images.csv").exists(),
    reason="LABELMAPS_TEST_DATA names no folder of real data with a contract beside it",
)
def test_real_images_agree_with_an_independent_prototype(tmp_path, thorough):
    data = Path(DATA).resolve()
    expected = pd.read_csv(data.parent / "contract/expected_images.csv")
    images = sorted(expected["image"].unique())
    if not thorough:
        images = sorted(np.random.default_rng(0).choice(images, 6, replace=False))
    (tmp_path / "images").mkdir()
    for image in images:
        (tmp_path / f"images/{image}.JPEG").symlink_to(data / f"imagenet_val/{image}.JPEG")
    config = write_config(
        tmp_path / "c.yaml",
        datasets={"real": {"images": "images", "boxes": str(data / "LOC_val_solution.csv")}},
        models={"pq": {"architecture": "resnet18", "checkpoint": str(data / "weights/resnet18_pq.pth")}},
        run={"datasets": ["real"], "models": ["pq"], "methods": ON_LABEL_MAPS},
    )
    targets = {method: f"results/real/zoom/pq/scores/{method}.parquet" for method in ON_LABEL_MAPS}
    succeed(snakemake(tmp_path, *targets.values(), "--configfile", config))
    for method, path in targets.items():
        scores = pd.read_parquet(tmp_path / path)
        ours = scores.assign(hit=scores["pointing"] == "hit").set_index("image")
        theirs = expected[expected["method"] == method].set_index("image").loc[images]
        outcomes = ["correct_before", "correct_after", "hit"]
        differing = (ours.loc[images, outcomes].astype(int) != theirs[outcomes]).any(axis=1)
        assert differing.mean() <= 0.02, (
            f"{method}: {list(differing[differing].index)}"
        )  # as the contract asks
