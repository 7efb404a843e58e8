"""The worked examples of docs/extend.md, as one follows them: a module, an entry in the configuration, nothing else."""

import importlib.util
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from test_workflow import ROOT, snakemake, succeed, write_config, write_images

PAGE = (ROOT / "docs/extend.md").read_text()
MODULES = dict(re.findall(r"`(labelmaps/(?:methods|views)/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.S))
ENTRIES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository with the page's modules."""
    copy = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns(".*", "results", "logs", "scenes", "networks", "tests", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignored, dirs_exist_ok=True)
    for name, text in MODULES.items():
        (copy / name).write_text(text)
    return copy


@pytest.fixture
def run(repository, tmp_path):
    """The folder of a run on four images with one of the page's entries, for some targets."""

    def run(entry, *targets):
        write_images(tmp_path)
        own = {"datasets": ["four"], "models": ["drawn"]}
        config = write_config(
            tmp_path / "c.yaml",
            **entry
            | {
                "datasets": {"four": {"images": "images", "boxes": "boxes.csv"}},
                "models": {"drawn": {"architecture": "small_resnet", "random": {"seed": 3}}},
                "run": entry["run"] | own,
            },
        )
        succeed(snakemake(tmp_path, *targets, "--configfile", config, repository=repository))
        return tmp_path / "results/four"

    return run


def test_the_page_shows_a_method_and_a_view():
    assert sorted(MODULES) == ["labelmaps/methods/margin.py", "labelmaps/views/log_polar.py"]
    code = MODULES["labelmaps/methods/margin.py"].splitlines()
    assert len([line for line in code if line.strip()]) <= 10
    assert [set(entry) for entry in ENTRIES] == [{"methods", "run"}, {"views", "run"}]


def test_a_method_of_ones_own_is_in_the_summary(run):
    results = run(ENTRIES[0], "results/four/summary.csv")
    summary = pd.read_csv(results / "summary.csv")
    assert summary["method"].tolist()[:3] == ["center", "likelihood", "margin"]
    assert summary.loc[2, "cue"] == "uncued"


def test_a_view_of_ones_own_has_label_maps_and_scores(run):
    results = run(
        ENTRIES[1], "results/four/retina/drawn/scores/igub.parquet", "results/four/figures/views_retina.png"
    )
    scores = pd.read_parquet(results / "retina/drawn/scores/igub.parquet")
    assert scores["pointing"].isin(["hit", "miss"]).all()
    assert len(scores) == 4


@pytest.fixture(scope="module")
def log_polar(tmp_path_factory):
    """The page's view family, as a module."""
    path = tmp_path_factory.mktemp("module") / "log_polar.py"
    path.write_text(MODULES["labelmaps/views/log_polar.py"])
    spec = importlib.util.spec_from_file_location("log_polar", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_turning_the_image_rolls_the_log_polar_view(log_polar):
    image = torch.randn(3, 60, 60, generator=torch.Generator().manual_seed(0))
    black, x0 = torch.zeros(3), [24]
    view = log_polar.View()
    upright = view.sample(image, 32, black, x0)
    turned = view.sample(
        torch.rot90(image, -1, (1, 2)), 32, black, x0
    )  # clockwise, as angles grow where y grows downwards
    torch.testing.assert_close(turned, upright.roll(8, dims=-1), rtol=0, atol=1e-4)
    assert not torch.allclose(turned, upright, atol=0.1)


def test_the_rows_of_the_log_polar_view_are_logarithmic_radii(log_polar):
    offset = torch.arange(400) + 0.5 - 200
    distance = torch.hypot(offset, offset[:, None])
    image = distance.log2().expand(3, -1, -1)
    view = log_polar.View(inner=1 / 16).sample(image, 32, torch.zeros(3), [24])[0, 0]
    assert np.allclose(
        view.diff(dim=0), 1 / 8, atol=0.01
    )  # sixteen times the radius, 4 in log2, over 32 rows
