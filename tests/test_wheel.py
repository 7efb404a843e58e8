"""What `pip install` of the repository gives: the package alone, what it needs, and nothing of the workflow."""

import subprocess
import tarfile
import tomllib
import zipfile
from email import message_from_bytes

import numpy as np
import pytest
import yaml

from helpers.imports import distributions, libraries
from helpers.study import MADE_BY, random_label_maps, soft_pictures, write_data_set, write_joined
from labelmaps.extras import EXTRAS
from labelmaps.views import create_view
from pipeline.environments import GROUPS
from pipeline.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OF_OTHERS = {"triton"}  # comes with torch, where it is used
OF_COMMAND = {"cyclopts"}  # which no job runs


def uv(*arguments):
    done = subprocess.run(["uv", *map(str, arguments)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_of(wheel):
    """Name → content of a wheel's files, but for the list of them."""
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if not name.endswith(("/", "/RECORD"))]
        return {name: file.read(name) for name in names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_package_with_its_page_and_nothing_else(wheel):
    package = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for path in (ROOT / "labelmaps").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "labelmaps/explorer/web/page.html" in package
    files = files_of(wheel)
    about = {name.rpartition("/")[2]: content for name, content in files.items() if name not in package}
    assert about.keys() == {"METADATA", "WHEEL", "LICENSE", "entry_points.txt"}
    assert (
        about["entry_points.txt"].decode() == "[console_scripts]\nlabelmaps = labelmaps.command.app:main\n\n"
    )
    assert {name: content for name, content in files.items() if name in package} == package


def test_the_wheel_says_what_the_project_says(wheel):
    project, version = PROJECT["project"], PROJECT["project"]["version"]
    said = message_from_bytes(files_of(wheel)[f"labelmaps-{version}.dist-info/METADATA"])
    assert (said["Name"], said["Version"], said["Summary"]) == ("labelmaps", version, project["description"])
    assert said["License-Expression"] == yaml.safe_load((ROOT / "CITATION.cff").read_text())["license"]
    assert set(said["Requires-Python"].split(", ")) == set(project["requires-python"].split(","))
    assert said.get_payload(decode=True).decode() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_source_distribution_gives_the_same_wheel(wheel, tmp_path):
    uv("build", "--out-dir", tmp_path, ROOT)  # the wheel from the source distribution
    (again,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    assert files_of(again) == files_of(wheel)
    with tarfile.open(source) as file:
        names = {name.split("/")[1] for name in file.getnames() if "/" in name}
    assert names & {"tests", "pipeline", "workflow", "rules", "docs", "benchmarks"} == set()


def test_dependencies_and_extras_are_what_the_package_imports():
    imports = libraries((ROOT / "labelmaps").rglob("*.py")) - OF_OTHERS
    assert distributions(imports - EXTRAS.keys()) == set(PROJECT["project"]["dependencies"])
    assert imports >= EXTRAS.keys()
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(EXTRAS.values()) == set(extras)
    for extra, names in extras.items():
        assert distributions(name for name, its in EXTRAS.items() if its == extra) == set(names)


def test_the_environments_hold_nothing_that_the_wheel_would_not_install():
    installed = {*PROJECT["project"]["dependencies"]}.union(
        *PROJECT["project"]["optional-dependencies"].values()
    )
    assert set().union(*(PROJECT["dependency-groups"][name] for name in GROUPS)) == installed - OF_COMMAND
    assert set(PROJECT["dependency-groups"]["workflow"]) >= OF_COMMAND


IMPORT_ALL = """
from importlib import import_module
from pkgutil import walk_packages
import labelmaps
for module in walk_packages(labelmaps.__path__, "labelmaps."):
    try:
        import_module(module.name)
    except ModuleNotFoundError as error:
        print(str(error).partition("pip install ")[2] or f"{module.name}: {error}")
"""
READ = """
import sys
from importlib.util import find_spec
from labelmaps.results import Results
results = Results(sys.argv[1])
image = results.index["image"].iloc[1]
print(results.logits(image).shape, results.saliency("igub", image).shape, find_spec("snakemake"))
try:
    print(results.views(image).shape)
except ModuleNotFoundError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A small results folder: label maps of two images."""
    folder = tmp_path_factory.mktemp("results")
    index = write_data_set(folder, soft_pictures((90, 60), (60, 80)), 4)
    view = create_view(**MADE_BY["view"])
    sizes = list(zip(index["width"], index["height"], strict=True))
    maps = random_label_maps(index["image"], sizes, view, 4, np.random.default_rng(0))
    write_joined(folder / "zoom/network/label_maps.h5", maps, digests=index["digest"].tolist())
    return folder / "zoom/network"


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An environment that is empty at first, into which one extra after the other is installed."""
    folder = tmp_path_factory.mktemp("environment")
    uv("venv", folder)
    return folder


@pytest.mark.slow
@pytest.mark.sample(0)  # with --thorough alone: torch is about 6 GB, from uv's cache if it is there
@pytest.mark.parametrize("extras", ["", "[figures]", "[figures,networks]"])
def test_a_wheel_in_an_empty_environment_reads_results_and_names_the_extras_that_it_lacks(
    wheel, empty, results, tmp_path, extras
):
    uv("pip", "install", "--python", empty, f"labelmaps{extras} @ {wheel.as_uri()}")

    def run(code, *arguments):
        command = [empty / "bin/python", "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    lacking = {name for name in EXTRAS.values() if name not in extras}
    assert set(run(IMPORT_ALL)) == {f"'labelmaps[{name}]'" for name in lacking}
    read, views = run(READ, results)
    assert read == "(3, 3, 4) (3, 3) None"
    assert views == "(3, 3, 16, 16, 3)" if "networks" in extras else "this needs torch: " in views
    look = run_command(empty, tmp_path, "look", results.parents[1] / "00.png", "-n", "no_such_network")
    needed = (
        "torchvision has no classifier 'no_such_network'" if "networks" in extras else "this needs torch: "
    )
    assert look.startswith("labelmaps look: ")
    assert needed in look
    assert "without the workflow" in run_command(empty, tmp_path, "check", "mine.yaml")


def run_command(environment, folder, *arguments):
    """Run the command of an environment, which refuses what it is given in one line; return that."""
    command = [environment / "bin/labelmaps", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr
