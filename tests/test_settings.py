"""A configuration is checked once, whole, before any job: each mistake is named with its path and what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from pipeline.settings import ConfigurationError, read_settings

ROOT = Path(__file__).parent.parent
DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def overlaid(*layers):
    """The default configuration with others laid over it, as Snakemake does with --configfile."""
    config = copy.deepcopy(DEFAULT)
    for layer in layers:
        update_config(config, layer)
    return config


def mistakes(layer):
    with pytest.raises(ConfigurationError) as error:
        read_settings(overlaid(layer))
    return str(error.value)


@pytest.mark.parametrize("name", ["config.yaml", "imagenet.yaml"])
def test_the_configurations_of_the_repository_are_valid(name):
    settings = read_settings(overlaid(yaml.safe_load((ROOT / "config" / name).read_text())))
    assert settings.run.datasets == [{"config.yaml": "scenes", "imagenet.yaml": "imagenet"}[name]]


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
        ({"datasets": {"d": {}}}, "datasets.d: needs images, table or scenes"),
        ({"datasets": {"d": {"table": "t", "boxes": "b"}}}, "table and boxes exclude each other"),
        ({"datasets": {"a/b": {"images": "x"}}}, "datasets.a/b"),
        (
            {"datasets": {"d": {"images": "x", "examples": {"gain": "a.1"}}}},
            "datasets.d: examples: gain is chosen automatically; name yours otherwise",
        ),
        (
            {"figure_1": {"methods": ["grad_cam"]}},
            "figure_1.methods 'grad_cam' is unknown; did you mean 'gradcam'?",
        ),
        (
            {"methods": {"d": {"method": "dff", "components": 0}}},
            "methods.d.components: Input should be 1, 2",
        ),
        ({"models": {"m": {"architecture": "resnet19", "weights": "V1"}}}, "did you mean 'resnet18'?"),
        (
            {"models": {"m": {"architecture": "resnet18"}}},
            "exactly one of weights, checkpoint, random, train; given: none",
        ),
        (
            {"models": {"m": {"architecture": "resnet18", "weights": "V1", "random": {}}}},
            "models.m: give exactly one of weights, checkpoint, random, train; given: weights, random",
        ),
        ({"models": {"m": {"architecture": "small_resnet", "weights": "V1"}}}, "torchvision has no weights"),
        (
            {"models": {"m": {"architecture": "resnet18", "train": {}}}},
            "models.m: train goes with small_resnet",
        ),
        ({"models": {"small_resnet": {"mean": [0.5, 0.5]}}}, "models.small_resnet.mean"),
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
        ({"views": {"other": {"grid": 7}}}, "views.other: needs the key `family`"),
        (
            {"methods": {"igub": {"method": "igb"}}},
            "methods.igub: method 'igb' is unknown; did you mean 'igub'?",
        ),
        (
            {"methods": {"igub": {"priors": "x"}}},
            "methods.igub: key 'priors' is unknown; did you mean 'prior'?",
        ),
        ({"methods": {"igub": {"prior": "x"}}}, "methods.igub.prior: Input should be 'initial' or 'mean'"),
        (
            {"compute": {"device": "gpu"}},
            "compute.device: Input should be 'cpu', 'cuda' or 'auto' (given: 'gpu')",
        ),
        ({"compute": {"batch": 0}}, "compute.batch"),
        ({"pointing": {"tolerance": -1}}, "pointing.tolerance"),
        ({"pointing": {"tolerance": float("inf")}}, "pointing.tolerance: Input should be a finite number"),
        (
            {"run": {"methods": ["center"]}},
            "run.methods: without a cued or uncued method there is no saccade",
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


def test_all_mistakes_are_listed_at_once():
    text = mistakes({"compute": {"device": "gpu", "batch": 0}, "datasets": {"scenes": {"parts": 0}}})
    assert all(path in text for path in ("compute.device", "compute.batch", "datasets.scenes.parts"))


def test_options_of_views_and_methods_come_from_their_modules():
    settings = read_settings(overlaid({"views": {"fine": {"family": "zoom", "grid": 9, "antialias": True}}}))
    assert settings.views["fine"].options == {"grid": 9, "floor": 0.1, "antialias": True, "mask": False}
    assert {name: method.cue for name, method in settings.methods.items()} == {
        "center": "baseline",
        "likelihood": "cued",
        "max_logit": "uncued",
        "igub": "uncued",
        "gradcam": "cued",
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
        "igub",
    ]
    assert settings.methods["dff"].options == {"components": 1, "choose": "softmax"}


def test_a_methods_variant_names_the_options_that_are_not_the_default():
    methods = {"a": {"method": "igub"}, "b": {"method": "igub", "prior": "mean"}}
    methods = read_settings(overlaid({"methods": methods})).methods
    assert (methods["a"].variant, methods["b"].variant) == ("igub", "igub prior=mean")


@pytest.mark.parametrize(
    ("shown", "running", "expected"),
    [
        (["dff", "gradcam"], ["center", "gradcam", "igub", "dff"], ["dff", "gradcam"]),
        (["dff", "gradcam"], ["center", "gradcam", "igub"], ["gradcam"]),
        (["dff", "gradcam"], ["center", "likelihood", "igub"], ["likelihood", "igub"]),
        ([], ["center", "likelihood", "igub"], ["likelihood", "igub"]),
        (["center", "igub"], ["center", "likelihood", "igub"], ["igub"]),
    ],
)
def test_figure_1_shows_what_is_asked_for_and_runs(shown, running, expected):
    settings = read_settings(overlaid({"figure_1": {"methods": shown}, "run": {"methods": running}}))
    assert settings.shown_methods == expected


def test_figure_1_finds_methods_under_other_names():
    methods = {"dff3": {"method": "dff", "components": 3}}
    settings = read_settings(
        overlaid({"methods": methods, "run": {"methods": ["center", "igub", "dff3", "dff"]}})
    )
    assert settings.shown_methods == ["dff3", "dff", "igub"]


def test_a_vision_transformer_is_refused_where_a_map_is_needed():
    vit = {"models": {"vit": {"architecture": "vit_b_16", "checkpoint": "c.pth"}}}
    assert "leave gradcam, dff out of run.methods" in mistakes(vit | {"run": {"models": ["vit"]}})
    run = {"models": ["vit"], "methods": ["center", "likelihood", "igub"]}
    assert read_settings(overlaid(vit | {"run": run})).run.models == ["vit"]


def test_every_key_is_explained_in_the_configurations_readme():
    from pipeline import settings

    text = (ROOT / "config/README.md").read_text()
    models = [settings.Settings, settings.Dataset, settings.Scenes, settings.Model, settings.Training]
    models += [settings.Compute, settings.Pointing, settings.Figure1, settings.Run]
    keys = {key for model in models for key in model.model_fields}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
