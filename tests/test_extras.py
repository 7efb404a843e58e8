"""What is imported without an extra, and what is said where one is missing."""

import re
import subprocess
import sys

import pytest

from labelmaps import extras
from labelmaps.extras import EXTRAS, name_missing_extras
from pipeline.sources import ROOT

# Rooms in which no module, or only these modules, cannot be imported without an extra.
FREE = {
    "results",
    "protocol",
    "scoring",
    "methods",
    "views",
    "data",
    "scenes",
    "storage",
    "jobs",
    "modules",
    "errors",
}
FREE |= {"extras", "command"}
NOT_FREE = {"methods._factorisation", "jobs.memory", "jobs.transfer"}
# Imports all modules where the libraries of extras are not found, as if they were not installed.
IMPORT_ALL = """
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from pkgutil import walk_packages

import labelmaps
from labelmaps.extras import EXTRAS

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name in EXTRAS else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
for module in walk_packages(labelmaps.__path__, "labelmaps."):
    try:
        import_module(module.name)
        print(module.name, "imported")
    except ModuleNotFoundError as error:
        print(module.name, error)
assert not {"snakemake", "pipeline", *EXTRAS} & sys.modules.keys()
"""


@pytest.mark.slow
def test_rooms_without_networks_and_figures_are_imported_without_extras_and_the_others_name_theirs():
    command = [sys.executable, "-W", "error", "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    said = dict(line.removeprefix("labelmaps.").split(" ", 1) for line in done.stdout.splitlines())
    failed = {module: text for module, text in said.items() if text != "imported"}
    assert {module for module in failed if module.split(".")[0] in FREE} == NOT_FREE
    assert {module.split(".")[0] for module in said} - {module.split(".")[0] for module in failed} < FREE
    for text in failed.values():
        assert re.fullmatch(r"this needs \w+: pip install 'labelmaps\[(networks|figures)\]'", text)


@pytest.fixture
def missing(monkeypatch):
    """A library of an extra that is not installed."""
    monkeypatch.setitem(EXTRAS, "no_such_library", "networks")
    return "no_such_library"


@pytest.mark.parametrize(
    "code", ["import {}", "from {} import this", "import {}.below", "from {}.below import this"]
)
def test_a_missing_library_is_told_by_its_extra(missing, code):
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'labelmaps\[networks\]'") as caught:
        exec(code.format(missing), {"__name__": "labelmaps.room.module"})
    assert caught.value.name == missing


@pytest.mark.parametrize("name", ["another.module", "labelmaps_of_others.module", "__main__"])
def test_to_others_it_is_missing_as_python_says(missing, name):
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_library'$"):
        exec(f"import {missing}", {"__name__": name})


def test_whoever_looks_whether_it_is_there_is_told_that_it_is_not(missing):
    looked = {"__name__": "labelmaps.room.module"}
    exec(f"from importlib.util import find_spec\nfound = find_spec('{missing}')", looked)
    assert looked["found"] is None


def test_the_finder_is_asked_once_however_often_it_is_named():
    name_missing_extras()
    assert sys.meta_path.count(extras.NameExtra) == 1
