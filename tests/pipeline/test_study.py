"""What rules ask of a configuration: files, rows and columns, and what scripts are given; worked out by hand."""

import hashlib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from helpers.configurations import study_of
from labelmaps.scoring.scanpaths import Plan
from labelmaps.views.crop import View as Crop
from pipeline.contents import DIGITS, Contents
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT
from pipeline.study import Study

MINE = {
    "datasets": {
        "mine": {"images": "data/images", "boxes": "data/boxes.csv", "examples": {"cat": "a", "dog": "b"}},
        "few": {"sample": {"of": "mine", "images": 5}, "examples": {"cow": "c"}},
        "own": {"table": "data/own.csv", "classes": "data/classes.txt"},
    },
    "models": {
        "loaded": {
            "architecture": "resnet18",
            "checkpoint": "data/net.pth",
            "size": 96,
            "mean": [0.1, 0.2, 0.3],
        },
        "drawn": {"architecture": "resnet34", "random": {"seed": 4}},
        "public": {"architecture": "resnet50", "weights": "V2"},
        "hub": {"architecture": "timm:resnet18", "weights": "DEFAULT", "revision": "ab12" * 10},
        "pinned": {"architecture": "timm:resnet18.a2_in1k", "weights": "a2_in1k", "sha256": "cd34" * 16},
        "both": {
            "architecture": "timm:resnet18",
            "weights": "a2_in1k",
            "revision": "ab12" * 10,
            "sha256": "cd34" * 16,
        },
        "trained": {"architecture": "small_resnet", "train": {}},
    },
    "views": {"windows": {"family": "shift", "engine": "shared"}},
    "run": {
        "datasets": ["mine"],
        "models": ["loaded", "drawn"],
        "views": ["zoom", "windows"],
        "methods": ["center", "igub_mean"],
    },
}


def columns(view, model, dataset="mine"):
    """What identifies a network of `MINE`."""
    architecture, weights = {
        "loaded": ("resnet18", "checkpoint"),
        "drawn": ("resnet34", "random (for tests only)"),
    }[model]
    return {
        "dataset": dataset,
        "view": view,
        "model": model,
        "architecture": architecture,
        "weights": weights,
    }


NETWORKS = [("zoom", "loaded"), ("zoom", "drawn"), ("windows", "loaded"), ("windows", "drawn")]


def test_a_study_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        study_of().settings = None


def test_data_sets_are_samples_or_whole():
    study = study_of(MINE)
    assert study.dataset_names(is_sample=False) == ["scenes", "mine", "own"]
    assert study.dataset_names(is_sample=True) == [
        "few",
        "scenes_sample",
        "mine_sample",
        "own_sample",
        "few_reference",
        "scenes_sample_reference",
        "mine_sample_reference",
        "own_sample_reference",
    ]


IMAGENET = str(ROOT / "resources/imagenet_classes.txt")


@pytest.mark.parametrize(
    ("dataset", "images", "boxes", "table", "classes"),
    [
        ("mine", "data/images", "data/boxes.csv", None, IMAGENET),
        ("few", "data/images", "data/boxes.csv", None, IMAGENET),
        ("few_reference", "data/images", "data/boxes.csv", None, IMAGENET),
        ("own_sample", None, None, "data/own.csv", "data/classes.txt"),
        (
            "scenes",
            "resources/scenes/scenes/images",
            "resources/scenes/scenes/boxes.csv",
            None,
            "resources/scenes/scenes/classes.txt",
        ),
        (
            "scenes_sample",
            "resources/scenes/scenes/images",
            "resources/scenes/scenes/boxes.csv",
            None,
            "resources/scenes/scenes/classes.txt",
        ),
    ],
)
def test_a_sample_has_the_files_of_the_data_set_from_which_it_is_drawn(
    tmp_path, monkeypatch, dataset, images, boxes, table, classes
):
    monkeypatch.chdir(tmp_path)
    study = study_of(MINE)
    paths = {
        "images": images,
        "boxes": boxes,
        "table": table,
        "voc": None,
        "coco": None,
        "parquet": None,
        "webdataset": None,
        "classes": classes,
    }
    assert study.dataset_paths(dataset) == paths
    assert study.classes_file(dataset) == classes


