"""Names and places: whatever files, folders and classes are called, nothing is run, lost or misread; or it is told."""

import csv
import sys
from itertools import cycle
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers.runs import copy_repository, snakemake, succeed, write_config
from labelmaps.networks.weights import random_weights

# What a shell, Snakemake, a format string or a web page would make something of.
NASTY = "-n \"o\" 'p'; $(touch ran) `touch ran` & %s ü\n日 {} <"
CLASSES = {"c0": "<script>alert(1)</script> $\\frac", "<c1>": "{wildcards} & %d \x01", "-c2": "plain"}
IMAGES = {
    '-rf "$(touch ran)"; {dataset} %s.JPEG': (60, 40),
    "new\nline ü 日 <i>'q'.png": (40, 50),
    "thin.png": (1, 300),
    "flat.jpg": (300, 1),
}
MINE = {f"mine_{i}": name.rpartition(".")[0] for i, name in enumerate(IMAGES)}


def write_study(folder, name):
    """Four images, their boxes, classes, network and configuration, all under names that contain `name`."""
    paths = {key: folder / f"{key}{name}" for key in ("images", "boxes", "classes", "checkpoint", "config")}
    paths["images"].mkdir()
    rng = np.random.default_rng(0)
    for image, (width, height) in IMAGES.items():
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(paths["images"] / image)
    (folder / "images").symlink_to(paths["images"])
    paths["boxes"] = paths["boxes"].with_name(f"{paths['boxes'].name}.csv")
    with paths["boxes"].open("w", newline="") as file:
        rows = [
            (image, f"{label} 0 0 {width} {height}")
            for (image, (width, height)), label in zip(IMAGES.items(), cycle(CLASSES), strict=False)
        ]
        csv.writer(file).writerows([("ImageId", "PredictionString"), *rows])
    paths["classes"].write_text("".join(f"{key} {value}\n" for key, value in CLASSES.items()))
    torch.save(random_weights("small_resnet", len(CLASSES), seed=0, size=64), paths["checkpoint"])
    files = {key: paths[key].name for key in ("boxes", "classes")}
    return write_config(
        paths["config"],
        datasets={"four": {"images": "images", **files, "examples": MINE}},
        models={"own": {"architecture": "small_resnet", "checkpoint": paths["checkpoint"].name, "size": 64}},
        views={"zoom": {"grid": 3}},
        run={"datasets": ["four"], "models": ["own"], "methods": ["igub"]},
    )


def test_any_name_works_from_the_images_to_the_figures_and_nothing_is_run(tmp_path):
    repository = tmp_path / NASTY.replace("{}", "")
    repository.mkdir()
    copy_repository(repository)
    (tmp_path / "link").symlink_to(repository)
    folder, elsewhere = tmp_path / f"study {NASTY} {{dataset}} <temp>", tmp_path / f"disk {NASTY}"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "results").symlink_to(elsewhere)
    config = write_study(folder, NASTY)
    figures = "results/four/figures"
    targets = [f"{figures}/figure_1/zoom/own/{example}.svg" for example in MINE]
    targets += [
        f"{figures}/views_zoom.svg",
        f"{figures}/contact_sheet.svg",
        f"{figures}/figure_1/zoom/own/mine_1.pdf",
        "results/four/report/summary.html",
    ]
    succeed(snakemake(folder, *targets, "--configfile", config, repository=tmp_path / "link"))

    assert not [path for path in tmp_path.rglob("*") if path.name == "ran"]
    assert pd.read_parquet(elsewhere / "four/index.parquet")["image"].tolist() == sorted(MINE.values())
    assert (elsewhere / "four/excluded.csv").read_text() == '"image","path","reason"\n'
    for (example, image), label in zip(MINE.items(), cycle(CLASSES.values()), strict=False):
        root = ElementTree.parse(elsewhere / f"four/figures/figure_1/zoom/own/{example}.svg").getroot()
        assert not [element for element in root.iter() if element.tag.endswith(("}script", "}i"))]
        shown = " ".join(element.text for element in root.iter() if element.tag.endswith("}text"))
        assert " ".join(image.split()) in shown
        assert f"{label} the given label".replace("\x01", "\ufffd") in shown
    for file in ("report/summary.html", "figures/contact_sheet.svg"):
        assert "<script" not in (elsewhere / "four" / file).read_text()
    again = succeed(snakemake(folder, *targets, "-n", "--configfile", config, repository=repository))
    assert "Nothing to be done" in again


def refused(folder, *arguments, **options):
    """What is said instead of a plan, without a traceback."""
    result = snakemake(folder, "-n", *arguments, **options)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in text
    assert not (folder / "results").exists()
    return text


@pytest.mark.parametrize("name", [" {dataset}", " <temp>"])
def test_names_that_snakemake_would_exchange_are_refused_in_paths(tmp_path, name):
    config = write_study(tmp_path, name)
    text = refused(tmp_path, "--configfile", config)
    assert (
        f"models.own.checkpoint: checkpoint{name}: Snakemake takes {{name}} and <name> for variables" in text
    )


@pytest.mark.parametrize("name", ["{a", "<b>"])
def test_names_that_snakemake_would_exchange_are_refused_in_the_repositorys_path(tmp_path, name):
    (tmp_path / name).mkdir()
    copy_repository(tmp_path / name)
    text = refused(tmp_path, repository=tmp_path / name)
    assert (
        f"{tmp_path}/{name}: Snakemake takes {{name}} and <name> for variables; rename the repository's"
        in text
    )


def test_an_environment_whose_folder_a_shell_would_split_is_refused(tmp_path):
    (tmp_path / "my project").symlink_to(sys.prefix)
    python = tmp_path / "my project/bin" / Path(sys.executable).name
    text = refused(tmp_path, python=python)
    assert f"{python}: Snakemake cannot start Python from a folder with such a name" in text
    assert "UV_PROJECT_ENVIRONMENT=" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "compute: {device: cpu}\ncompute: {threads: 1}\n",
            "line 2: the key 'compute' is already on line 1",
        ),
        ("a: !!python/object/apply:os.system ['touch ran']\n", "not valid JSON or YAML"),
        ("", "must be given as JSON or YAML with keys at top level"),
        ("- a\n", "must be given as JSON or YAML with keys at top level"),
        ("run: [\n", "not valid JSON or YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    assert message in refused(tmp_path, "--configfile", tmp_path / "c.yaml")
    assert not (tmp_path / "ran").exists()
