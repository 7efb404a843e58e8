"""What the package itself gives: for callers, for editors, and without being a part of any rule's code."""

import ast
import importlib

import pytest

import labelmaps
from pipeline.sources import ROOT, sources


def test_the_stub_names_what_the_package_exports_and_where_from():
    tree = ast.parse((ROOT / "labelmaps/__init__.pyi").read_text(encoding="utf-8"))
    named = {
        name.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.asname == name.name  # which makes it public
    }
    assert named == labelmaps.EXPORTED


@pytest.mark.parametrize("name", labelmaps.EXPORTED)
def test_what_the_package_exports_is_there_whatever_was_imported_before(name):
    module = importlib.import_module(labelmaps.EXPORTED[name])
    assert getattr(labelmaps, name) is getattr(module, name)
    assert name in dir(labelmaps)
    assert (labelmaps.look, labelmaps.Look) == (labelmaps.look, labelmaps.Look)
    assert callable(labelmaps.look)


def test_what_the_package_does_not_have_is_missing_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'labelmaps' has no attribute 'glance'"):
        _ = labelmaps.glance
    assert not hasattr(labelmaps, "__path_to_nowhere__")


def test_no_script_of_the_workflow_depends_on_what_callers_in_python_call():
    scripts = [path.name for path in (ROOT / "workflow/scripts").glob("*.py")]
    assert len(scripts) > 30
    called = {ROOT / "labelmaps/results.py", *(ROOT / "labelmaps/looking").glob("*.py")}
    assert called.isdisjoint(path for script in scripts for path in sources(script))