def test_what_a_rule_makes_is_an_input_and_what_is_the_users_own_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/images").mkdir(parents=True)
    study = study_of(MINE)
    assert study.dataset_inputs("mine") == study.classes_inputs("mine") == []
    assert study.dataset_inputs("own") == []
    scenes = "resources/scenes/scenes"
    classes = f"{scenes}/classes.txt"
    assert study.dataset_inputs("scenes") == [f"{scenes}/images", f"{scenes}/boxes.csv", classes]
    assert study.classes_inputs("scenes_sample") == [classes]
    trained = "resources/networks/trained/trained.pth"
    assert study.network_inputs("scenes", "trained") == [trained, classes]
    assert study.network_inputs("mine", "trained") == [trained]
    for there in ("small_resnet", "loaded"):
        assert study.network_inputs("scenes", there) == [classes]
        assert study.network_inputs("mine", there) == []


def test_weights_that_are_shipped_are_the_projects_wherever_it_runs_and_known_by_content(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shipped = tmp_path / "small_resnet.pth"
    monkeypatch.setattr("pipeline.study.SHIPPED_WEIGHTS", shipped)
    with pytest.raises(ConfigurationError, match=f"^no such file: {shipped}"):
        known_study().network_contents("scenes", "small_resnet")
    names = []
    for content in (b"one", b"another"):
        shipped.write_bytes(content)
        names.append(known_study().network_contents("scenes", "small_resnet")["weights"])
    assert names == [hashlib.sha256(content).hexdigest()[:DIGITS] for content in (b"one", b"another")]


def known_study():
    """A study that compares contents, as the process that plans the jobs does."""
    return Study(study_of(MINE).settings, Contents(Path("contents.json")))


def test_examples_of_the_users_choice_come_before_those_chosen_automatically():
    study = study_of(MINE)
    automatic = ["gain", "agreement", "disagreement", "failure"]
    assert study.examples("mine") == ["cat", "dog", *automatic]
    assert study.examples("few") == ["cow", *automatic]
    assert study.examples("mine_sample") == automatic


def test_readings_are_compared_on_the_samples_of_what_runs_each_once():
    assert study_of(MINE).samples() == ["mine_sample"]
    run = {"datasets": ["own", "few", "mine", "mine_sample"]}
    assert study_of(MINE, {"run": run}).samples() == ["own_sample", "few", "mine_sample"]


def test_readings_are_ranked_on_all_images_unless_a_sample_will_do():
    run = {"datasets": ["own", "few"]}
    assert study_of(MINE, {"run": run}).calibrated_datasets() == ["own", "few"]
    quick = {"run": run, "calibration": {"views": ["zoom"], "images": "sample"}}
    assert study_of(MINE, quick).calibrated_datasets() == ["own_sample", "few"]


def test_a_calibration_needs_the_standard_crop_of_each_network():
    study = study_of(MINE | {"calibration": {"views": ["zoom"]}})
    models = study.settings.run.models
    assert study.standard_crop_files("mine") == [
        f"results/mine/standard_crop/{m}/label_maps.h5" for m in models
    ]
    crops = study.table_settings("mine", "calibration")["standard_views"]
    assert crops == [study.view("standard_crop", model) for model in models]


def test_samples_are_watched_where_a_view_that_runs_shares_a_trunk():
    assert study_of(MINE).watched_samples() == ["mine_sample"]
    assert study_of(MINE, {"run": {"views": ["zoom"]}}).watched_samples() == []


def test_only_the_reference_of_a_sample_is_a_reference():
    study = study_of(MINE)
    references = [name for name in study.settings.datasets if study.is_reference(name)]
    assert references == [
        "few_reference",
        "scenes_sample_reference",
        "mine_sample_reference",
        "own_sample_reference",
    ]


def test_a_script_is_given_of_a_network_what_it_uses():
    study = study_of(MINE)
    assert study.network("loaded") == {
        "architecture": "resnet18",
        "source": "checkpoint",
        "weights": None,
        "size": 96,
        "mean": [0.1, 0.2, 0.3],
        "std": None,
    }
    assert study.network("public") == {
        "architecture": "resnet50",
        "source": "torchvision V2",
        "weights": "V2",
        "size": None,
        "mean": None,
        "std": None,
    }
    assert study.network("both") == {
        "architecture": "timm:resnet18",
        "source": "timm a2_in1k (revision ab12ab12ab12)",
        "weights": "a2_in1k",
        "size": None,
        "mean": None,
        "std": None,
    }
    assert study.network("hub")["weights"] == "a1_in1k"  # the default, by its name


def test_a_script_is_given_of_a_training_what_it_uses():
    study = study_of({"models": {"mine": {"architecture": "small_resnet", "train": {"scenes": 30}}}})
    assert study.training("mine") == {"scenes": 30, "epochs": 16, "seed": 1}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("loaded", "data/net.pth"),
        ("public", "resources/networks/torchvision/resnet50-V2.pth"),
        ("hub", f"resources/networks/timm/resnet18-a1_in1k-{'ab12' * 4}.safetensors"),
        ("pinned", f"resources/networks/timm/resnet18-a2_in1k-main-{'cd34' * 4}.safetensors"),
        ("both", f"resources/networks/timm/resnet18-a2_in1k-{'ab12' * 4}-{'cd34' * 4}.safetensors"),
        ("small_resnet", str(ROOT / "resources/small_resnet.pth")),
        ("trained", "resources/networks/trained/trained.pth"),
        ("drawn", "resources/networks/random/few/drawn.pth"),
    ],
)
def test_each_source_of_weights_has_its_file(model, path):
    assert study_of(MINE).weights_file("few", model) == path


