"""A rule depends on its script and on every project module that the script imports, and on nothing else."""

import pytest

from pipeline.sources import ROOT, sources


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_imports_are_followed_through_modules_and_packages():
    found = sources("select_fixations.py")
    assert "workflow/scripts/select_fixations.py" in found
    assert {
        "labelmaps/fixations.py",
        "labelmaps/files.py",
        "labelmaps/errors.py",
        "labelmaps/__init__.py",
    } <= set(found)


def test_what_a_script_does_not_import_is_no_dependency():
    found = sources("compute_saliency.py")
    assert "labelmaps/methods/igub.py" not in found
    assert "labelmaps/scores.py" not in found
    assert "labelmaps/networks.py" not in found


@pytest.mark.parametrize("script", ["compute_saliency.py", "score_nulls.py", "choose_examples.py"])
def test_what_draws_is_no_dependency_of_what_reads_all_label_maps(script):
    drawing = ("figure", "style", "page", "panels", "trade_off")
    assert [path for path in sources(script) if any(name in path for name in drawing)] == []


def test_imports_inside_functions_count():
    assert "labelmaps/resampling.py" in sources("compute_label_maps.py", "labelmaps.views.zoom")


def test_a_module_named_by_the_configuration_is_added():
    assert "labelmaps/methods/igub.py" in sources("compute_saliency.py", "labelmaps.methods.igub")


def test_paths_are_absolute_where_the_project_lies_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(ROOT / "labelmaps/fixations.py") in sources("select_fixations.py")
