"""What `labelmaps.look` computes of images is what a run leaves of them."""

import numpy as np
import pandas as pd
import pytest
import torch

import labelmaps
from helpers.small_run import LABELS, SIZE, make_small_run
from labelmaps import methods as package
from labelmaps.data.images import read_image
from labelmaps.looking.figure import find_paths
from labelmaps.modules import module_names
from labelmaps.results import Results
from labelmaps.storage.saliency_file import NO_LABEL, read_saliency
from labelmaps.views import create_view
from workflow.scripts.score_scanpaths import score_scanpaths

MODULES = {name: (name, {}) for name in module_names(package)}
VARIANTS = {
    "igub_inner": ("igub", {"prior": "inner"}),
    "dff_3": ("dff", {"components": 3, "choose": "energy"}),
}
METHODS = MODULES | VARIANTS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run of all methods, two of them with options, too."""
    return make_small_run(tmp_path_factory.mktemp("run"), METHODS)


def look(run, image, label, **options):
    usual = {"view": {"family": "zoom", "grid": 3}, "size": SIZE, "device": "cpu", "methods": "all"}
    known = {"checkpoint": run.weights, "classes": run.classes}
    return labelmaps.look(image, "small_resnet", label=label, **usual | known | options)


@pytest.fixture(scope="module")
def looks(run):
    """All images of the run together, with all of its methods."""
    methods = {name: {"method": method, **options} for name, (method, options) in METHODS.items()}
    return look(run, run.index["path"].tolist(), LABELS, methods=methods)


def same_bits(found, expected):
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_label_maps_are_those_of_the_file_to_the_bit(run, looks):
    results = Results(run.base)
    for image, seen in zip(run.index["image"], looks, strict=True):
        stored = results.label_maps(image)
        for name in ("log_probability", "log_sum_exp", "top_label", "centre", "extent"):
            same_bits(getattr(seen.label_maps, name), getattr(stored, name))
        same_bits(seen.centre, stored.centre[0])
        same_bits(seen.extent, stored.extent[0])
        same_bits(seen.views, results.views(image))
        assert seen.label_map.dtype == np.float32
        assert seen.label_map.shape == (3, 3, 4)
        np.testing.assert_allclose(seen.label_map, results.logits(image), rtol=1e-3, atol=1e-3)
        same_bits(seen.label_map.argmax(-1).astype(np.int16), stored.top_label[0])


@pytest.mark.parametrize("name", METHODS)
def test_maps_and_fixations_of_images_together_are_those_of_the_files_to_the_bit(run, looks, name):
    maps = read_saliency(run.base / "saliency" / f"{name}.h5")
    fixations = pd.read_parquet(run.base / "fixations" / f"{name}.parquet")
    scores = pd.read_parquet(run.base / "scores" / f"{name}.parquet")
    for i, seen in enumerate(looks):
        same_bits(seen.maps[name], maps.saliency[i])
        same_bits(seen.points[name], maps.point[i])
        found = seen.fixations[name]
        for field in ("row", "column", "x", "y", "peak", "tie", "dead"):
            assert getattr(found, field) == fixations[field][i], field
        assert (NO_LABEL if found.own_label is None else found.own_label) == maps.own_label[i]
        assert (found.label, found.correct) == (scores["predicted_after"][i], scores["correct_after"][i])
        assert found.name == seen.class_names[found.label]


def test_one_image_alone_differs_from_the_run_by_rounding_where_the_network_sees_another_batch(run, looks):
    """Label maps and what is made from them do not; maps of x₀ may, whose images a run passes together."""
    alone = look(run, run.index["path"][1], LABELS[1])
    for name, found in alone.maps.items():
        if alone.methods[name].facts.input == "label maps":
            same_bits(found, looks[1].maps[name])
        else:
            np.testing.assert_allclose(found, looks[1].maps[name], rtol=1e-4, atol=1e-5)
        assert alone.fixations[name].row == looks[1].fixations[name].row


@pytest.mark.parametrize("given", ["array", "picture", "network", "loaded", "module in training"])
def test_however_image_and_network_are_given_the_bits_are_the_same(run, looks, given):
    from PIL import Image

    from labelmaps.networks.config import NetworkConfig
    from labelmaps.networks.load import load_network

    path, config = run.index["path"][0], NetworkConfig(architecture="small_resnet", source="x", size=SIZE)
    image, network, options = path, "small_resnet", {"checkpoint": run.weights}
    if given == "array":
        image = read_image(path)
    elif given == "picture":
        image = Image.open(path)
    elif given == "network":
        network = config
    else:
        network, options = load_network(config, run.weights, 4), {"checkpoint": None}
        if given == "module in training":
            network = network[0].train().double()
            options |= {"preprocessing": "imagenet"}
    usual = {"view": create_view("zoom", grid=3), "size": SIZE, "classes": run.classes, "methods": ["igub"]}
    seen = labelmaps.look(image, network, label="Egyptian cat", **usual | options)
    assert seen.label == 3
    same_bits(seen.label_maps.log_probability, looks[0].label_maps.log_probability)
    same_bits(seen.maps["igub"], looks[0].maps["igub"])
    if given == "module in training":
        assert all(module.training for module in network.modules())
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


def test_no_result_depends_on_the_number_of_threads(run, looks):
    one = look(run, run.index["path"].tolist(), LABELS, threads=1)
    for first, second in zip(one, looks, strict=True):
        same_bits(first.label_map, second.label_map)


def test_scanpaths_of_the_figure_are_the_runs(run, looks, tmp_path):
    label_maps, names = run.base / "label_maps.h5", ["dff", "gradcam_own"]
    files = {"paths": tmp_path / "paths.parquet", "curves": tmp_path / "curves.parquet"}
    settings = {name: {"method": name, "options": {}, "arrival": "nearest"} for name in names}
    score_scanpaths(
        index=run.base.parents[1] / "index.parquet",
        label_maps=label_maps,
        saliency=[run.base / "saliency" / f"{name}.h5" for name in names],
        variants={name: name for name in names},
        made_by={"look": {}, "methods": settings, "scanpaths": {"fixations": 8}},
        **files,
    )
    table = pd.read_parquet(files["paths"]).query("accumulation == 'mean'")
    for seen in looks:
        rows = table[table["image"] == f"image {looks.index(seen):02}"].set_index("method")
        found = find_paths(seen, names)
        assert set(found) == {"igub", "likelihood", *names}
        for name, path in found.items():
            assert path["views"].tolist() == rows["views"][name].tolist(), name
            assert path["labels"].tolist() == rows["labels"][name].tolist(), name


def test_torch_and_matplotlib_are_afterwards_as_they_were(run, tmp_path):
    import matplotlib as mpl

    torch.set_num_threads(2)
    mpl.rcParams["figure.dpi"] = 77
    try:
        before = torch.get_deterministic_debug_mode(), torch.backends.cudnn.allow_tf32
        random = torch.get_rng_state()
        settings = dict(mpl.rcParams)
        look(run, run.index["path"][0], None).plot(tmp_path / "figure.png")
        assert torch.get_num_threads() == 2
        assert (torch.get_deterministic_debug_mode(), torch.backends.cudnn.allow_tf32) == before
        assert torch.equal(torch.get_rng_state(), random)
        assert dict(mpl.rcParams) == settings
    finally:
        torch.set_num_threads(1)
        mpl.rcdefaults()