def test_the_download_of_timms_weights_is_given_all_digits_of_what_pins_them():
    study, revision, sha256 = study_of(MINE), "ab12" * 10, "cd34" * 16
    assert study.timm_pins("resnet18", "a1_in1k", "ab12" * 4) == {"revision": revision, "sha256": None}
    assert study.timm_pins("resnet18", "a2_in1k", f"main-{'cd34' * 4}") == {
        "revision": "main",
        "sha256": sha256,
    }
    both = f"{'ab12' * 4}-{'cd34' * 4}"
    assert study.timm_pins("resnet18", "a2_in1k", both) == {"revision": revision, "sha256": sha256}
    other = {
        "again": MINE["models"]["hub"],
        "other": MINE["models"]["hub"] | {"revision": "ab12" * 9 + "0000"},
    }
    with pytest.raises(
        ConfigurationError, match=r"^models\.hub and models\.other: revision or sha256 of the same"
    ):
        study_of(MINE, {"models": other}).timm_pins("resnet18", "a1_in1k", "ab12" * 4)


def test_a_script_is_given_of_a_view_its_family_and_all_options():
    assert study_of(MINE).view("windows", "loaded") == {
        "family": "shift",
        "grid": 7,
        "base": "letterbox",
        "beyond": "black",
        "antialias": True,
        "share": 224 / 256,
        "interpolation": "bilinear",
    }


def test_a_network_may_say_how_its_standard_crop_is_made_and_of_no_other_view():
    own = {"crop_share": 0.95, "interpolation": "bicubic"}
    plain, given = study_of(MINE), study_of(MINE, {"models": {"loaded": own}})
    left = {"share": "network", "interpolation": "network"}
    for study, model, expected in (
        (plain, "loaded", left),
        (given, "drawn", left),
        (given, "loaded", {"share": 0.95, "interpolation": "bicubic"}),
        (study_of(MINE, {"models": {"loaded": {"crop_share": 1.0}}}), "loaded", left | {"share": 1.0}),
    ):
        assert study.view("standard_crop", model).items() >= expected.items()
        assert [of_null["standard_view"] for of_null in study.scored("mine")["nulls"]] == [
            study.view("standard_crop", name) for _, name in NETWORKS
        ]
    assert given.look("mine", "standard_crop", "loaded")["view"] == given.view("standard_crop", "loaded")
    # What other jobs are given stays, so they do not run again.
    assert given.network("loaded") == plain.network("loaded")
    for view in ("zoom", "windows"):
        assert given.view(view, "loaded") == plain.view(view, "loaded")
        assert given.look("mine", view, "loaded") == plain.look("mine", view, "loaded")


def test_a_reference_is_computed_exactly_in_float32_and_not_compiled():
    compute = {"device": "cpu", "precision": "bfloat16", "compile": "always", "batch": 4, "threads": 3}
    study = study_of(MINE, {"compute": compute})
    asked = {"device": "cpu", "precision": "bfloat16", "compile": "always", "batch": 4}
    plain = {"device": "cpu", "precision": "float32", "compile": "never", "batch": 4}
    for dataset in ("mine", "few", "mine_sample"):
        assert study.compute(dataset) == asked
        assert study.engine(dataset, "windows") == "shared"
    assert study.compute("few_reference") == plain
    assert study.engine("few_reference", "windows") == "exact"
    assert study.engine("mine", "zoom") == "exact"


def test_methods_are_found_by_their_input():
    study = study_of()
    camera = {"gradcam", "gradcam_own", "dff", "hirescam", "layercam", "gradcam_plusplus", "xgradcam"} | {
        "eigencam"
    }
    assert set(study.methods_on("glimpse")) == camera
    assert set(study.methods_on("label maps")) == set(study.settings.methods) - camera


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
    others = {"figure_2": {"methods": ["max_logit"]}}  # which is none of its business
    study = study_of({"figure_1": {"methods": shown}, "run": {"methods": running}}, others)
    assert study.shown_methods(study.settings.figure_1) == expected


