"""A configuration is checked once, whole, before any job: each mistake is named with its path and what is allowed."""

import json
import re
import unicodedata
from itertools import product
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import yaml

import pipeline.settings.base
from helpers.configurations import DEFAULT, accepted, mistakes, overlaid
from labelmaps import views
from labelmaps.data.annotations import BOX_FORMATS
from labelmaps.methods import igub
from labelmaps.networks.config import NetworkConfig
from labelmaps.scoring.null_names import LIKELIHOOD_SET, NULL_NAMES, SCANPATH_BASELINES
from labelmaps.views.crop import View as Crop
from labelmaps.views.shift import View as Shift
from pipeline.settings.base import ConfigurationError, spell
from pipeline.settings.datasets import Dataset, Sample
from pipeline.settings.reading import MOST_MISTAKES, read_settings, refuse_repeated_keys
from pipeline.sources import ROOT

TIMMS = {"architecture": "timm:resnet18", "weights": "DEFAULT", "revision": "0123456789" * 4}
RECIPES = sorted({path.name for path in (ROOT / "config").glob("*.yaml")} - {"config.yaml", "readings.yaml"})


def test_the_default_configuration_is_valid():
    assert accepted().run.datasets == ["scenes"]


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_is_run_as_it_says_and_listed_in_the_readme(name):
    text = (ROOT / "config" / name).read_text()
    commands = re.findall(r"^#   snakemake .*--configfile (.+)$", text, re.M)
    assert commands
    for files in map(str.split, commands):
        assert files[-1] == f"config/{name}"
        settings = accepted(*(yaml.safe_load((ROOT / file).read_text()) for file in files))
        last = yaml.safe_load(text).get("run", {})
        assert last.items() <= settings.run.model_dump().items()
        assert ("scenes" in settings.run.datasets) == (name == "train_scenes.yaml")
    assert f"[`{name}`]({name})" in (ROOT / "config/README.md").read_text()


