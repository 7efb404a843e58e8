"""A rule depends on its script and on every project module that the script imports, and on nothing else."""

import importlib.metadata
import sys
import sysconfig

import pytest

from helpers.configurations import study_of
from pipeline import sources as module
from pipeline.contents import Contents
from pipeline.settings.base import ConfigurationError
from pipeline.sources import ROOT, find_module, imported_files, local_files
from pipeline.study import Study


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


@pytest.fixture
def folder(tmp_path):
    """Files of a user's, one of which imports others."""
    files = {
        "mine.py": "import torch\nfrom blocks import head\ndef build():\n    import late\n",
        "blocks.py": "from . import beside\nfrom sub.deep import x\nif TYPE_CHECKING:\n    import types_alone\n",
        "beside.py": "import mine\n",  # back again
        "late.py": "try:\n    from sub import deep\nexcept ImportError:\n    import sub.other\n",
        "sub/deep.py": "from .near import *\nimport own\n",
        "sub/near.py": "from ..above import x\n",
        "sub/own.py": "",
        "sub/other.py": "",
        "above.py": "",
        "package/__init__.py": "",
        **dict.fromkeys(("types_alone.py", "stranger.py", "sub/stranger.py"), ""),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def listed(folder, files):
    return {str(path.relative_to(folder)) for path in files}


USED = {"mine", "blocks", "beside", "late", "sub/deep", "sub/near", "sub/own", "sub/other", "above"}


@pytest.mark.parametrize("is_relative", [True, False])
def test_a_users_file_comes_with_all_beside_and_below_it_that_it_imports(folder, monkeypatch, is_relative):
    monkeypatch.chdir(folder)
    found = local_files((folder / "mine.py").relative_to(folder) if is_relative else folder / "mine.py")
    assert {str(path) for path in found} == {
        f"{'' if is_relative else f'{folder}/'}{name}.py" for name in USED
    }
    assert found == sorted(found)


@pytest.mark.parametrize(
    "text", ["import blocks, package", "from package import x", "from .package import x"]
)
def test_packages_beside_the_file_count(folder, text):
    (folder / "mine.py").write_text(text)
    assert "package/__init__.py" in listed(folder, local_files(folder / "mine.py"))


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfimport late", b"# coding: latin-1\nx = '\xe9'\nimport late", b"import late\r\n"],
    ids=["mark", "latin-1", "windows"],
)
def test_a_file_is_read_as_python_reads_it(folder, content):
    (folder / "mine.py").write_bytes(content)
    assert "late.py" in listed(folder, local_files(folder / "mine.py"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the path, installed in place, of several modules."""
    files = {
        "invented/__init__.py": "from invented.public import x\n",
        "invented/public.py": "",
        "invented/nets/__init__.py": "",
        "invented/nets/build.py": "from invented.blocks import x\nfrom ..util import y\nfrom .near import z\n",
        **dict.fromkeys(
            ("invented/blocks.py", "invented/util.py", "invented/nets/near.py"), "x = y = z = 0\n"
        ),
        "invented/stranger.py": "",
        "other/nets.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "invented/public.py").write_text("x = 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return tmp_path


def test_a_module_that_is_installed_in_place_comes_with_its_package(package):
    file, top = find_module("invented.nets.build")
    assert (file, top) == (package / "invented/nets/build.py", package)
    assert listed(package, local_files(file, top)) == {
        f"invented/{name}.py"
        for name in ("__init__", "public", "nets/__init__", "nets/build", "nets/near", "blocks", "util")
    }
    file, top = find_module("invented")
    assert (file, top) == (package / "invented/__init__.py", package)
    assert listed(package, local_files(file, top)) == {"invented/__init__.py", "invented/public.py"}
    assert find_module("other.nets") == (package / "other/nets.py", package)  # a folder without __init__.py


def test_an_installed_module_is_its_packages_version():
    assert find_module("yaml.nodes") == f"PyYAML {importlib.metadata.version('PyYAML')}"
    assert find_module("pytest") == f"pytest {importlib.metadata.version('pytest')}"


def test_an_installed_module_of_no_known_version_is_its_file(tmp_path, monkeypatch):
    """A package that was copied there, without what pip notes."""
    (tmp_path / "invented_copy.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert find_module("invented_copy") == (tmp_path / "invented_copy.py", tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.at.all", "yaml.nowhere", "sys", "other", "json.tool.x"])
def test_no_module_in_a_file_is_none(package, name):
    assert find_module(name) is None


def test_a_package_that_fails_gives_no_module(package):
    (package / "invented/__init__.py").write_text("1 / 0")
    assert find_module("invented.nets") is None


def contents(place, record):
    """What names the content of a network of this architecture."""
    settings = study_of({"models": {"m": {"architecture": f"{place}:build", "random": {}}}}).settings
    return Study(settings, Contents(record)).architecture_contents("m")


def test_a_networks_content_changes_with_each_file_that_it_imports_and_no_other(folder, tmp_path):
    def found():
        return contents(folder / "mine.py", tmp_path / "record.json")

    first = found()
    assert set(first) == {"architecture"}
    for name in USED:
        before = (folder / f"{name}.py").read_text()
        (folder / f"{name}.py").write_text(f"{before}# edited\n")
        assert found() != first, name
        (folder / f"{name}.py").write_text(before)
    for name in ("stranger", "sub/stranger", "types_alone"):
        (folder / f"{name}.py").write_text("x = 1\n")
    assert found() == first


def test_a_modules_content_is_its_version_or_that_of_its_files(package, tmp_path):
    assert contents("yaml.nodes", None) == {"architecture": find_module("yaml.nodes")}
    first = contents("invented.nets.build", tmp_path / "record.json")
    (package / "invented/blocks.py").write_text("x = 1\n")
    second = contents("invented.nets.build", tmp_path / "record.json")
    assert first != second


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def build(:", "line 1: invalid syntax"),
        (b"\nx = '", "line 2: unterminated string"),
        (b"x = '\xe9'", "line 1: (unicode error)"),
        (b"x = \0", "line 1: source code string cannot contain null bytes"),
        (b"# coding: nonsense", "line 1: unknown encoding: nonsense"),
    ],
)
@pytest.mark.parametrize("name", ["mine", "blocks"])
def test_what_is_no_python_is_named_with_its_file_and_line(folder, content, said, name):
    (folder / f"{name}.py").write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        contents(folder / "mine.py", None)
    assert str(error.value).startswith(f"models.m.architecture: {folder}/{name}.py, ")
    assert said in str(error.value)


@pytest.mark.parametrize("place", ["nowhere", "yaml.nowhere"])
def test_a_module_that_is_not_there_is_said_with_the_other_way(place):
    with pytest.raises(
        ConfigurationError, match=rf"^models\.m\.architecture: there is no module {place}; install its"
    ):
        contents(place, None)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"^models\.m\.architecture: cannot read .*nowhere\.py: .*No such"
    ):
        contents(tmp_path / "nowhere.py", None)