def test_figure_1_finds_methods_under_other_names():
    methods = {"dff3": {"method": "dff", "components": 3}}
    for running, shown in ((["dff3"], ["dff3", "igub"]), (["dff3", "dff"], ["dff", "igub"])):
        run = {"methods": ["center", "igub", "igub_inner", *running]}
        study = study_of({"methods": methods, "run": run})
        assert study.shown_methods(study.settings.figure_1) == shown


def test_each_figure_shows_its_own_methods():
    figures = {"figure_1": {"methods": ["consensus"]}, "figure_2": {"methods": ["dff", "gradcam"]}}
    study = study_of(figures)
    assert study.shown_methods(study.settings.figure_1) == ["consensus"]
    assert study.shown_methods(study.settings.figure_2) == ["dff", "gradcam"]


def test_figure_2_shows_the_papers_methods_in_its_order():
    papers = ["likelihood", "gradcam", "max_logit", "igub", "dff"]
    study = study_of({"run": {"methods": ["center", "consensus", "max_softmax", *papers[::-1]]}})
    assert study.shown_methods(study.settings.figure_2) == papers


def test_one_of_the_papers_methods_is_the_entry_with_its_default_options():
    study = study_of()
    assert [study.paper_method(name) for name in ("igub", "dff")] == ["igub", "dff"]
    methods = {"igub": {"prior": "mean"}, "other": {"method": "igub"}}
    study = study_of({"methods": methods})
    assert study.paper_method("igub") == "other"
    assert study.paper_saliency("mine", "zoom", "net", "igub") == "results/mine/zoom/net/saliency/other.h5"


def test_one_of_the_papers_methods_that_has_no_entry_is_refused():
    study = study_of({"methods": {"dff": {"components": 2}}})
    message = "^methods: an entry `dff` with its default options is needed here, and there is none$"
    for query in (
        lambda: study.paper_method("dff"),
        lambda: study.paper_saliency("mine", "zoom", "net", "dff"),
        study.paper_cues,
    ):
        with pytest.raises(ConfigurationError, match=message):
            query()


def test_the_papers_methods_are_cued_or_not():
    assert study_of().paper_cues() == {
        "likelihood": "cued",
        "gradcam": "cued",
        "max_logit": "uncued",
        "igub": "uncued",
        "dff": "uncued",
    }


def test_a_sample_leaves_out_what_the_whole_data_set_does():
    study = study_of(MINE)
    assert study.excluded("mine") == study.excluded("few") == "results/mine/excluded.csv"


def test_results_lie_by_data_set_view_and_network():
    study = study_of()
    assert study.folder("mine") == "results/mine"
    assert study.folder("mine", "zoom", "net") == "results/mine/zoom/net"
    assert study.index("mine") == "results/mine/index.parquet"
    assert study.table_files("mine", "paper") == ["results/mine/paper.csv", "results/mine/report/paper.html"]


@pytest.mark.parametrize(
    ("set_sizes", "given", "folders"),
    [
        (["page"], None, [""]),
        (["slide", "page"], None, ["slide/", ""]),
        (["slide", "column"], ["page"], [""]),
        (["page"], ["column", "page"], ["column/", ""]),
    ],
)
def test_a_figure_has_a_file_for_each_size_and_format(set_sizes, given, folders):
    study = study_of({"figures": {"sizes": set_sizes}})
    assert study.figure_files("mine", "views_zoom", given) == [
        f"results/mine/figures/{folder}views_zoom.{suffix}"
        for folder in folders
        for suffix in ("pdf", "svg", "png")
    ]


def test_label_maps_are_divided_as_the_settings_say_until_they_are_begun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = study_of(MINE, {"datasets": {"mine": {"parts": 2}}})
    folder = "results/mine/zoom/loaded/label_maps"
    assert study.label_map_parts("mine", "zoom", "loaded") == [f"{folder}/1of2.h5", f"{folder}/2of2.h5"]
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "2of3.h5").touch()
    assert study.label_map_parts("mine", "zoom", "loaded") == [
        f"{folder}/1of3.h5",
        f"{folder}/2of3.h5",
        f"{folder}/3of3.h5",
    ]
    assert study.label_map_parts("mine", "standard_crop", "loaded") == [
        "results/mine/standard_crop/loaded/label_maps/1of1.h5"
    ]