def test_a_users_data_set_does_not_run_the_synthetic_one_too():
    own = {
        "datasets": {"mine": {"images": "a", "boxes": "b.csv"}},
        "models": {"net": {"architecture": "resnet18", "checkpoint": "c.pth"}},
        "run": {"datasets": ["mine"], "models": ["net"]},
    }
    run = read_settings(overlaid(own)).run
    assert (run.datasets, run.models) == (["mine"], ["net"])
    assert run.methods == DEFAULT["run"]["methods"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"bogus": 1}, "key 'bogus' is unknown"),
        (
            {"datasets": {"scenes": {"verfy": "full"}}},
            "datasets.scenes: key 'verfy' is unknown; did you mean 'verify'?",
        ),
        (
            {"datasets": {"scenes": {"verify": "no"}}},
            "datasets.scenes.verify: Input should be 'full' or 'header'",
        ),
        (
            {"datasets": {"scenes": {"max_excluded": "1%"}}},
            "datasets.scenes.max_excluded: Input should be a valid number",
        ),
        (
            {"datasets": {"scenes": {"max_excluded": 1.5}}},
            "max_excluded: Input should be less than or equal to 1",
        ),
        ({"datasets": {"scenes": {"parts": 0}}}, "parts: Input should be greater than or equal to 1"),
        ({"datasets": {"scenes": {"parts": 2.0}}}, "parts: Input should be a valid integer"),
        ({"datasets": {"scenes": None}}, "datasets.scenes"),
        ({"datasets": {"scenes": {"images": "x"}}}, "scenes and images exclude each other"),
        (
            {"datasets": {"scenes": {"box_format": "size"}}},
            "box_format: size needs one of boxes, table, coco, ",
        ),
        (
            {"datasets": {"d": {"images": "x", "boxes": "b.tgz", "box_format": "size_fractions"}}},
            "box_format: size_fractions is for CSV; XML names the corners of its boxes",
        ),
        (
            {"datasets": {"d": {"images": "x", "boxes": "b.csv", "box_format": "xywh"}}},
            "datasets.d.box_format: Input should be 'corners', 'size', 'corner_fractions' or 'size_fractions'",
        ),
        (
            {"datasets": {"scenes": {"min_matched": 2}}},
            "min_matched: Input should be less than or equal to 1",
        ),
        ({"datasets": {"d": {}}}, "datasets.d: needs images, table, voc, parquet, webdataset, scenes or"),
        ({"datasets": {"d": {"table": "t", "boxes": "b"}}}, "table and boxes exclude each other"),
        ({"datasets": {"d": {"voc": "v", "images": "i"}}}, "voc and images exclude each other"),
        ({"datasets": {"scenes": {"voc": "v"}}}, "scenes and voc exclude each other"),
        ({"datasets": {"d": {"voc": "v", "subset": ""}}}, "datasets.d.subset: "),
        ({"datasets": {"d": {"voc": "v", "subset": "../val"}}}, "datasets.d.subset: "),
        ({"datasets": {"d": {"images": "i", "subset": "val"}}}, "datasets.d: subset: needs voc"),
        (
            {"datasets": {"d": {"table": "t", "columns": {"image": "x", "label": "x"}}}},
            "columns: x: named twice",
        ),
        ({"datasets": {"d": {"table": "t", "columns": {"boxes": ["x", "y"]}}}}, "datasets.d.columns.boxes"),
        ({"datasets": {"d": {"table": "t", "columns": {"path": "x"}}}}, "key 'path' is unknown"),
        (
            {"datasets": {"scenes": {"acceptable_labels": "l.json"}}},
            "scenes and acceptable_labels exclude each other",
        ),
        ({"datasets": {"scenes": {"factors": "x.csv"}}}, "scenes and factors exclude each other"),
        ({"datasets": {"d": {"coco": "c.json"}}}, "datasets.d: coco: needs images"),
        (
            {"datasets": {"d": {"coco": "c", "images": "i", "boxes": "b"}}},
            "coco and boxes exclude each other",
        ),
        ({"datasets": {"d": {"parquet": "p", "images": "i"}}}, "parquet and images exclude each other"),
        (
            {"datasets": {"d": {"parquet": "p", "webdataset": "w"}}},
            "parquet and webdataset exclude each other",
        ),
        ({"datasets": {"d": {"webdataset": "w", "table": "t"}}}, "table exclude each other"),
        ({"datasets": {"scenes": {"parquet": "p"}}}, "scenes and parquet exclude each other"),
        (
            {"datasets": {"d": {"images": "i", "columns": {"label": "x"}}}},
            "columns: needs table or parquet or webdataset",
        ),
        ({"datasets": {"d": {"parquet": "p", "columns": {"boxes": ["x", "y"]}}}}, "datasets.d.columns.boxes"),
        ({"datasets": {"d": {"parquet": "p", "columns": {"labels": "x"}}}}, "key 'labels' is unknown"),
        (
            {"datasets": {"d": {"images": "x", "sample": {"of": "scenes"}}}},
            "datasets.d: images: settled by the data set of the sample (an entry of an existing name is merged into it",
        ),
        (
            {"datasets": {"scenes": {"sample": {"of": "scenes"}}}},
            "datasets.scenes: scenes: settled by the data set of the sample (an entry of an existing name is merged",
        ),
        ({"datasets": {"d": {"sample": {}}}}, "datasets.d.sample.of: Field required"),
        (
            {"datasets": {"d": {"sample": {"of": "scenes", "images": 0}}}},
            "datasets.d.sample.images: Input should be greater than or equal to 1",
        ),
        (
            {"datasets": {"d": {"sample": {"of": "scene"}}}},
            "datasets.d.sample.of 'scene' is unknown; did you mean 'scenes'?",
        ),
        (
            {"datasets": {"d": {"sample": {"of": "scenes"}}, "e": {"sample": {"of": "d"}}}},
            "datasets.e: a sample of a sample; give the whole data set",
        ),
        (
            {"datasets": {"d": {"sample": {"of": "d"}}}},
            "datasets.d: a sample of a sample; give the whole data set",
        ),
        (
            {"datasets": {"scenes_sample": {"images": "x"}}},
            "datasets: scenes_sample is the name of the sample of scenes; choose another",
        ),
        (
            {"datasets": {"scenes_sample": {"sample": {"of": "scenes"}}}},
            "datasets: scenes_sample is the name of the sample of scenes; choose another",
        ),
        ({"sample": {"images": 0}}, "sample.images: Input should be greater than or equal to 1"),
        ({"sample": {"seed": -1}}, "sample.seed: Input should be greater than or equal to 0"),
        ({"sample": {"of": "scenes"}}, "sample: key 'of' is unknown"),
        ({"datasets": {"a/b": {"images": "x"}}}, "datasets.a/b"),
        (
            {"datasets": {"d": {"images": "x", "examples": {"gain": "a.1"}}}},
            "datasets.d: examples: gain is chosen automatically; name yours otherwise",
        ),
        (
            {"figure_1": {"methods": ["grad_cam"]}},
            "figure_1.methods 'grad_cam' is unknown; did you mean 'gradcam'?",
        ),
        ({"figure_2": {"methods": ["dfff"]}}, "figure_2.methods 'dfff' is unknown; did you mean 'dff'?"),
        (
            {"methods": {"d": {"method": "dff", "components": 0}}},
            "methods.d.components: Input should be 1, 2",
        ),
        (
            {"models": {"m": {"architecture": "resnet19", "weights": "V1"}}},
            "models.m.architecture: architecture 'resnet19' is unknown; the nearest of 81 are resnet18, resnet1",
        ),
        (
            {"models": {"m": {"architecture": "timm:tf_efficientnet_lite5", "random": {}}}},
            "architecture timm: 'tf_efficientnet_lite5' is unknown; the nearest of 1371 are tf_efficientnet_lite",
        ),
        (
            {"models": {"m": {"architecture": "timm:resnet18.a9_in1k", "random": {}}}},
            "weights of timm:resnet18: 'a9_in1k' is unknown; did you mean",
        ),
        (
            {"models": {"m": TIMMS | {"weights": "a9_in1k"}}},
            "models.m: weights of timm:resnet18: 'a9_in1k' is unknown; did you mean 'a",
        ),
        (
            {"models": {"m": TIMMS | {"architecture": "timm:resnet18.a2_in1k", "weights": "a1_in1k"}}},
            "models.m: weights: a1_in1k are not those of timm:resnet18.a2_in1k; name one tag",
        ),
        (
            {"models": {"m": TIMMS | {"architecture": "timm:test_vit4"}}},
            "models.m: weights: timm has none for test_vit4; use checkpoint",
        ),
        (
            {"models": {"m": TIMMS | {"revision": None}}},
            "models.m: weights of timm are downloaded from the hub, where they may change: give revision, sha256 or both. "
            "The history of https://huggingface.co/timm/resnet18.a1_in1k (or",
        ),
        *(
            (
                {"models": {"m": TIMMS | {"revision": given}}},
                "m.revision: give all 40 hexadecimal digits of a commit",
            )
            for given in ("main", "0123456", "g" * 40, "0" * 64, "")
        ),
        *(
            (
                {"models": {"m": TIMMS | {"sha256": given}}},
                "m.sha256: give all 64 hexadecimal digits of the sha256",
            )
            for given in ("0123456", "g" * 64, "sha256:" + "0" * 64, "0" * 40)
        ),
        *(
            (
                {"models": {"m": source | {key: "0" * n}}},
                "models.m: revision and sha256 go with timm's weights",
            )
            for key, n in (("revision", 40), ("sha256", 64))
            for source in (
                {"architecture": "resnet18", "weights": "V1"},
                {"architecture": "timm:resnet18", "checkpoint": "a.safetensors"},
                {"architecture": "timm:resnet18", "random": {}},
                {"architecture": "mine.py:build", "checkpoint": "a.pth"},
            )
        ),
        (
            {"models": {"m": {"architecture": "mine.py:", "random": {}}}},
            "architecture: mine.py:: '' is not the name of a function. Write path/to/file.py:build",
        ),
        (
            {"models": {"m": {"architecture": "my-nets/mine:build", "random": {}}}},
            "is neither a Python file nor a module. Write path/to/file.py:build, package.module:build or timm:NAME",
        ),
        (
            {"models": {"m": {"architecture": "resnet18"}}},
            "exactly one of weights, checkpoint, shipped, train, random; given: none",
        ),
        (
            {"models": {"m": {"architecture": "resnet18", "weights": "V1", "random": {}}}},
            "models.m: give exactly one of weights, checkpoint, shipped, train, random; given: weights, random",
        ),
        (
            {"models": {"m": {"architecture": "small_resnet", "weights": "V1"}}},
            "weights: are torchvision's or timm's, and there are none for small_resnet; use checkpoint",
        ),
        (
            {"models": {"m": {"architecture": "resnet18", "train": {}}}},
            "models.m: train goes with small_resnet",
        ),
        (
            {"models": {"m": {"architecture": "resnet18", "shipped": "scenes"}}},
            "models.m: shipped goes with small_resnet",
        ),
        (
            {"models": {"m": {"architecture": "small_resnet", "shipped": "imagenet"}}},
            "models.m.shipped: Input should be 'scenes'",
        ),
        (
            {"models": {"small_resnet": {"train": {}}}},
            "models.small_resnet: give exactly one of weights, checkpoint, shipped, train, random; given: shipped, train "
            "(an entry of an existing name is merged into it; choose a new name)",
        ),
        ({"models": {"small_resnet": {"mean": [0.5, 0.5]}}}, "models.small_resnet.mean"),
        (
            {"models": {"small_resnet": {"mean": [123.7, 116.3, 103.5]}}},
            "models.small_resnet.mean.0: Input should be less than or equal to 1 (given: 123.7)",
        ),
        (
            {"models": {"small_resnet": {"std": [0.2, 57.1, 0.2]}}},
            "models.small_resnet.std.1: Input should be less than or equal to 1 (given: 57.1)",
        ),
        (
            {"models": {"small_resnet": {"train": {"seed": 2**63}}}},
            "models.small_resnet.train.seed: Input should be less than 9223372036854775808",
        ),
        ({"compute": {"threads": 2**31}}, "compute.threads: Input should be less than 2147483648"),
        ({"compute": {"threads": True}}, "compute.threads: Input should be a valid integer (given: True)"),
        (
            {"datasets": {"d": {"images": "a", "boxes": ""}}},
            "datasets.d.boxes: String should have at least 1 character (given: '')",
        ),
        ({"datasets": {"d": {"images": "a\0b"}}}, "datasets.d.images: String should match pattern"),
        ({"datasets": {"d": {"images": ["a"]}}}, "datasets.d.images: Input should be a valid string"),
        ({"datasets": {"d": {"images": "a", "examples": {"mine": 7}}}}, "datasets.d.examples.mine: Input"),
        (
            {"models": {"m": {"architecture": "resnet18", "checkpoint": ""}}},
            "models.m.checkpoint: String should have at least 1 character",
        ),
        ({"models": {1: {"architecture": "resnet18", "random": {}}}}, "models.1"),
        (
            {"models": {"m": {"architecture": "\ud800", "random": {}}}},
            r"models.m.architecture: architecture '\ud800' is unknown",
        ),
        ({"models": None}, "models: Input should be a valid dictionary"),
        ({"models": ["resnet18"]}, "models: Input should be a valid dictionary"),
        ({"run": {"models": "small_resnet"}}, "run.models: Input should be a valid list"),
        ({"run": {"models": [["small_resnet"]]}}, "run.models.0: Input should be a valid string"),
        ({"compute": ["cpu"]}, "compute: Input should be a valid dictionary"),
        ({"models": {"small_resnet": {"std": [0.5, 0.5, 0]}}}, "models.small_resnet.std.2"),
        ({"views": {"zoom": {"grid": 6}}}, "views.zoom: grid: 6 is not an odd positive number"),
        ({"views": {"zoom": {"floor": 0}}}, "views.zoom: floor"),
        (
            {"views": {"zoom": {"floor": "a"}}},
            "views.zoom.floor: Input should be a valid number (given: 'a')",
        ),
        ({"views": {"zoom": {"flor": 0.1}}}, "views.zoom: key 'flor' is unknown; did you mean 'floor'?"),
        (
            {"views": {"zoom": {"family": "zoon"}}},
            "views.zoom: family 'zoon' is unknown; did you mean 'zoom'?",
        ),
        (
            {"views": {"other": {"grid": 7}}},
            "views.other: needs the key `family`: one of crop, shift, ten_crop, zoom",
        ),
        (
            {"views": {"zoom": {"sampling": "corners"}}},
            "views.zoom.sampling: Input should be 'centres' or 'edges' (given: 'corners')",
        ),
        (
            {"views": {"s": {"family": "shift", "base": "letterbox", "beyond": "surroundings"}}},
            "views.s: beyond: the base letterbox shows the whole image, which has no surroundings. Choose base: crop, or",
        ),
        (
            {"views": {"s": {"family": "shift", "base": "stretch"}}},
            "views.s.base: Input should be 'letterbox', 'crop' or 'squash'",
        ),
        (
            {"views": {"s": {"family": "shift", "beyond": "inside"}}},
            "views.s.beyond: Input should be 'black', 'gray', 'reflect', 'roll' or 'surroundings'",
        ),
        ({"views": {"s": {"family": "shift", "side": 0.5}}}, "views.s: key 'side' is unknown"),
        (
            {"views": {"s": {"family": "shift", "share": 0.9}}},
            "views.s: share: the base letterbox shows the whole image. Choose base: crop, or leave share out",
        ),
        ({"models": {"small_resnet": {"crop_share": 0}}}, "models.small_resnet.crop_share: Input should be"),
        (
            {"models": {"small_resnet": {"interpolation": "lanczos"}}},
            "models.small_resnet.interpolation: Input should be 'bilinear' or 'bicubic' (given: 'lanczos')",
        ),
        ({"views": {"s": {"family": "shift", "grid": 4}}}, "views.s: grid: 4 is not an odd positive number"),
        (
            {"views": {"c": {"family": "crop", "side": 1.2}}},
            "views.c: side: 1.2 is not a share of the shorter side, above 0 and at most 1",
        ),
        (
            {"views": {"c": {"family": "crop", "beyond": "roll"}}},
            "views.c.beyond: Input should be 'black', 'gray', 'reflect' or 'inside'",
        ),
        ({"views": {"c": {"family": "crop", "grid": 0}}}, "views.c: grid: 0 is not an odd positive number"),
        ({"views": {"c": {"family": "crop", "sides": 1}}}, "key 'sides' is unknown; did you mean 'side'?"),
        (
            {"methods": {"igub": {"method": "igb"}}},
            "methods.igub: method 'igb' is unknown; did you mean 'igub'?",
        ),
        (
            {"methods": {"igub": {"priors": "x"}}},
            "methods.igub: key 'priors' is unknown; did you mean 'prior'?",
        ),
        ({"methods": {"igub": {"prior": "x"}}}, "prior: Input should be 'initial', 'mean' or 'inner'"),
        (
            {"methods": {"gradcam": {"arrival": "cell"}}},
            "methods.gradcam.arrival: Input should be 'nearest' or 'index' (given: 'cell')",
        ),
        (
            {"compute": {"device": "gpu"}},
            "compute.device: Input should be 'cpu', 'cuda' or 'auto' (given: 'gpu')",
        ),
        ({"compute": {"batch": 0}}, "compute.batch"),
        ({"pointing": {"tolerance": -1}}, "pointing.tolerance"),
        ({"nulls": {"view": "zoom"}}, "nulls: key 'view' is unknown; choose from seed"),
        ({"scanpaths": {"fixations": 0}}, "scanpaths.fixations: Input should be greater than or equal to 1"),
        ({"scanpaths": {"fixation": 8}}, "scanpaths: key 'fixation' is unknown; did you mean 'fixations'?"),
        ({"scanpaths": {"draws": 0}}, "scanpaths.draws: Input should be greater than or equal to 1"),
        ({"scanpaths": {"among": "outer"}}, "scanpaths.among: Input should be 'all' or 'inner'"),
        ({"scanpaths": {"seed": -1}}, "scanpaths.seed: Input should be greater than or equal to 0"),
        (
            {"scanpaths": {"thresholds": [-0.1]}},
            "scanpaths.thresholds.0: Input should be greater than or equal",
        ),
        (
            {"scanpaths": {"thresholds": [1.0, 0.5]}},
            "scanpaths.thresholds: 1.0, 0.5: name each once, the lowest",
        ),
        (
            {"scanpaths": {"thresholds": [0.5, 0.5]}},
            "scanpaths.thresholds: 0.5, 0.5: name each once, the lowest",
        ),
        (
            {"methods": {"max_softmax": {"method": "eigencam"}}},
            "methods.max_softmax: a scanpath of this name follows from all views, and one of eigencam from x₀; choose",
        ),
        (
            {"methods": {"igub": {"method": "dff"}}},
            "methods.igub: a scanpath of this name follows from all views",
        ),
        ({"explorer": {"images": 0}}, "explorer.images: Input should be greater than or equal to 1"),
        ({"nulls": {"seed": -1}}, "nulls.seed: Input should be greater than or equal to 0"),
        (
            {"calibration": {"views": ["zoom", "zoom_flor_0.2"]}},
            "calibration.views 'zoom_flor_0.2' is unknown; did you mean 'zoom_floor_0.2'?",
        ),
        (
            {"calibration": {"resamples": 99}},
            "calibration.resamples: Input should be greater than or equal to 100",
        ),
        (
            {"sweeps": {"grid": ["zoom", "zoom_4x4"]}},
            "sweeps.grid 'zoom_4x4' is unknown; did you mean 'zoom_",
        ),
        ({"sweeps": {"grid": ["zoom"]}}, "sweeps.grid: List should have at least 2 items"),
        ({"pointing": {"tolerance": float("inf")}}, "pointing.tolerance: Input should be a finite number"),
        (
            {"run": {"methods": ["center"]}},
            "run.methods: without a cued or uncued method there is no saccade",
        ),
        (
            {"models": {"small_resnet": {"without": ["gradcamm"]}}},
            "models.small_resnet.without 'gradcamm' is unknown; did you mean 'gradcam'?",
        ),
        (
            {"models": {"small_resnet": {"without": ["dff"]}}, "run": {"methods": ["center", "dff"]}},
            "models.small_resnet.without: leaves no cued and no uncued method of run.methods",
        ),
        ({"run": {"models": []}}, "run.models"),
        ({"run": {"methods": ["igub", "igub"]}}, "run.methods: a name is given twice"),
        (
            {"run": {"methods": ["igub2"]}},
            "run.methods 'igub2' is unknown; did you mean 'igub'? choose from center",
        ),
        (
            {"datasets": {"mine": {"images": "a"}}, "run": {"datasets": ["mine"]}},
            "small_resnet is trained on synthetic scenes and knows nothing of mine; name your networks in run.models",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path_and_what_is_allowed(layer, message):
    assert message in mistakes(layer)


REPEATED = "run:\n  datasets: [a]\n  models: [m]\ncompute: {device: cpu}\nrun:\n  views: [zoom]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REPEATED, "line 5: the key 'run' stands on line 1 already; make them one"),
        ("a:\n  - {b: 1, b: 2}\n", "line 2: the key 'b' stands on line 2 already"),
        ('{"a": {"b": 1,\n"b": 1}}', "line 2: the key 'b' stands on line 1 already"),
    ],
)
def test_a_key_that_stands_twice_in_a_file_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as error:
        refuse_repeated_keys(tmp_path / "c.yaml")
    assert str(error.value).startswith(f"{tmp_path}/c.yaml, {message}")


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1}\nb: {b: 1}\n",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}\n",
        "a: &x [*x]\n",
        '{\n\t"a": 1}',
        "a: [1",
        "",
    ],
)
def test_keys_that_stand_once_are_none_of_its_business(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    refuse_repeated_keys(tmp_path / "c.yaml")


@pytest.mark.parametrize("name", ["config.yaml", "imagenet.yaml", "readings.yaml"])
def test_no_key_stands_twice_in_the_configurations_of_the_repository(name):
    refuse_repeated_keys(ROOT / "config" / name)


def test_all_mistakes_are_listed_at_once():
    text = mistakes({"compute": {"device": "gpu", "batch": 0}, "datasets": {"scenes": {"parts": 0}}})
    assert all(path in text for path in ("compute.device", "compute.batch", "datasets.scenes.parts"))


def test_options_of_views_and_methods_come_from_their_modules():
    entries = {
        "fine": {"family": "zoom", "grid": 9, "antialias": True},
        "moved": {"family": "shift", "base": "crop", "beyond": "surroundings"},
        "cut": {"family": "crop", "side": 1, "beyond": "reflect", "antialias": False},
    }
    settings = accepted({"views": entries})
    assert {name: settings.views[name].options for name in entries} == {
        "fine": {"grid": 9, "floor": 0.1, "antialias": True, "mask": False, "sampling": "centres"},
        "moved": {
            **{"grid": 7, "base": "crop", "beyond": "surroundings", "antialias": True},
            **{"share": 224 / 256, "interpolation": "bilinear"},
        },
        "cut": {"grid": 7, "side": 1.0, "beyond": "reflect", "antialias": False},
    }
    assert settings.views["moved"].family == "shift"
    assert {name: method.cue for name, method in settings.methods.items()} == {
        "center": "baseline",
        "likelihood": "cued",
        "max_logit": "uncued",
        "max_softmax": "uncued",
        "min_entropy": "uncued",
        "igub": "uncued",
        "igub_mean": "uncued",
        "igub_inner": "uncued",
        "consensus": "uncued",
        "gradcam": "cued",
        "gradcam_own": "uncued",
        "dff": "uncued",
        "hirescam": "cued",
        "layercam": "cued",
        "gradcam_plusplus": "cued",
        "xgradcam": "cued",
        "eigencam": "uncued",
    }
    assert [name for name, method in settings.methods.items() if method.input == "label maps"] == [
        "center",
        "likelihood",
        "max_logit",
        "max_softmax",
        "min_entropy",
        "igub",
        "igub_mean",
        "igub_inner",
        "consensus",
    ]
    assert settings.methods["igub_inner"].options == {"prior": "inner"}
    assert settings.methods["dff"].options == {"components": 1, "choose": "softmax"}


def test_a_methods_variant_names_the_options_that_are_not_the_default():
    methods = {"a": {"method": "igub"}, "b": {"method": "igub", "prior": "mean"}}
    methods = read_settings(overlaid({"methods": methods})).methods
    assert (methods["a"].variant, methods["b"].variant) == ("igub", "igub prior=mean")


def test_the_arrival_is_named_in_the_variant_and_is_no_option_of_the_method():
    entries = {
        "plain": {"method": "gradcam"},
        "nearest": {"method": "gradcam", "arrival": "nearest"},
        "index": {"method": "gradcam", "arrival": "index"},
        "both": {"method": "igub", "prior": "mean", "arrival": "index"},
    }
    methods = accepted({"methods": entries}).methods
    assert {
        name: (methods[name].arrival, methods[name].variant, methods[name].options) for name in entries
    } == {
        "plain": ("nearest", "gradcam", {}),
        "nearest": ("nearest", "gradcam", {}),
        "index": ("index", "gradcam arrival=index", {}),
        "both": ("index", "igub arrival=index prior=mean", {"prior": "mean"}),
    }


def test_every_whole_data_set_gains_a_sample_and_every_sample_a_reference():
    own = {
        "datasets": {
            "mine": {"images": "a", "parts": 3, "expect_images": 9},
            "few": {"sample": {"of": "mine", "images": 5, "seed": 4}},
        },
        "sample": {"images": 20, "seed": 3},
    }
    config = overlaid(own)
    settings = read_settings(config)
    samples = {
        "few": Sample(of="mine", images=5, seed=4),
        "scenes_sample": Sample(of="scenes", images=20, seed=3),
        "mine_sample": Sample(of="mine", images=20, seed=3),
    }
    references = {f"{name}_reference": sample for name, sample in samples.items()}
    assert {name: dataset.sample for name, dataset in settings.datasets.items()} == {
        "scenes": None,
        "mine": None,
        **samples,
        **references,
    }
    assert settings.datasets["mine_sample"] == Dataset(sample=settings.datasets["mine_sample"].sample)
    assert list(config["datasets"]) == ["scenes", "mine", "few"]  # the configuration itself stays as it is
    for name, whole in {
        "mine": "mine",
        "few": "mine",
        "mine_sample": "mine",
        "scenes_sample": "scenes",
    }.items():
        assert settings.whole(name) is settings.datasets[whole], name


@pytest.mark.parametrize(
    ("given", "tag", "source"),
    [
        ({}, "a1_in1k", "timm a1_in1k (revision 012345678901)"),
        ({"weights": "a3_in1k"}, "a3_in1k", "timm a3_in1k (revision 012345678901)"),
        ({"architecture": "timm:resnet18.a2_in1k"}, "a2_in1k", "timm a2_in1k (revision 012345678901)"),
        (
            {
                "architecture": "timm:resnet18.a2_in1k",
                "weights": "a2_in1k",
                "revision": None,
                "sha256": "F" * 64,
            },
            "a2_in1k",
            "timm a2_in1k (sha256 ffffffffffff)",
        ),
        ({"sha256": "0" * 64}, "a1_in1k", "timm a1_in1k (revision 012345678901)"),
        (
            {"architecture": "timm:beit_base_patch16_224"},
            "in22k_ft_in22k_in1k",
            None,
        ),  # not the first by name
    ],
)
def test_timms_weights_have_a_tag_and_say_what_pins_them(given, tag, source):
    model = accepted({"models": {"m": TIMMS | given}}).models["m"]
    assert model.tag == tag
    assert model.source == source or source is None


def test_a_sample_has_200_images_unless_told():
    settings = accepted({"datasets": {"few": {"sample": {"of": "scenes"}}}})
    assert settings.datasets["few"].sample == settings.datasets["scenes_sample"].sample
    assert settings.datasets["few"].sample == Sample(of="scenes", images=200, seed=0)


def test_a_network_trained_on_scenes_may_look_at_a_sample_of_scenes_alone():
    run = {"run": {"datasets": ["scenes", "scenes_sample", "few"]}}
    few = {"datasets": {"few": {"sample": {"of": "scenes", "images": 5}}}}
    assert accepted(few, run).run.datasets == ["scenes", "scenes_sample", "few"]
    others = {"datasets": {"mine": {"images": "a"}}, "run": {"datasets": ["mine_sample"]}}
    assert "small_resnet is trained on synthetic scenes and knows nothing of mine_sample" in mistakes(others)
    anew = {
        "models": {"anew": {"architecture": "small_resnet", "train": {}}},
        "run": {"datasets": ["mine"], "models": ["anew"]},
    }
    assert "anew is trained on synthetic scenes and knows nothing of mine" in mistakes(others, anew)


@pytest.mark.parametrize(
    ("name", "built_by"),
    [
        ("resnet18", ("torchvision", "resnet18", "")),
        ("small_resnet", ("torchvision", "small_resnet", "")),
        ("timm:resnet18", ("timm", "resnet18", "")),
        ("timm:vit_base_patch16_224.augreg_in1k", ("timm", "vit_base_patch16_224.augreg_in1k", "")),
        ("nets/mine.py:build", ("file", "nets/mine.py", "build")),
        (".//nets/./mine.py:build", ("file", "nets/mine.py", "build")),
        ("a:b/mine.py:build", ("file", "a:b/mine.py", "build")),
        ("package.module:build", ("module", "package.module", "build")),
    ],
)
def test_an_architecture_is_a_librarys_or_a_function_of_the_users(name, built_by):
    settings = accepted({"models": {"m": {"architecture": name, "checkpoint": "c.pth"}}})
    assert settings.models["m"].built_by == built_by


UNSAID = "set is_affine in its View to True if they do, else to False"


@pytest.fixture(params=[False, None], ids=["not affine", "does not say"])
def no_map(request, monkeypatch):
    """Make the family crop one over whose views no map can be read; return what the messages then say."""
    if request.param is None:
        monkeypatch.delattr(Crop, "is_affine")
        return UNSAID
    monkeypatch.setattr(Crop, "is_affine", request.param)
    return "the pixels of a view of the family `crop` do not lie evenly over a box of the image"


@pytest.mark.parametrize(
    ("layer", "start", "end"),
    [
        (
            {"run": {"views": ["zoom", "crop_0.6"]}},
            "run: maps of x₀ cannot be read on crop_0.6: ",
            "leave gradcam, dff out of run.methods",
        ),
        (
            {"run": {"views": ["crop_0.6"], "methods": ["center", "likelihood", "hirescam"]}},
            "run: maps of x₀ cannot be read on crop_0.6: ",
            "leave hirescam out of run.methods",
        ),
        (
            {"calibration": {"views": ["zoom", "crop_0.6"]}},
            "calibration.views: Grad-CAM and DFF, which are compared there, cannot be read on crop_0.6: ",
            "leave it out",
        ),
        (
            {"sweeps": {"side": ["crop_0.6", "crop_0.4"]}},
            "sweeps.side: Grad-CAM and DFF, which are compared there, cannot be read on crop_0.6: ",
            "leave it out",
        ),
    ],
)
def test_methods_on_x0_are_refused_on_a_view_over_which_no_map_can_be_read(no_map, layer, start, end):
    text = mistakes({"calibration": {"views": ["zoom"]}} | layer)
    assert start in text
    assert no_map in text
    assert text.rstrip().endswith(end)


@pytest.mark.usefixtures("no_map")
def test_other_methods_and_views_run_where_a_family_gives_no_map():
    run = {"views": ["crop_0.6"], "methods": ["center", "likelihood", "max_logit", "igub"]}
    assert accepted({"calibration": {"views": ["zoom"]}, "run": run}).run.views == ["crop_0.6"]
    assert accepted({"calibration": {"views": ["zoom"]}}).run.methods == DEFAULT["run"]["methods"]


def test_the_readings_cover_what_the_protocol_leaves_open():
    settings = accepted()
    zoom = {
        "family": "zoom",
        "grid": 7,
        "floor": 0.1,
        "antialias": False,
        "mask": False,
        "sampling": "centres",
    }
    expected = {
        "zoom": zoom,
        **{f"zoom_floor_{floor}": zoom | {"floor": floor} for floor in (0.2, 0.3, 0.4, 0.5)},
        "zoom_antialias": zoom | {"antialias": True},
        "zoom_mask": zoom | {"mask": True},
        "zoom_authors": zoom | {"sampling": "edges"},
    }
    for side, (ending, beyond) in product((0.4, 0.6, 0.8, 1.0), {"": "black", "_inside": "inside"}.items()):
        expected[f"crop_{side}{ending}"] = {
            **{"family": "crop", "grid": 7, "side": side},
            **{"beyond": beyond, "antialias": True},
        }
    for base, beyond in possible_shifts():
        expected[f"shift_{base}_{beyond}"] = {
            **{"family": "shift", "grid": 7, "base": base},
            **{"beyond": beyond, "antialias": True, "share": 224 / 256, "interpolation": "bilinear"},
        }
    names = settings.calibration.views
    assert len(names) == len(set(names)) == 5 + 3 + 4 * 2 + 3 * 4 + 1
    assert {name: settings.views[name].arguments for name in names} == expected
    assert {settings.views[name].engine for name in names} == {"exact"}


def possible_shifts():
    """Every base with everything that may enter beyond it."""
    kinds = get_type_hints(Shift)
    for base, beyond in product(get_args(kinds["base"]), get_args(kinds["beyond"])):
        if base == "crop" or beyond != "surroundings":
            yield base, beyond


def test_the_sweeps_go_from_3_to_11_fixations_and_from_a_tenth_to_a_half():
    settings = accepted()
    swept = {
        option: [settings.views[name].options[option] for name in names]
        for option, names in settings.sweeps.items()
    }
    assert swept == {"grid": [3, 5, 7, 9, 11], "floor": [0.1, 0.2, 0.3, 0.4, 0.5]}
    for option, names in settings.sweeps.items():
        for name in names:
            reference = settings.views["zoom"].model_dump()
            assert settings.views[name].model_dump() == reference | {
                option: settings.views[name].options[option]
            }


def test_what_classifiers_usually_see_is_the_central_crop():
    view = accepted().views["standard_crop"]
    options = view.arguments
    assert {key for key, value in options.items() if value == views.NETWORKS_OWN} == {
        "share",
        "interpolation",
    }
    usual = NetworkConfig(architecture="resnet18", source="checkpoint").own_options(options)
    geometry = views.create_view(**options | usual).geometry(512, 256)
    assert geometry.extent.tolist() == [[[144, 16, 368, 240]]]  # 224 of 256 pixels


USUAL = "views.standard_crop: is what classifiers usually see; name a view of yours otherwise"


@pytest.mark.parametrize(
    "change", [{"grid": 3}, {"base": "squash"}, {"beyond": "gray"}, {"antialias": False}, {"share": 0.9}]
)
def test_what_classifiers_usually_see_stays_what_it_is(change):
    assert USUAL in mistakes({"views": {"standard_crop": change}})


@pytest.mark.parametrize("view", [{"family": "zoom", "grid": 1}, {"family": "crop", "grid": 1}])
def test_what_classifiers_usually_see_is_no_other_view(view):
    config = overlaid()
    config["views"]["standard_crop"] = view
    with pytest.raises(ConfigurationError, match=USUAL):
        read_settings(config)


def test_what_classifiers_usually_see_cannot_be_missing():
    config = overlaid()
    del config["views"]["standard_crop"]
    with pytest.raises(ConfigurationError, match="'standard_crop' is unknown"):
        read_settings(config)


def test_what_classifiers_usually_see_may_be_given_with_its_defaults():
    view = accepted({"views": {"standard_crop": {"beyond": "black", "antialias": True}}}).views[
        "standard_crop"
    ]
    assert view == accepted().views["standard_crop"]


TEN = "views.ten_crop: is what nulls.ten_crop averages over; name a view of yours otherwise"


@pytest.mark.parametrize(
    "view", [{"share": 0.9}, {"interpolation": "bicubic"}, {"family": "zoom", "grid": 3}]
)
def test_ten_crop_stays_what_it_is_where_it_is_asked_for(view):
    config = overlaid()
    config["views"]["ten_crop"] = {
        "family": "ten_crop",
        "share": "network",
        "interpolation": "network",
    } | view
    if "grid" in view:
        config["views"]["ten_crop"] = view
    assert read_settings(config)
    with pytest.raises(ConfigurationError, match=TEN):
        read_settings(config | {"nulls": {"ten_crop": True}})


def test_ten_crop_cannot_be_missing_where_it_is_asked_for():
    config = overlaid()
    del config["views"]["ten_crop"]
    assert not read_settings(config).nulls.ten_crop
    with pytest.raises(ConfigurationError, match="'ten_crop' is unknown"):
        read_settings(config | {"nulls": {"ten_crop": True}})


def test_images_are_divided_into_two_folds_at_least():
    assert "nulls.folds" in mistakes({"nulls": {"folds": 1}})


@pytest.mark.parametrize("name", [*NULL_NAMES, LIKELIHOOD_SET, "ceiling", *SCANPATH_BASELINES])
def test_a_method_cannot_have_a_baselines_name(name):
    assert f"methods.{name}: a baseline has this name; choose another" in mistakes(
        {"methods": {name: {"method": "likelihood"}}}
    )


SETTLED = {
    "coco": "c.json",
    "parquet": "p",
    "webdataset": "w",
    "images": "a",
    "boxes": "b.csv",
    "table": "t.csv",
    "acceptable_labels": "l.json",
    "factors": "x.jsonl",
    "columns": {"image": "x"},
    "voc": "v",
    "subset": "test",
    "scenes": {},
    "classes": "c.txt",
    "verify": "full",
    "expect_images": 3,
    "max_excluded": 0.01,
    "box_format": "size",
    "check_boxes": False,
    "min_matched": 0.5,
}


def test_the_formats_of_boxes_are_those_that_are_read():
    for box_format in BOX_FORMATS:
        data = {"images": "x", "boxes": "b.CSV", "box_format": box_format}
        assert accepted({"datasets": {"d": data}}).datasets["d"].box_format == box_format
    assert len(BOX_FORMATS) == len(get_args(Dataset.model_fields["box_format"].annotation))


def test_a_sample_has_parts_and_examples_of_its_own_and_nothing_else():
    sample = {"sample": {"of": "scenes"}, "parts": 2, "examples": {"mine": "a"}}
    few = accepted({"datasets": {"few": sample}}).datasets["few"]
    assert (few.parts, few.examples) == (2, {"mine": "a"})
    assert set(SETTLED) | set(sample) == set(Dataset.model_fields)
    for key, value in SETTLED.items():
        message = f"datasets.few: {key}: settled by the data set of the sample"
        assert message in mistakes({"datasets": {"few": sample | {key: value}}}), key
    several = mistakes({"datasets": {"few": sample | {"verify": "header", "expect_images": 3, "boxes": "b"}}})
    assert "datasets.few: boxes, expect_images, verify: settled by the data set of the sample" in several


def test_igub_runs_with_each_of_its_priors():
    for name in ("config.yaml", "imagenet.yaml"):
        settings = read_settings(overlaid(yaml.safe_load((ROOT / "config" / name).read_text())))
        running = [settings.methods[method] for method in settings.run.methods]
        priors = [method.options["prior"] for method in running if method.method == "igub"]
        assert priors == ["initial", "mean", "inner"]


def test_only_views_that_are_windows_of_one_picture_share_a_trunk():
    shared = {"views": {"mine": {"family": "shift", "engine": "shared"}}}
    assert accepted(shared).views["mine"].engine == "shared"
    assert accepted(shared).views["mine"].arguments == {
        "family": "shift",
        **accepted(shared).views["mine"].options,
    }
    text = mistakes({"views": {"mine": {"family": "zoom", "engine": "shared"}}})
    assert "views.mine" in text
    assert "not of `zoom`" in text


def test_each_sample_has_a_reference_to_compare_with():
    settings = accepted()
    assert settings.datasets["scenes_sample_reference"] == settings.datasets["scenes_sample"]
    taken = {"datasets": {"scenes_sample_reference": {"scenes": {"images": 3, "seed": 1}}}}
    assert "is the name of the reference for scenes_sample" in mistakes(taken)


def test_a_method_whose_module_states_something_impossible_is_refused_where_it_is_named(monkeypatch):
    monkeypatch.setattr(igub, "CUE", "told")
    text = mistakes({"methods": {"my_entry": {"method": "igub"}}})
    assert f"methods.my_entry: {igub.__file__}: CUE is 'told'. Make it one of" in text


THOUSANDS = [f"net{i}" for i in range(3000)]


def test_a_mistake_that_thousands_of_entries_share_is_searched_once_and_the_list_ends(monkeypatch):
    searched = []
    monkeypatch.setattr(
        pipeline.settings.base.difflib, "get_close_matches", lambda name, *_: searched.append(name) or []
    )
    pipeline.settings.base._hint.cache_clear()
    entry = {"architecture": "resnet19", "random": {}}
    text = mistakes({"models": dict.fromkeys(THOUSANDS, entry)})
    assert searched == ["resnet19"]
    assert len(text.splitlines()) < 60
    assert text.endswith(f"and {len(THOUSANDS) - MOST_MISTAKES} more")
    pipeline.settings.base._hint.cache_clear()


def test_of_thousands_of_names_some_are_named_to_choose_from():
    models = {name: {"architecture": "resnet18", "random": {}} for name in THOUSANDS}
    text = mistakes({"models": models, "run": {"models": ["net300x"]}})
    assert "run.models 'net300x' is unknown; the nearest of 3001 are net300, " in text
    text = mistakes({"models": models, "run": {"models": ["vgg"]}})
    assert (
        "run.models 'vgg' is unknown; choose from small_resnet, net0, net1, net2, net3 … (3001 in all)"
        in text
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("~", "/home/me"),
        ("~/data//val/", "/home/me/data/val"),
        ("//data///val/", "/data/val"),
        ("/data//./val/.", "/data/val"),
        ("./images", "images"),
        ("a/../b", "a/../b"),
        ("a~b/~c", "a~b/~c"),
        (" a b ", " a b "),
    ],
)
def test_a_path_is_the_same_however_it_is_written(monkeypatch, written, expected):
    monkeypatch.setenv("HOME", "/home/me")
    assert spell(written) == expected


