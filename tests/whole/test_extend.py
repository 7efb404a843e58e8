"""The worked examples of docs/extend.md, as one follows them: a module or files, an entry or a recipe, nothing else."""

import importlib.util
import re
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from torch.nn.functional import interpolate

from helpers.configurations import accepted, mistakes
from helpers.runs import copy_repository, run_snakemake, snakemake, succeed, write_config, write_images
from labelmaps.networks.weights import random_weights, save_weights
from pipeline.sources import ROOT

PAGE = (ROOT / "docs/extend.md").read_text()
FILES = dict(re.findall(r"`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)```", PAGE, re.S))
MODULES = {name: text for name, text in FILES.items() if name.startswith("labelmaps/")}
SAVING = re.search(r"```python\n(import torch\n.*?)```", PAGE, re.S).group(1)
RESULTS = re.findall(r"`(results/mine/[\w/.]+)`", PAGE)
ENTRIES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository with the page's modules."""
    copy = copy_repository(tmp_path_factory.mktemp("extended"))
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


def test_the_page_shows_a_method_a_view_and_data():
    assert sorted(MODULES) == ["labelmaps/methods/margin.py", "labelmaps/views/log_polar.py"]
    assert sorted(FILES.keys() - MODULES) == ["data/classes.txt", "data/mine.csv"]
    assert RESULTS == ["results/mine/summary.csv", "results/mine/figures/figure_2_zoom.pdf"]
    code = MODULES["labelmaps/methods/margin.py"].splitlines()
    assert len([line for line in code if line.strip()]) <= 10
    assert [set(entry) for entry in ENTRIES] == [
        {"methods", "run"},
        {"views", "run"},
        {"datasets"},
        {"models", "run"},
    ]


def test_the_pages_network_of_timms_wants_what_pins_it_and_no_more():
    assert "models.lite0: weights of timm are downloaded from the hub" in mistakes(ENTRIES[3])
    settings = accepted(ENTRIES[3], {"models": {"lite0": {"revision": "0" * 40}}})
    assert settings.models["lite0"].source == "timm in1k (revision 000000000000)"


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "layer", "message"),
    [
        ("summary.csv", {"run": {"methods": ["likelihood", "gradcam"]}}, "leave gradcam out of run.methods"),
        ("summary.csv", {"calibration": {"views": ["retina"]}}, "calibration.views: Grad-CAM and DFF"),
        ("retina/drawn/saliency/dff.h5", {}, "views.retina: maps of methods on x₀"),
        ("retina/drawn/scores/gradcam.parquet", {}, "views.retina: maps of methods on x₀"),
    ],
)
def test_a_map_of_the_log_polar_view_is_refused_before_any_job(repository, tmp_path, target, layer, message):
    write_images(tmp_path)
    run = ENTRIES[1]["run"] | {"datasets": ["four"], "models": ["drawn"]} | layer.pop("run", {})
    config = write_config(
        tmp_path / "c.yaml",
        datasets={"four": {"images": "images", "boxes": "boxes.csv"}},
        models={"drawn": {"architecture": "small_resnet", "random": {"seed": 3}}},
        views=ENTRIES[1]["views"],
        **layer,
        run=run,
    )
    result = snakemake(
        tmp_path, "-n", f"results/four/{target}", "--configfile", config, repository=repository
    )
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert message in text, text
    assert "most recent call" not in text


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


def recipe(name):
    """What a recipe of config/ holds."""
    return yaml.safe_load((ROOT / "config" / name).read_text())


def follow(name, folder, *targets):
    """Run a recipe in a folder by the command at its top, with few views and methods laid over it."""
    text = (ROOT / "config" / name).read_text()
    command = re.search(r"^#   snakemake (.+)$", text, re.M).group(1).split()
    few = {"views": {"zoom": {"grid": 3}}, "run": {"methods": ["center", "likelihood", "gradcam", "igub"]}}
    few = write_config(folder / "few.yaml", **few)
    here = ["--directory", folder, "--cores", "2"]
    succeed(run_snakemake(ROOT, *targets, *command, few, *here))  # the command ends in its configurations