def test_label_maps_whose_number_of_parts_is_not_known_are_refused_even_where_they_are_begun(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    hour = {"parts": {"minutes": 60, "images_per_second": {"loaded": 1, "drawn": 1}}}
    study = study_of(MINE, {"datasets": {"mine": {"expect_images": 9}}}, hour)
    folder = tmp_path / "results/mine/zoom/public/label_maps"
    folder.mkdir(parents=True)
    (folder / "1of2.h5").touch()
    with pytest.raises(
        ConfigurationError, match=r"^parts\.images_per_second\.public: parts\.minutes needs it"
    ):
        study.label_map_parts("mine", "zoom", "public")


@pytest.mark.parametrize(
    ("model", "architecture", "weights"),
    [
        ("public", "resnet50", "torchvision V2"),
        ("drawn", "resnet34", "random (for tests only)"),
        ("small_resnet", "small_resnet", "trained on scenes"),
        ("trained", "small_resnet", "trained on scenes"),
    ],
)
def test_a_network_is_identified_by_its_names_architecture_and_weights(model, architecture, weights):
    assert study_of(MINE).network_columns("few", "zoom", model) == {
        "dataset": "few",
        "view": "zoom",
        "model": model,
        "architecture": architecture,
        "weights": weights,
    }


def test_each_network_has_a_row_and_a_file_view_by_view():
    study = study_of(MINE)
    assert study.network_rows("mine") == [columns(*network) for network in NETWORKS]
    assert study.network_files("mine", "nulls.parquet") == [
        "results/mine/zoom/loaded/nulls.parquet",
        "results/mine/zoom/drawn/nulls.parquet",
        "results/mine/windows/loaded/nulls.parquet",
        "results/mine/windows/drawn/nulls.parquet",
    ]


def test_each_method_of_a_network_has_a_row_and_a_file_in_the_same_order():
    study = study_of(MINE)
    methods = [
        {"method": "center", "variant": "center", "cue": "baseline"},
        {"method": "igub_mean", "variant": "igub prior=mean", "cue": "uncued"},
    ]
    assert study.method_rows("mine") == [
        columns(*network) | method for network in NETWORKS for method in methods
    ]
    files = study.method_files("mine", "scores", "parquet")
    assert files[:3] == [
        "results/mine/zoom/loaded/scores/center.parquet",
        "results/mine/zoom/loaded/scores/igub_mean.parquet",
        "results/mine/zoom/drawn/scores/center.parquet",
    ]
    assert files == [
        f"results/mine/{row['view']}/{row['model']}/scores/{row['method']}.parquet"
        for row in study.method_rows("mine")
    ]


def test_each_network_has_a_reading_through_each_view_network_by_network():
    study = study_of(MINE)
    views = ["zoom_mask", "zoom"]
    assert study.reading_rows("few", views) == [
        columns("zoom_mask", "loaded", "few"),
        columns("zoom", "loaded", "few"),
        columns("zoom_mask", "drawn", "few"),
        columns("zoom", "drawn", "few"),
    ]
    assert study.reading_files("few", views) == [
        "results/few/zoom_mask/loaded/reading.parquet",
        "results/few/zoom/loaded/reading.parquet",
        "results/few/zoom_mask/drawn/reading.parquet",
        "results/few/zoom/drawn/reading.parquet",
    ]


def test_imagenets_classes_are_known_by_their_ids_in_order(tmp_path):
    lines = (ROOT / "resources/imagenet_classes.txt").read_text().splitlines()
    files = {
        "same": [line.split()[0] + " another name" for line in lines],
        "hundred": lines[:100],
        "exchanged": [lines[1], lines[0], *lines[2:]],
        "own": [f"{i} class {i}" for i in range(1000)],
    }
    for name, text in files.items():
        (tmp_path / name).write_text("\n".join(text) + "\n")
    data = {name: {"images": "a", "classes": str(tmp_path / name)} for name in [*files, "missing"]}
    study = study_of({"datasets": {"plain": {"images": "a"}, **data}})
    known = {name: study.has_imagenet_classes(name) for name in [*data, "plain", "scenes"]}
    assert known == dict.fromkeys([*data, "scenes"], False) | {"same": True, "plain": True}
    assert study.has_imagenet_classes("plain_sample")
    assert not study.has_imagenet_classes("own_sample")


def test_readings_without_views_are_refused():
    study = study_of({"calibration": {"views": []}})
    for query in (study.reading_rows, study.reading_files):
        with pytest.raises(ConfigurationError, match=r"^calibration\.views: name the views to be compared$"):
            query("scenes_sample", study.settings.calibration.views)
    assert study.family_examples() == []


def test_targets_of_methods_on_x0_are_refused_where_there_is_no_map(monkeypatch):
    study = study_of(MINE, {"calibration": {"views": ["zoom"]}})
    assert study.view_of_maps("crop_0.6", "loaded") == study.view("crop_0.6", "loaded")
    monkeypatch.setattr(Crop, "is_affine", False)
    for query in (
        lambda: study.view_of_maps("crop_0.6", "loaded"),
        lambda: study.reading_rows("few", ["zoom", "crop_0.6"]),  # as `fidelity` asks for those that run
    ):
        with pytest.raises(
            ConfigurationError, match=r"^views\.crop_0\.6: .* do not lie evenly over a box of the image"
        ):
            query()
    assert study.view_of_maps("zoom", "loaded") == study.view("zoom", "loaded")


def test_a_network_does_without_methods_by_their_names_or_by_their_modules():
    methods = ["center", "igub_mean", "igub", "gradcam"]
    without = {"models": {"loaded": {"without": ["igub"]}, "drawn": {"without": ["gradcam"]}}}
    study = study_of(MINE | {"run": MINE["run"] | {"methods": methods}}, without)
    assert study.settings.methods_of("loaded") == [
        "center",
        "gradcam",
    ]  # both variants of igub's module are left out
    assert study.settings.methods_of("drawn") == ["center", "igub_mean", "igub"]
    assert [
        (row["view"], row["model"], row["method"])
        for row in study.method_rows("mine")
        if row["view"] == "zoom"
    ] == [
        ("zoom", "loaded", "center"),
        ("zoom", "loaded", "gradcam"),
        ("zoom", "drawn", "center"),
        ("zoom", "drawn", "igub_mean"),
        ("zoom", "drawn", "igub"),
    ]
    figure_1 = study.shown_files("mine", "zoom", "drawn", "scores", "parquet")
    assert figure_1 == [f"{study.folder('mine', 'zoom', 'drawn', 'scores')}/igub.parquet"]
    with pytest.raises(ConfigurationError, match=r"^models\.drawn: does without gradcam, which fidelity"):
        study_of(MINE, {"models": {"drawn": {"without": ["gradcam"]}}}).reading_rows("few", ["zoom"])


def test_two_stages_are_of_methods_that_look_at_all_views_and_of_networks_that_have_one():
    run = MINE["run"] | {"methods": ["center", "igub_mean", "dff", "likelihood"], "views": ["zoom"]}
    without = {"models": {"loaded": {"without": ["igub", "likelihood"]}}}
    study = study_of(MINE | {"run": run}, without)
    assert [(row["model"], row["method"]) for row in study.staged_rows("mine")] == [
        ("drawn", "igub_mean"),
        ("drawn", "likelihood"),
    ]
    folder = "results/mine/zoom/drawn"
    assert study.staged_files("mine") == {
        "label_maps": [f"{folder}/label_maps.h5"],
        "saliency": [f"{folder}/saliency/igub_mean.h5", f"{folder}/saliency/likelihood.h5"],
    }
    settings = study.table_settings("mine", "two_stages")
    assert settings["networks"] == [study.look("mine", "zoom", "drawn")]
    assert settings["methods"]["igub_mean"]["options"] == {"prior": "mean"}
    assert list(settings["methods"]) == ["igub_mean", "likelihood"]
    assert study.staged_modules() == [
        f"labelmaps.methods.{name}" for name in ("center", "igub", "likelihood")
    ]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"methods": ["center", "dff"]}, r"^run\.methods: none looks at all views; name one"),
        ({"views": ["zoom", "standard_crop"]}, r"^views\.standard_crop: its grid has no outer ring"),
    ],
)
def test_two_stages_are_refused_where_there_is_nothing_to_leave_for_later(run, message):
    study = study_of(MINE | {"run": MINE["run"] | {"methods": ["igub"]} | run})
    for query in (study.staged_rows, study.staged_files, study.staged):
        with pytest.raises(ConfigurationError, match=message):
            query("mine")