@pytest.mark.parametrize("there", ["NFC", "NFD"])
def test_a_path_is_found_in_the_form_in_which_it_exists(tmp_path, monkeypatch, there):
    monkeypatch.chdir(tmp_path)
    name = unicodedata.normalize(there, "données/été")
    Path(name).mkdir(parents=True)
    config = {"datasets": {"mine": {"images": "données/été", "boxes": "nowhere/é.csv"}}}
    for form in ("NFC", "NFD"):
        typed = json.loads(unicodedata.normalize(form, json.dumps(config, ensure_ascii=False)))
        dataset = accepted(typed).datasets["mine"]
        assert dataset.images == name
        assert dataset.boxes == unicodedata.normalize(
            form, "nowhere/é.csv"
        )  # is not there; the user's own spelling


def test_the_home_of_nobody_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no home folder is known"):
        spell("~nobody-of-this-name/images")
    Path("~odd").mkdir()
    assert spell("~odd") == "~odd"


def test_boxes_of_coco_are_sizes_unless_said_otherwise():
    data = {"coco": "c.json", "images": "x"}
    assert accepted({"datasets": {"d": data}}).datasets["d"].box_format == "size"
    data["box_format"] = "corners"
    assert accepted({"datasets": {"d": data}}).datasets["d"].box_format == "corners"
