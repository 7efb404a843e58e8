"""`labelmaps check`: what is said of a configuration before it runs, whatever its data; and nothing is written."""

import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from helpers.command import run
from helpers.configurations import study_of
from helpers.runs import contents_of
from labelmaps.command import check
from labelmaps.networks.small_resnet import SmallResNet
from labelmaps.networks.weights import save_weights
from pipeline.preview import cost
from pipeline.preview.data import Previewed, preview_dataset
from pipeline.sources import ROOT

NAMES = ("a", "b", "c", "d")
DRAWN = {"drawn": {"architecture": "small_resnet", "random": {}, "size": 32}}
RUN = {"models": ["drawn"], "methods": ["center", "likelihood", "gradcam"]}
SMALL = {"views": {"small": {"family": "zoom", "grid": 3}}, "models": DRAWN}
XML = """<annotation><object><name>{0}</name><difficult>0</difficult><bndbox><xmin>10</xmin><ymin>5</ymin><xmax>40</xmax>
<ymax>30</ymax></bndbox></object></annotation>"""


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with four images in every format, two of each of two classes."""
    folder = tmp_path_factory.mktemp("data")
    files = {name: draw(folder / f"flat/{name}.png", seed) for seed, name in enumerate(NAMES)}
    label = {name: "cat" if name < "c" else "dog" for name in NAMES}
    (folder / "classes.txt").write_text("cat house cat\ndog dog\n")
    rows = "".join(f"{name},{label[name]} 1 2 30 40 \n" for name in NAMES)
    (folder / "boxes.csv").write_text(f"ImageId,PredictionString\n{rows}")
    (folder / "table.csv").write_text(
        "photo,kind\n" + "".join(f"flat/{name},{label[name]}\n" for name in NAMES)
    )
    for name, file in files.items():
        for place in (f"folders/{label[name]}/{name}.png", f"VOC2012/JPEGImages/{name}.png"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / place)
        (folder / "VOC2012/Annotations").mkdir(exist_ok=True)
        (folder / f"VOC2012/Annotations/{name}.xml").write_text(XML.format(label[name]))
    (folder / "VOC2012/ImageSets/Main").mkdir(parents=True)
    (folder / "VOC2012/ImageSets/Main/val.txt").write_text("\n".join(NAMES))
    coco = {
        "images": [{"id": i, "file_name": f"{name}.png"} for i, name in enumerate(NAMES)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1 + i // 2, "bbox": [1, 2, 30, 40]} for i in range(4)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    (folder / "instances.json").write_text(json.dumps(coco))
    images = [{"bytes": file.read_bytes(), "path": file.name} for file in files.values()]
    pq.write_table(pa.table({"image": images, "label": list(label.values())}), folder / "hub.parquet")
    with (
        tarfile.open(folder / "shard.tar", "w") as shard,
        tarfile.open(folder / "images.tar", "w") as archive,
    ):
        for name, file in files.items():
            archive.add(file, file.name)
            shard.add(file, file.name)
            text = label[name].encode()
            member = tarfile.TarInfo(f"{name}.cls")
            member.size = len(text)
            shard.addfile(member, io.BytesIO(text))
    return folder


@pytest.fixture
def here(data, tmp_path, monkeypatch):
    """An empty folder in which a command is given, with the data under `data`."""
    (tmp_path / "data").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


GIVEN = {"classes": "data/classes.txt"}
FORMATS = {
    "flat": {"images": "data/flat", "boxes": "data/boxes.csv", **GIVEN},
    "tar": {"images": "data/images.tar", "boxes": "data/boxes.csv", **GIVEN},
    "folders": {"images": "data/folders"},
    "table": {"table": "data/table.csv", "columns": {"image": "photo", "label": "kind"}, **GIVEN},
    "voc": {"voc": "data/VOC2012"},
    "coco": {"coco": "data/instances.json", "images": "data/flat"},
    "parquet": {"parquet": "data/hub.parquet", **GIVEN},
    "webdataset": {"webdataset": "data/shard.tar", **GIVEN},
    "scenes": {"scenes": {"images": 4}},
    "sample": {"sample": {"of": "folders", "images": 3}},
}


def configuration(folder, **blocks):
    """Write a configuration of a run that is small, with these blocks laid over it."""
    run_ = (
        RUN
        | {"datasets": list(blocks.get("datasets", ["scenes"])), "views": ["small"]}
        | blocks.pop("run", {})
    )
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(SMALL | blocks | {"run": run_}))
    return path


def lines(text, kind):
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.split()[:1] == [kind]]


@pytest.mark.parametrize("name", FORMATS)
def test_data_of_every_format_are_indexed_in_memory(here, tmp_path_factory, name):
    study = study_of(
        {"datasets": {"folders": FORMATS["folders"]} | {name: FORMATS[name]}} | SMALL, {"run": RUN}
    )
    before = contents_of(here)
    *findings, known = preview_dataset(study, name, tmp_path_factory.mktemp("temporary"), 1)
    assert isinstance(known, Previewed)
    assert {finding.kind for finding in findings} <= {"ok", "note"}
    assert known.n_images == (3 if name == "sample" else 4)
    has_boxes = name in ("flat", "tar", "voc", "coco", "scenes")
    assert any("the boxes are plausible" in finding.text for finding in findings) == has_boxes
    assert any("no boxes" in finding.text for finding in findings) == (not has_boxes)
    assert contents_of(here) == before


def test_a_run_that_can_be_is_told_with_its_needs_and_nothing_is_written(here, capsys):
    save_weights(SmallResNet(2).state_dict(), here / "net.pth")
    models = DRAWN | {"mine": {"architecture": "small_resnet", "checkpoint": "net.pth", "size": 32}}
    path = configuration(here, datasets={"flat": FORMATS["flat"]}, models=models, run={"models": ["mine"]})
    before = contents_of(here)
    status, out, err = run(capsys, "check", path.name, "--cores", "4")
    assert (status, err) == (0, "")
    rows = {row[0]: row[1:] for row in map(str.split, out.splitlines()) if row}
    assert (rows["datasets"], rows["models"]) == (["flat", "flat"], ["drawn,", "mine", "mine"])
    assert lines(out, "STOP") == []
    said = "\n".join(lines(out, "ok"))
    assert "4 images; 2 of 2 classes (2 of each); 4 boxes" in said
    assert "the boxes are plausible: x0 y0 x1 y1 in pixels" in said
    assert "weights net.pth" in said
    assert "map of x₀: the output of layer" in said
    assert "small: " in said
    assert "standard_crop: " in said
    assert "disk: " in said
    assert "on 4 cores" in said
    assert "run.models does not select drawn" in "\n".join(lines(out, "note"))
    assert out.endswith("\nNothing stands in the way of: snakemake --cores 4 --configfile mine.yaml\n")
    assert contents_of(here) == before


def test_a_configuration_is_found_from_another_folder_and_its_paths_start_where_one_is(
    here, capsys, monkeypatch
):
    path = configuration(here, datasets={"folders": FORMATS["folders"]})
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    status, out, _ = run(capsys, "check", Path("..") / path.name)
    assert status == 1
    (stop,) = lines(out, "STOP")
    assert stop.startswith("no such file or folder: data/folders")
    (here / "below/data").symlink_to(here / "data")
    assert run(capsys, "check", Path("..") / path.name)[0] == 0


def test_files_are_laid_over_one_another(here, capsys):
    first = configuration(here, datasets={"folders": FORMATS["folders"]}).rename("first.yaml")
    (here / "second.json").write_text(
        json.dumps({"models": {"drawn": {"size": 20}}, "compute": {"threads": 2}})
    )
    status, out, _ = run(capsys, "check", first, "second.json")
    assert status == 0
    assert out.startswith("first.yaml, second.json, laid over the embedded default\n")


def bad_boxes(here):
    text = (here / "data/boxes.csv").read_text().replace("1 2 30 40", "0.1 0.2 0.3 0.4")
    (here / "boxes.csv").write_text(text)
    return {"datasets": {"flat": FORMATS["flat"] | {"boxes": "boxes.csv"}}}


def other_classes(here):
    save_weights(SmallResNet(3).state_dict(), here / "net.pth")
    return of_network({"architecture": "small_resnet", "checkpoint": "net.pth", "size": 32})


def of_network(model, **dataset):
    return {
        "models": {"mine": model},
        "run": {"models": ["mine"]},
        "datasets": {"flat": FORMATS["flat"] | dataset},
    }


def no_map(here):
    code = (
        "from torch import nn\n\ndef build(num_classes, size):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, num_classes))\n"
    )
    (here / "flat_network.py").write_text(code)
    return of_network({"architecture": "flat_network.py:build", "random": {}, "size": 16})


def code_that_fails(here):
    (here / "failing.py").write_text("def build(num_classes):\n    raise OSError('no licence')\n")
    return of_network({"architecture": "failing.py:build", "random": {}, "size": 16})


IMPORTING = "weights of a library for other classes"  # imports torchvision


def no_layer(_):
    model = {"architecture": "small_resnet", "random": {}, "size": 32, "layer": "layer9"}
    return of_network(model)


STOPPED = {
    "the images have not arrived": (
        lambda _: {"datasets": {"mine": {"images": "photos", **GIVEN}}},
        "no such file or folder: photos",
    ),
    "boxes of fractions": (bad_boxes, "Suspected: fractions of the image"),
    "too few images": (
        lambda _: {"datasets": {"flat": FORMATS["flat"] | {"expect_images": 5}}},
        "4 images instead of 5",
    ),
    "an example that is not there": (
        lambda _: {"datasets": {"flat": FORMATS["flat"] | {"examples": {"mine": "e"}}}},
        "examples: mine: the data set has no image 'e'",
    ),
    "acceptable labels of other images": (
        lambda here: (
            (here / "right.csv").write_text("image,labels\nx,cat\ny,dog\n")
            and {"datasets": {"flat": FORMATS["flat"] | {"acceptable_labels": "right.csv"}}}
        ),
        "right.csv",
    ),
    "a network for other classes": (other_classes, "It has 3 classes, the classes file lists 2"),
    IMPORTING: (
        lambda _: of_network({"architecture": "resnet18", "weights": "V1"}),
        "its weights have 1000 classes, and the data set's list has 2",
    ),
    "no map of x₀": (no_map, "models.mine.without: [gradcam]"),
    "a layer that is not there": (no_layer, "layer9"),
    "code that fails": (code_that_fails, "could not be called (OSError: no licence)"),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case == IMPORTING)) for case in STOPPED]
)
def test_what_would_stop_a_run_is_told(here, capsys, case):
    blocks, said = STOPPED[case]
    path = configuration(here, **blocks(here))
    before = contents_of(here)
    status, out, err = run(capsys, "check", path)
    assert (status, err) == (1, "")
    (stop,) = lines(out, "STOP")
    assert said in stop
    assert out.endswith("\n1 thing would stop a run: see STOP above.\n")
    assert {name: text for name, text in contents_of(here).items() if "__pycache__" not in name} == before


def test_images_that_a_run_leaves_out_are_not_those_on_which_networks_are_checked(here, capsys):
    shutil.copytree(here / "data/flat", here / "flat")
    whole = (here / "flat/a.png").read_bytes()
    (here / "flat/a.png").write_bytes(whole[: len(whole) // 2])
    entry = FORMATS["flat"] | {"images": "flat", "max_excluded": 0.5}
    status, out, _ = run(capsys, "check", configuration(here, datasets={"flat": entry}))
    assert (status, lines(out, "STOP")) == (0, [])


def test_one_data_set_that_cannot_be_leaves_the_others_to_be_checked(here, capsys):
    datasets = {"none": {"images": "photos", **GIVEN}, "folders": FORMATS["folders"]}
    status, out, _ = run(capsys, "check", configuration(here, datasets=datasets))
    assert status == 1
    assert len(lines(out, "STOP")) == 1
    assert "Network drawn on folders\n" in out
    assert "Network drawn on none" not in out
    assert "\nEstimated\n" in out


def test_what_is_there_already_is_not_counted(here, capsys):
    path = configuration(here, datasets={"folders": FORMATS["folders"] | {"parts": 9}})
    (here / "results/folders/small/drawn/label_maps").mkdir(parents=True)
    (here / "results/folders/small/drawn/label_maps/1of2.h5").touch()
    status, out, _ = run(capsys, "check", path)
    assert status == 0
    (note,) = (line for line in lines(out, "note") if "label maps" in line)
    assert 30 < int(note.split()[0]) < 50  # half of nine views, of ten with the crop
    assert note.endswith(" % of the label maps are there already, and not counted")


def test_a_folder_that_cannot_be_written_stops(here, capsys, monkeypatch):
    monkeypatch.setattr(cost.os, "access", lambda *_: False)
    _, out, _ = run(capsys, "check", configuration(here, datasets={"folders": FORMATS["folders"]}))
    assert lines(out, "STOP") == [f"{here} cannot be written to; run elsewhere (snakemake --directory)"]


def test_a_disk_that_is_too_small_stops(here, capsys, monkeypatch):
    usage = shutil.disk_usage(here)._replace(free=1000)
    monkeypatch.setattr(cost.shutil, "disk_usage", lambda _: usage)
    status, out, _ = run(capsys, "check", configuration(here, datasets={"folders": FORMATS["folders"]}))
    assert status == 1
    (stop,) = lines(out, "STOP")
    assert stop.startswith("disk: ")
    assert "1 kB are free in" in stop


UNUSABLE = {
    "no such file": ("nothing.yaml", None, "nothing.yaml: no such file (relative paths start from "),
    "misspelt": ("mien.yaml", None, "did you mean mine.yaml?"),
    "a recipe, misspelt": (
        ROOT / "config/imagnet.yaml",
        None,
        f"did you mean {ROOT / 'config/imagenet.yaml'}?",
    ),
    "a folder": (".", None, ".: is a folder; name a configuration file in it"),
    "no YAML": ("c.yaml", "run: {models: [a\ndatasets: 3\n", "c.yaml: line 2, column 9: is no YAML"),
    "tabs": ("c.yaml", "run:\n\tmodels: [a]\n", "c.yaml: line 2, column 1: is no YAML"),
    "empty": ("c.yaml", "", "c.yaml: is empty"),
    "a list": ("c.yaml", "- a\n", "c.yaml: holds a list"),
    "a text": ("c.yaml", "models\n", "c.yaml: holds a str"),
    "not UTF-8": ("c.yaml", b"\xff\xfe", "c.yaml: is no text in UTF-8"),
    "twice": (
        "c.yaml",
        "run: {models: [a], models: [b]}\n",
        "c.yaml, line 1: the key 'models' stands on line 1",
    ),
    "a key": (
        "c.yaml",
        "compute: {devise: cpu}\n",
        "compute: key 'devise' is unknown; did you mean 'device'?",
    ),
    "a name": ("c.yaml", "run: {views: [zom]}\n", "run.views 'zom' is unknown; did you mean 'zoom'?"),
    "a type": ("c.yaml", "compute: {threads: four}\n", "compute.threads: Input should be a valid integer"),
    "a checkpoint": (
        "c.yaml",
        "models: {a: {architecture: resnet18, checkpoint: none.pth}}\nrun: {models: [a]}\n",
        "models.a.checkpoint: no such file or folder: none.pth",
    ),
    "a list of classes": (
        "c.yaml",
        f"datasets: {{a: {{images: data/flat, classes: no.txt}}}}\nmodels: {json.dumps(DRAWN)}\n"
        "run: {datasets: [a], models: [drawn]}\n",
        "datasets.a.classes: no such file or folder: no.txt",
    ),
    "a folder as a file": (
        "c.yaml",
        f"datasets: {{a: {{images: data/flat, classes: data/flat}}}}\nmodels: {json.dumps(DRAWN)}\n"
        "run: {datasets: [a], models: [drawn]}\n",
        "datasets.a.classes: data/flat: not a regular file",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_configuration_that_cannot_be_used_is_told_in_one_line(here, capsys, case):
    name, content, said = UNUSABLE[case]
    configuration(here, datasets={"folders": FORMATS["folders"]})
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = contents_of(here)
    status, out, err = run(capsys, "check", name)
    assert (status, out) == (2, "")
    assert err.startswith("labelmaps check: ")
    assert said in err
    assert err.count("\n") == 1
    assert contents_of(here) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_configuration_that_may_not_be_read_is_told(here, capsys):
    path = configuration(here)
    path.chmod(0)
    assert "cannot be read (Permission denied); make it readable" in run(capsys, "check", path)[2]


def test_several_mistakes_are_told_a_line_each(here, capsys):
    path = here / "c.yaml"
    path.write_text("compute: {threads: four, batch: x}\n")
    status, _, err = run(capsys, "check", path)
    assert status == 2
    assert [line.strip().partition(":")[0] for line in err.splitlines()[1:]] == [
        "compute.batch",
        "compute.threads",
    ]


@pytest.mark.parametrize("name", ["pipeline.preview.report", "pipeline.preview.networks"])
def test_an_environment_that_lacks_a_library_is_told_with_the_one_that_has_it(
    here, capsys, monkeypatch, name
):
    monkeypatch.setitem(sys.modules, name, None)  # as where what it imports is not installed
    path = configuration(here, datasets={"folders": FORMATS["folders"]})
    status, _, err = run(capsys, "check", path)
    assert status == 2
    assert err.endswith(f"run the command in the clone's environment: cd {ROOT} && uv run labelmaps check\n")


def test_without_the_workflow_it_says_where_it_belongs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check.labelmaps, "__file__", str(tmp_path / "labelmaps/__init__.py"))
    status, out, err = run(capsys, "check", "mine.yaml")
    assert (status, out) == (2, "")
    assert f"this package lies in {tmp_path} without the workflow" in err
    assert "uv run labelmaps check" in err