def test_a_family_is_shown_by_its_first_view_among_the_readings():
    assert study_of().family_examples() == ["zoom", "crop_0.4", "shift_letterbox_black"]
    views = ["shift_crop_gray", "zoom_mask", "zoom", "shift_crop_black"]
    assert study_of({"calibration": {"views": views}}).family_examples() == ["shift_crop_gray", "zoom_mask"]


@pytest.mark.parametrize(
    ("added", "sweep", "message"),
    [
        ({}, ["grid", "zoom", "zoom_floor_0.2"], "zoom_floor_0.2 differs from zoom in floor, too"),
        (
            {"other": {"family": "zoom", "grid": 9, "floor": 0.3, "mask": True}},
            ["grid", "zoom_3x3", "zoom", "other"],
            "other differs from zoom_3x3 in floor, mask, too; name other views",
        ),
        ({}, ["grid", "zoom", "standard_crop"], "standard_crop differs from zoom in family, "),
        ({}, ["grid", "zoom_3x3", "zoom", "zoom_3x3"], "the same grid twice among zoom_3x3, zoom, zoom_3x3"),
        (
            {"again": {"family": "zoom", "floor": 0.2}},
            ["floor", "zoom_floor_0.2", "again"],
            "the same floor twice among zoom_floor_0.2, again",
        ),
        ({}, ["side", "crop_0.4", "zoom"], "zoom has no such option that is a number"),
        ({}, ["side", "zoom", "crop_0.4"], "zoom has no such option that is a number"),
        ({}, ["antialias", "zoom", "zoom_antialias"], "zoom has no such option that is a number"),
        (
            {},
            ["beyond", "shift_crop_black", "shift_crop_gray"],
            "shift_crop_black has no such option that is",
        ),
    ],
)
def test_a_sweep_whose_views_differ_otherwise_is_refused_when_asked_for(added, sweep, message):
    option, *names = sweep
    study = study_of({"views": added, "sweeps": {option: names}})
    with pytest.raises(ConfigurationError) as error:
        study.swept(option)
    assert f"sweeps.{option}: {message}" in str(error.value)


