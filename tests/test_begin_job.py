"""No job and no plan runs another copy of the package than the one whose files its params name."""

import ast
import subprocess
import sys
import zipfile

import pytest

from begin_job import find_another
from pipeline.sources import PACKAGES, ROOT

NAME = "a_package_of_tests"  # none of that name is imported yet


@pytest.fixture
def own(tmp_path):
    """A clone with the package, in a folder."""
    folder = tmp_path / "own" / NAME
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder.parent


def write_copy(folder):
    (folder / NAME).mkdir(parents=True)
    (folder / NAME / "__init__.py").touch()
    return folder, folder / NAME


def write_module(folder):
    folder.mkdir()
    (folder / f"{NAME}.py").touch()
    return folder, folder / f"{NAME}.py"


def write_zip(folder):
    folder.mkdir()
    with zipfile.ZipFile(folder / "it.whl", "w") as file:
        file.writestr(f"{NAME}/__init__.py", "")
    return folder / "it.whl", folder / "it.whl" / NAME


@pytest.mark.parametrize("write", [write_copy, write_module, write_zip])
def test_another_copy_that_stands_first_is_told_with_both_places(tmp_path, own, monkeypatch, write):
    place, other = write(tmp_path / "other")
    monkeypatch.syspath_prepend(own)
    assert find_another(NAME, own) is None
    monkeypatch.syspath_prepend(place)
    problem = find_another(NAME, own)
    assert f"Python takes it from {other}, " in problem
    assert f"lies in {own / NAME}. " in problem
    assert "pip uninstall" in problem


def test_what_stands_behind_and_folders_that_are_no_packages_are_no_other_copy(tmp_path, own, monkeypatch):
    """A clone beside the Snakefile that uses it as a module has the package's name, and is none."""
    monkeypatch.syspath_prepend(write_copy(tmp_path / "behind")[0])
    monkeypatch.syspath_prepend(own)
    (tmp_path / "beside" / NAME).mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "beside")
    assert find_another(NAME, own) is None


def test_a_folder_under_two_names_is_one_copy(tmp_path, own, monkeypatch):
    (tmp_path / "link").symlink_to(own)
    monkeypatch.syspath_prepend(tmp_path / "link")
    assert find_another(NAME, own) is None
    assert find_another(NAME, tmp_path / "link") is None


def test_what_was_imported_before_counts(own, monkeypatch):
    """As by a line of a .pth file, or by the Snakefile that uses the workflow as a module."""
    monkeypatch.setitem(sys.modules, NAME, ast)
    assert f"Python takes it from {ast.__file__}, " in (find_another(NAME, own) or "")


@pytest.mark.parametrize("script", sorted((ROOT / "workflow" / "scripts").glob("*.py")), ids=lambda p: p.stem)
def test_every_script_begins_so(script):
    modules = []
    for node in ast.parse(script.read_text(encoding="utf-8")).body:
        modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) else []
    own = [module for module in modules if module.split(".")[0] in ("begin_job", *PACKAGES)]
    assert own[0] == "begin_job"


def begin(tmp_path, script, before=""):
    """Begin a script, as Snakemake runs it, where another copy stands first on the path; its result and its log.

    before: what is imported before it.
    """
    log, other = tmp_path / "logs" / "job.log", tmp_path / "other"
    (other / "labelmaps").mkdir(parents=True)
    (other / "labelmaps" / "__init__.py").write_text("print('imported')")
    code = f"""
import sys
from types import SimpleNamespace
sys.path[:0] = [{str(other)!r}, {str(ROOT)!r}]
{before}
snakemake, __file__ = SimpleNamespace(log=[{str(log)!r}]), {str(script)!r}
import begin_job
import labelmaps
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    return result, log.read_text(encoding="utf-8") if log.exists() else None


def test_a_job_takes_the_package_of_its_clone_whatever_stands_first_on_the_path(tmp_path):
    """As a wheel in the environment, or another clone that is installed there in place."""
    result, log = begin(tmp_path, ROOT / "workflow/scripts/any.py")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "process " in log


def test_a_job_for_which_another_copy_was_imported_before_stops_with_one_line_in_its_log(tmp_path):
    result, log = begin(tmp_path, ROOT / "workflow/scripts/any.py", "import labelmaps")
    assert (result.returncode, result.stdout, result.stderr) == (1, "imported\n", "")
    assert log.startswith("ERROR: another copy of the package labelmaps: ")
    assert str(tmp_path / "other" / "labelmaps") in log
    assert log.count("\n") == 1


def test_scripts_of_others_import_what_they_like(tmp_path):
    result, log = begin(tmp_path, tmp_path / "scripts/any.py")
    assert (result.returncode, result.stdout, log) == (0, "imported\n", None)
