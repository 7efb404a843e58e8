"""A rule depends on its script and on every project module that the script imports, and on nothing else."""

import pytest

from pipeline import sources as module
from pipeline.sources import ROOT, imported_files


def sources(script, *modules):
    """The files of a script, as paths relative to the project's."""
    return [str(path.relative_to(ROOT)) for path in module.sources(script, *modules)]


def test_imports_are_followed_through_modules_and_packages():
    found = sources("select_fixations.py")
    assert "workflow/scripts/select_fixations.py" in found
    assert {
        "labelmaps/scoring/fixations.py",
        "labelmaps/storage/files.py",
        "labelmaps/errors.py",
        "labelmaps/__init__.py",
    } <= set(found)


def rooms(files):
    """The rooms of the package in which files of the project lie."""
    return {path.split("/")[1] for path in files if path.count("/") > 1 and path.startswith("labelmaps/")}


def test_what_a_script_does_not_import_is_no_dependency():
    found = sources("compute_saliency.py")
    assert (ROOT / "labelmaps/methods/igub.py").is_file()
    assert "labelmaps/methods/igub.py" not in found
    assert rooms(found) == {"data", "jobs", "methods", "storage"}


@pytest.mark.parametrize("script", ["compute_saliency.py", "score_nulls.py", "choose_examples.py"])
def test_what_draws_is_no_dependency_of_what_reads_all_label_maps(script):
    assert (ROOT / "labelmaps/figures").is_dir()
    assert rooms(sources(script)) & {"figures", "explorer"} == set()


def test_imports_inside_functions_count():
    assert "labelmaps/resampling/boxes.py" in sources("compute_label_maps.py", "labelmaps.views.zoom")


def test_what_types_alone_name_is_no_dependency():
    assert (
        "from labelmaps.inference.glimpse import Glimpse"
        in (ROOT / "labelmaps/methods/gradcam.py").read_text()
    )
    assert rooms(sources("plot_figure_2.py", "labelmaps.methods.gradcam")) == rooms(
        sources("plot_figure_2.py")
    )


def test_what_stands_beside_types_counts(tmp_path):
    path = tmp_path / "code.py"
    lines = ["if TYPE_CHECKING:", "    import labelmaps.results", "else:", "    import labelmaps.errors"]
    path.write_text("\n".join(lines))
    assert [file.name for file in imported_files(path)] == ["__init__.py", "errors.py"]


def test_a_module_named_by_the_configuration_is_added():
    assert "labelmaps/methods/igub.py" in sources("compute_saliency.py", "labelmaps.methods.igub")


def test_what_is_remembered_of_files_is_what_they_import_and_no_damage_changes_it(tmp_path, monkeypatch):
    record = tmp_path / ".snakemake/imports.json"
    expected = sources("plot_figure_1.py")
    for content in (None, "", "[1]", "{"):
        if content is not None:
            record.write_text(content)
        monkeypatch.setattr(module, "KNOWN", {})
        module.remember(record)
        kept = record.read_bytes()
        module.imported_files.cache_clear()
        assert sources("plot_figure_1.py") == expected
    monkeypatch.setattr(module, "KNOWN", {})
    monkeypatch.setattr(module.ast, "parse", None)  # nothing is parsed again
    module.remember(record)
    module.imported_files.cache_clear()
    assert sources("plot_figure_1.py") == expected
    assert record.read_bytes() == kept


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KNOWN", {})
    (tmp_path / ".snakemake").touch()
    module.remember(tmp_path / ".snakemake/imports.json")
    assert "labelmaps/errors.py" in sources("plot_figure_1.py")
