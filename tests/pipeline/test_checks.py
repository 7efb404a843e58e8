"""Names that Snakemake would take for something else, and files that are not there, are refused before a run."""

import os
import socket
from pathlib import Path

import pytest

from helpers.configurations import study_of
from pipeline.checks import is_exchanged, refuse_files, refuse_names, selected_files
from pipeline.settings.base import ConfigurationError

MINE = {
    "datasets": {
        "mine": {"images": "images", "boxes": "boxes.csv", "classes": "classes.txt"},
        "own": {"table": "own.csv"},
        "few": {"sample": {"of": "mine"}},
    },
    "models": {
        "net": {"architecture": "resnet18", "checkpoint": "net.pth"},
        "drawn": {"architecture": "resnet18", "random": {}},
        "idle": {"architecture": "resnet18", "checkpoint": "idle.pth"},
    },
    "run": {"datasets": ["mine"], "models": ["net"]},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the run starts, with what the selected entries of `MINE` need before there is an index."""
    monkeypatch.chdir(tmp_path)
    for name in ("classes.txt", "net.pth"):
        (tmp_path / name).touch()
    return tmp_path


def refusal(function, *arguments):
    with pytest.raises(ConfigurationError) as error:
        function(*arguments)
    return str(error.value)


@pytest.mark.parametrize("path", ["a/{b}.h5", "{dataset}", "{a,x+}", "<b>/c", "a<to_2>"])
def test_what_snakemake_exchanges_is_known(path):
    assert is_exchanged(path) is True


@pytest.mark.parametrize(
    "path", ["", "a/b.h5", "{", "}", "{}", "a { b", "<B>", "<2>", "< b>", "<", "日 ü %s $x"]
)
def test_what_snakemake_leaves_as_it_is_is_known(path):
    assert is_exchanged(path) is False


@pytest.mark.parametrize("name", ["a{", "a}", "{a}", "<b>"])
def test_the_repository_has_no_name_that_snakemake_exchanges(name):
    assert refusal(refuse_names, Path("/tmp", name), "/usr/bin/python3") == (
        f"/tmp/{name}: Snakemake takes {{name}} and <name> for variables; rename the repository's folder"
    )


@pytest.mark.parametrize("python", ["/my project/python", "/it's/python", "/a;b/python", "/$x/python"])
def test_python_has_no_name_that_a_shell_would_split(python):
    text = refusal(refuse_names, Path("/repository"), python)
    assert text.startswith(f"{python}: Snakemake cannot start Python from a folder with such a name")
    assert "UV_PROJECT_ENVIRONMENT=~/labelmaps-env uv run" in text


def test_other_names_are_accepted():
    refuse_names(Path("/my project's/日 <B> (2)"), "/opt/python-3.11/bin/python3")


def test_the_users_files_are_those_of_selected_entries(folder):
    files = list(selected_files(study_of(MINE)))
    assert files == [
        ("models.net.checkpoint", "net.pth", True),
        ("datasets.mine.classes", "classes.txt", True),
        ("datasets.mine.images", "images", False),
        ("datasets.mine.boxes", "boxes.csv", False),
        ("datasets.mine.table", None, False),
        ("datasets.mine.voc", None, False),
        ("datasets.mine.coco", None, False),
        ("datasets.mine.parquet", None, False),
        ("datasets.mine.webdataset", None, False),
        ("datasets.mine.acceptable_labels", None, False),
        ("datasets.mine.factors", None, False),
    ]


def test_once_there_is_an_index_all_files_are_needed(folder):
    (folder / "results/mine").mkdir(parents=True)
    (folder / "results/mine/index.parquet").touch()
    needed = {key for key, _, is_needed in selected_files(study_of(MINE)) if is_needed}
    assert needed == {
        "models.net.checkpoint",
        "datasets.mine.classes",
        "datasets.mine.images",
        "datasets.mine.boxes",
        "datasets.mine.table",
        "datasets.mine.acceptable_labels",
        "datasets.mine.factors",
        "datasets.mine.voc",
        "datasets.mine.coco",
        "datasets.mine.parquet",
        "datasets.mine.webdataset",
    }


def test_the_files_of_a_sample_are_those_of_the_data_set_from_which_it_is_drawn(folder):
    (folder / "results/mine").mkdir(parents=True)
    (folder / "results/mine/index.parquet").touch()
    study = study_of(MINE, {"run": {"datasets": ["few"], "models": ["drawn"]}})
    assert list(selected_files(study)) == [
        ("models.drawn.checkpoint", None, True),
        ("datasets.mine.classes", "classes.txt", True),
        ("datasets.mine.images", "images", True),
        ("datasets.mine.boxes", "boxes.csv", True),
        ("datasets.mine.table", None, True),
        ("datasets.mine.voc", None, True),
        ("datasets.mine.coco", None, True),
        ("datasets.mine.parquet", None, True),
        ("datasets.mine.webdataset", None, True),
        ("datasets.mine.acceptable_labels", None, True),
        ("datasets.mine.factors", None, True),
    ]


def test_images_and_boxes_need_not_be_there_before_there_is_an_index(folder):
    study = study_of(MINE)
    refuse_files(study)
    (folder / "results/mine").mkdir(parents=True)
    (folder / "results/mine/index.parquet").touch()
    assert refusal(refuse_files, study) == (
        f"datasets.mine.images: no such file or folder: images (relative paths start from {folder}), or no permission "
        "to access it. Correct the path, or make it readable"
    )
    (folder / "images").mkdir()
    assert refusal(refuse_files, study).startswith("datasets.mine.boxes: no such file or folder: boxes.csv ")
    (folder / "boxes.csv").touch()
    refuse_files(study)


@pytest.mark.parametrize(
    ("file", "key"), [("net.pth", "models.net.checkpoint"), ("classes.txt", "datasets.mine.classes")]
)
def test_a_checkpoint_and_classes_must_be_there_at_once(folder, file, key):
    (folder / file).unlink()
    assert refusal(refuse_files, study_of(MINE)).startswith(f"{key}: no such file or folder: {file} ")


def test_a_file_whose_name_snakemake_exchanges_is_refused_though_it_is_there(folder):
    (folder / "{images}").mkdir()
    study = study_of(MINE, {"datasets": {"mine": {"images": "{images}"}}})
    assert refusal(refuse_files, study) == (
        "datasets.mine.images: {images}: Snakemake takes {name} and <name> for variables; rename it, or give a symbolic "
        "link to it"
    )


def test_what_is_generated_or_drawn_needs_no_files(folder):
    refuse_files(study_of())


@pytest.mark.parametrize("kind", ["pipe", "socket", "/dev/zero", "/dev/null", "folder"])
@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("net.pth", "models.net.checkpoint"),
        ("classes.txt", "datasets.mine.classes"),
        ("boxes.csv", "datasets.mine.boxes"),
        ("images", "datasets.mine.images"),
        ("own.csv", "datasets.own.table"),
    ],
)
def test_what_is_no_regular_file_is_refused_before_a_run_could_wait_for_it(folder, file, key, kind):
    (folder / file).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(folder / file)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file)
    elif kind == "folder":
        (folder / file).mkdir()
    else:
        (folder / file).symlink_to(kind)
    study = study_of(MINE, {"run": {"datasets": [key.split(".")[1] if "datasets" in key else "mine"]}})
    if kind == "folder" and file in ("boxes.csv", "images"):
        refuse_files(study)
    else:
        assert refusal(refuse_files, study).startswith(f"{key}: {file}: not a regular file")