@pytest.fixture
def folder(tmp_path):
    """A folder with the page's table and classes, the images of the table, and weights for the recipe of data."""
    (tmp_path / "data").mkdir()
    for name in FILES.keys() - MODULES:
        (tmp_path / name).write_text(FILES[name])
    random = np.random.default_rng(0)
    for name in pd.read_csv(tmp_path / "data/mine.csv")["path"]:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (240, 320, 3), np.uint8)).save(path)
    model = recipe("own_data.yaml")["models"]["mine"]
    save_weights(random_weights(model["architecture"], 3, seed=0), tmp_path / model["checkpoint"])
    return tmp_path


def check_results(folder, n_boxes):
    """The index holds the page's images, with their labels and so many boxes; the summary and Figure 2 are there."""
    index = pd.read_parquet(folder / "results/mine/index.parquet").set_index("path").sort_index()
    assert index["label"].to_dict() == {
        "data/photos/cat/sofa.png": 0,
        "data/photos/cat/two.png": 0,
        "data/photos/dog/lawn.png": 1,
        "data/photos/fox/snow.png": 2,
    }
    assert index["boxes"].map(len).tolist() == n_boxes
    summary = pd.read_csv(folder / RESULTS[0]).set_index("method")
    assert set(summary["n_images"]) == {4}
    assert summary.loc["likelihood", "n_pointing"] == sum(n > 0 for n in n_boxes)
    assert (folder / RESULTS[1]).read_bytes().startswith(b"%PDF")


def test_data_of_ones_own_lead_to_the_summary_and_figure_2(folder):
    follow("own_data.yaml", folder, *RESULTS)
    check_results(folder, n_boxes=[1, 2, 1, 0])


def test_a_folder_per_class_needs_no_table(folder):
    """Each job in a new Python, as users have it, and hardly any rule twice."""
    (folder / "data/mine.csv").unlink()
    few = {
        "views": {"zoom": {"grid": 3}},
        "models": {"mine": {"size": 64}},
        "run": {"methods": ["likelihood"]},
    }
    path = write_config(folder / "mine.yaml", **ENTRIES[2], **few)
    options = ["--configfile", ROOT / "config/own_data.yaml", path]
    succeed(snakemake(folder, *RESULTS, *options, python=sys.executable))
    check_results(folder, n_boxes=[0, 0, 0, 0])


def test_a_network_of_ones_own_sees_what_it_was_trained_to_expect(folder, monkeypatch):
    model = recipe("own_network.yaml")["models"]["my_network"]

    def train(network):
        network.load_state_dict(random_weights(model["architecture"], 3, seed=1))

    names = {"train": train}
    with monkeypatch.context() as there:
        there.chdir(folder)
        exec(SAVING, names)
    follow("own_network.yaml", folder, RESULTS[0])

    index = pd.read_parquet(folder / "results/mine/index.parquet")
    images = np.stack([np.asarray(Image.open(folder / path)) for path in index["path"]])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    pixels = interpolate(pixels, (model["size"], model["size"]), mode="bilinear")  # as zoom at the centre
    mean, std = (torch.tensor(model[key])[:, None, None] for key in ("mean", "std"))
    with torch.inference_mode():
        expected = names["network"].eval()((pixels - mean) / std).log_softmax(-1).numpy()
    with h5py.File(folder / "results/mine/zoom/my_network/label_maps.h5") as file:
        np.testing.assert_allclose(file["log_probability"][:, 1, 1], expected, rtol=0, atol=2e-3)
    summary = pd.read_csv(folder / RESULTS[0]).set_index("method")
    assert set(summary["model"]) == {"my_network"}
    assert set(summary["weights"]) == {"checkpoint"}
    assert summary.loc["center", "accuracy_after"] == (expected.argmax(-1) == index["label"]).mean()