def test_a_change_of_zoom_spoils_the_sweeps_alone():
    study = study_of({"views": {"zoom": {"floor": 0.2}}})
    assert study.settings.views["zoom"].options["floor"] == 0.2
    with pytest.raises(
        ConfigurationError, match=r"^sweeps\.grid: zoom differs from zoom_3x3 in floor, too; name"
    ):
        study.swept("grid")
    with pytest.raises(
        ConfigurationError, match=r"^sweeps\.floor: the same floor twice among zoom, zoom_floor_0\.2"
    ):
        study.swept("floor")
    views = ["zoom_floor_0.3", "zoom", "zoom_floor_0.4"]
    assert study_of({"views": {"zoom": {"floor": 0.2}}, "sweeps": {"floor": views}}).swept("floor") == views


def test_a_sweep_may_be_over_any_option_that_is_a_number():
    views = ["crop_1.0", "crop_0.4", "crop_0.6"]
    assert study_of({"sweeps": {"side": views}}).swept("side") == views


def test_a_sweep_has_a_row_a_value_and_a_grid_for_each_network_and_view():
    study = study_of(MINE, {"sweeps": {"grid": ["zoom_3x3", "zoom"]}})
    views = [("zoom_3x3", "loaded", 3), ("zoom", "loaded", 7), ("zoom_3x3", "drawn", 3), ("zoom", "drawn", 7)]
    assert study.sweep_rows("few", "grid") == [
        columns(view, model, "few") | {"value": grid} for view, model, grid in views
    ]
    assert study.sweep_grids("few", "grid") == [3, 7, 3, 7]
    assert study.sweep_files("few", "grid") == [
        f"results/few/{view}/{model}/reading.parquet" for view, model, _ in views
    ]


def test_the_value_of_a_sweep_is_that_of_its_option():
    study = study_of(MINE, {"sweeps": {"floor": ["zoom_floor_0.5", "zoom"]}, "run": {"models": ["loaded"]}})
    assert [row["value"] for row in study.sweep_rows("few", "floor")] == [0.5, 0.1]
    assert study.sweep_grids("few", "floor") == [7, 7]


def test_a_sweep_whose_views_differ_otherwise_has_no_files_rows_or_grids():
    study = study_of({"sweeps": {"grid": ["zoom_3x3", "zoom_floor_0.2"]}})
    for query in (study.sweep_files, study.sweep_rows, study.sweep_grids):
        with pytest.raises(ConfigurationError, match="differs from zoom_3x3 in floor, too; name other views"):
            query("scenes_sample", "grid")


def test_a_sweeps_title_names_what_its_views_have_in_common():
    study = study_of()
    others = "antialias: False, mask: False, sampling: centres"
    assert study.sweep_title("grid") == f"zoom (floor: 0.1, {others})"
    assert study.sweep_title("floor") == f"zoom (grid: 7, {others})"


