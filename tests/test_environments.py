"""Each rule's environment holds what its script imports, at the versions of the lock."""

import ast
import re
import sys
import tomllib

import pytest
import yaml

from labelmaps import methods, views
from labelmaps.modules import load_module, module_names
from pipeline.environments import GROUPS, PYTHON, environment
from pipeline.sources import PACKAGES, ROOT, sources

DISTRIBUTIONS = {
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "pytorch_grad_cam": "grad-cam",
    "adjustText": "adjusttext",
}
LOCKED = {
    package["name"]: package["version"]
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    if "version" in package
}


def rules():
    """(script, environment) of every rule."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    environments = re.findall(r'conda:\s+"\.\./envs/(\w+)\.yaml"', text)
    scripts = re.findall(r'script:\s+"\.\./workflow/scripts/(\w+\.py)"', text)
    targets = ("calibration", "fidelity", "sweeps")  # run nothing themselves
    names = [name for name in re.findall(r"^rule (\w+):", text, re.M) if name not in targets]
    assert len(environments) == len(scripts) == len(names)
    return list(zip(scripts, environments, strict=True))


def pins(name):
    """Package → version in an environment's pip section."""
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    assert content["dependencies"][:2] == [f"python={PYTHON}", "pip"]
    requirements = [line.split(";")[0].strip() for line in content["dependencies"][2]["pip"]]
    return dict(re.fullmatch(r"([\w.-]+)(?:\[.*\])?==(\S+)", line).groups() for line in requirements)


def imported(path):
    """Top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


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
    modules = {module for path in files for module in imported(ROOT / path)}
    outside = {m for m in modules if m not in sys.stdlib_module_names and m not in PACKAGES}
    assert {DISTRIBUTIONS.get(m, m) for m in outside} <= set(pins(name))


def test_the_environments_python_is_the_oldest_that_the_project_accepts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"].startswith(f">={PYTHON},")


def test_only_the_networks_environment_holds_torch():
    assert [name for name in GROUPS if "torch" in pins(name)] == ["networks"]
