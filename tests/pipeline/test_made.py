"""A run that ends says what it made, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from helpers.configurations import study_of
from pipeline.made import dates_of_results, describe_made
from pipeline.sources import ROOT

CONFIG = {
    "datasets": {"mine": {"images": "images", "boxes": "boxes.csv"}},
    "models": {"own": {"architecture": "small_resnet", "checkpoint": "network.pth"}},
    "run": {"datasets": ["mine"], "models": ["own"]},
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of results anew, at a time of its own."""
    monkeypatch.chdir(tmp_path)
    times = iter(range(100))

    def write(name):
        path = Path("results", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        time = next(times)
        os.utime(path, (time, time))

    return write


def test_only_what_changed_is_said(write):
    study = study_of(CONFIG)
    write("mine/summary.csv")
    write("mine/figures/figure_2_zoom.pdf")
    before = dates_of_results(study)
    assert list(describe_made(study, before)) == []
    write("mine/index.parquet")
    write("mine/zoom/own/label_maps.h5")
    assert list(describe_made(study, before)) == []
    write("mine/summary.csv")
    assert list(describe_made(study, before)) == ["Tables: results/mine/summary.csv"]
    write("mine/figures/figure_1/zoom/own/gain.png")
    write("mine/explorer.html")
    for name in ("best_of_n", "comparisons", "nulls", "pointing"):
        write(f"mine/{name}.csv")
    write("mine_sample/calibration.csv")
    assert list(describe_made(study, before)) == [
        "Figures: results/mine/figures/",
        "Tables: results/mine/summary.csv, best_of_n.csv, comparisons.csv and 2 more",
        "Explorer: results/mine/explorer.html, to be opened in a browser",
        "All in one page: run again with --report report.zip",
        "Tables: results/mine_sample/calibration.csv",
    ]


def test_the_table_of_results_comes_first(write):
    study = study_of(CONFIG)
    write("mine/summary.csv")
    shutil.copy(ROOT / "docs/default_summary.csv", "results/mine/summary.csv")
    lines = list(describe_made(study, {}))
    assert lines[0] == "Accuracy in %, before and after the saccade: scenes, zoom, 200 images"
    assert lines[-2:] == ["", "Tables: results/mine/summary.csv"]


def test_what_a_configuration_adds_and_does_not_select_is_said():
    defaults = [{"datasets": {"scenes": {}}, "models": {"small_resnet": {}}}, {"views": {"shift_crop": {}}}]
    added = {
        "models": CONFIG["models"] | {"small_resnet": {"size": 64}},
        "views": {"near": {"family": "zoom", "floor": 0.5}, "swept": {"family": "zoom", "floor": 0.6}},
        "methods": {"mean": {"method": "igub", "prior": "mean"}},
        "sweeps": {"floor": ["swept", "zoom"]},
    }
    without_run = study_of({"datasets": CONFIG["datasets"]}, added)
    given = {"datasets": CONFIG["datasets"], **added}
    assert without_run.unselected(given, defaults) == {
        "datasets": ["mine"],
        "models": ["own"],
        "views": ["near"],
        "methods": ["mean"],
    }
    run = {"datasets": ["few"], "models": ["own"], "views": ["near"], "methods": ["mean"]}
    few = {"few": {"sample": {"of": "mine"}}}
    given |= {"datasets": CONFIG["datasets"] | few}
    assert study_of(given, {"run": run}).unselected(given, defaults) == {}
