"""Each rule's environment holds what its script imports, at the versions of the lock."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from helpers.imports import distributions, libraries
from helpers.runs import written_rules
from labelmaps import methods, views
from labelmaps.modules import load_module, module_names
from pipeline.environments import GROUPS, PYTHON, environment
from pipeline.sources import ROOT, sources

LOCKED = {
    package["name"]: package["version"]
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    if "version" in package
}


def rules():
    """(script, environment) of every rule."""
    written = [
        (f"{script}.py", environment)
        for text in written_rules().values()
        for script in re.findall(r'script:\s+"\.\./workflow/scripts/(\w+)\.py"', text)
        for environment in re.findall(r'conda:\s+"\.\./envs/(\w+)\.yaml"', text)
    ]
    assert len(written) == len(written_rules())
    return sorted(set(written))


def pins(name):
    """Package → version in an environment's pip section."""
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    assert content["dependencies"][:2] == [f"python={PYTHON}", "pip"]
    requirements = [line.split(";")[0].strip() for line in content["dependencies"][2]["pip"]]
    return dict(re.fullmatch(r"([\w.-]+)(?:\[.*\])?==(\S+)", line).groups() for line in requirements)


@pytest.mark.parametrize("name", GROUPS)
def test_pins_equal_the_lock_and_the_file_is_current(name):
    assert {package: LOCKED[package] for package in pins(name)} == pins(name)
    assert (ROOT / "envs" / f"{name}.yaml").read_text() == environment(name)


@pytest.mark.parametrize(("script", "name"), rules())
def test_every_import_of_a_rules_code_is_in_its_environment(script, name):
    families = [f"labelmaps.views.{family}" for family in module_names(views)]
    on_label_maps, on_glimpses = (
        [
            f"labelmaps.methods.{method}"
            for method in module_names(methods)
            if looks_at == load_module(methods, method).INPUT
        ]
        for looks_at in ("label maps", "glimpse")
    )
    named_in_the_configuration = {
        "compute_label_maps.py": families,
        "compute_saliency.py": on_label_maps,
        "compute_glimpse_saliency.py": families + on_glimpses,
    }
    files = sources(script, *named_in_the_configuration.get(script, []))
    assert distributions(libraries(ROOT / path for path in files)) <= set(pins(name))


def test_the_environments_python_is_the_oldest_that_the_project_accepts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"].startswith(f">={PYTHON},")


def test_only_the_networks_environment_holds_torch():
    assert [name for name in GROUPS if "torch" in pins(name)] == ["networks"]


CONDA = """#!/bin/sh
case "$1" in
    --version) echo "conda 26.1.0" ;;
    info) echo '{"conda_prefix": "/", "platform": "linux-64"}' ;;
    config) echo '{"get": {"channel_priority": "strict"}}' ;;
    env)
        while [ $# -gt 0 ]; do
            case "$1" in
                --file) cat "$2" >> "$GIVEN" ;;
                --prefix) mkdir -p "$2" ;;
            esac
            shift
        done ;;
esac
"""


def test_snakemake_hands_each_environment_as_it_is_to_conda(tmp_path, monkeypatch):
    """The conda here is a stand-in that notes what it is given and installs nothing."""
    conda = tmp_path / "bin" / "conda"
    conda.parent.mkdir()
    conda.write_text(CONDA)
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", f"{conda.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GIVEN", str(tmp_path / "given"))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1"]
    command += ["--directory", str(tmp_path), "--sdm", "conda", "--conda-create-envs-only"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    given = (tmp_path / "given").read_text().split("# Generated")[1:]
    files = [(ROOT / "envs" / f"{name}.yaml").read_text().removeprefix("# Generated") for name in GROUPS]
    assert sorted(given) == sorted(files)