def test_what_must_have_made_a_table_is_what_scripts_record():
    study = study_of(MINE)
    look = study.look("mine", "windows", "loaded")
    assert look == {
        "view": study.view("windows", "loaded"),
        "network": study.network("loaded"),
        "engine": "shared",
        "precision": "float32",
    }
    igub = {"method": "igub", "options": {"prior": "mean"}, "arrival": "nearest"}
    looked = study.looked("mine")
    assert looked["networks"] == [study.look("mine", view, model) for view, model in NETWORKS]
    assert list(looked["methods"]) == ["center", "igub_mean"]
    assert looked["methods"]["igub_mean"] == igub
    scored = study.scored("mine")
    chosen = {"seed": 0, "folds": 10, "ten_crop_view": None}
    of_nulls = [chosen | {"standard_view": study.view("standard_crop", model)} for _, model in NETWORKS]
    assert scored == looked | {"tolerance": 0.0, "nulls": of_nulls}
    assert study.table_settings("mine", "summary") == study.table_settings("mine", "paper") == scored
    assert study.table_settings("mine", "pointing") == looked
    shown = study.shown("mine", "windows", "loaded")
    assert shown == {"look": look, "methods": {"igub_mean": igub}, "tolerance": 0.0}
    assert study.shown_of_networks("mine")[2] == shown
    fidelity = study.table_settings("mine_sample", "fidelity")
    assert {settings["engine"] for settings in fidelity["networks"]} == {"exact", "shared"}
    assert {settings["engine"] for settings in fidelity["references"]} == {"exact"}
    assert fidelity["methods"]["dff"]["options"] == {"components": 1, "choose": "softmax"}


def test_five_and_ten_crop_are_looked_at_only_where_they_are_asked_for():
    assert study_of(MINE).ten_crop_files("mine", "loaded") == []
    study = study_of(MINE | {"nulls": {"ten_crop": True}})
    assert study.ten_crop_files("mine", "loaded") == ["results/mine/ten_crop/loaded/label_maps.h5"]
    views = [of_nulls["ten_crop_view"] for of_nulls in study.scored("mine")["nulls"]]
    assert views == [study.view("ten_crop", model) for _, model in NETWORKS]
    assert len(study.label_map_parts("mine", "ten_crop", "loaded")) == 1  # nine views, not forty-nine


def test_scanpaths_follow_from_the_uncued_methods_on_x0_that_run():
    methods = ["likelihood", "dff", "gradcam", "gradcam_own", "igub", "dff3"]
    made = {
        "methods": {"dff3": {"method": "dff", "components": 3}},
        "run": MINE["run"] | {"methods": methods, "views": ["zoom"]},
        "scanpaths": {"fixations": 5},
    }
    study = study_of(MINE | made)
    expected = {"dff": "dff", "gradcam_own": "gradcam_own", "dff3": "dff components=3"}
    assert study.predicting_variants("loaded") == expected
    assert study.predicting_files("mine", "zoom", "loaded") == [
        f"results/mine/zoom/loaded/saliency/{name}.h5" for name in expected
    ]
    names = ("igub", "max_softmax", "likelihood", "dff", "gradcam_own", "dff")
    assert study.scanpath_modules() == [f"labelmaps.methods.{name}" for name in names]
    plan = {"fixations": 5, "among": "all", "draws": 20, "seed": 0}
    scanned = study.scanned("mine", "zoom", "loaded")
    assert scanned["look"] == study.look("mine", "zoom", "loaded")
    assert list(scanned["methods"]) == list(expected)
    assert {key: scanned["scanpaths"][key] for key in plan} == plan
    assert set(scanned["scanpaths"]) == {*plan, "thresholds"} == set(Plan.__dataclass_fields__)
    table = study.table_settings("mine", "scanpaths")
    assert table == {"networks": [study.scanned("mine", "zoom", model) for model in ("loaded", "drawn")]}


def test_a_precision_that_is_left_open_may_be_any():
    assert "precision" not in study_of(MINE | {"compute": {"precision": "auto"}}).look(
        "mine", "zoom", "loaded"
    )


def test_another_seed_or_number_of_resamples_is_another_calibration():
    made = study_of(MINE | {"calibration": {"views": ["zoom"], "resamples": 300, "seed": 5}})
    settings = made.table_settings("mine_sample", "calibration")
    assert settings == made.table_settings("mine_sample", "calibration_terms")
    assert settings["bootstrap"] == {"resamples": 300, "seed": 5}
    swept = study_of(MINE | {"sweeps": {"grid": ["zoom_3x3", "zoom"]}})
    settings = swept.table_settings("mine_sample", "sweep_grid")
    assert settings["option"] == "grid"
    assert [network["view"]["grid"] for network in settings["networks"]] == [3, 7, 3, 7]
