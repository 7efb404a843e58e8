"""A plan is made, and its jobs are run, by the package of the clone whose Snakefile it is."""

import os
import shutil
import sys

import pytest

from helpers.runs import snakemake, succeed, write_config
from pipeline.sources import ROOT


@pytest.fixture
def other(tmp_path):
    """A folder with a copy of the package, as an environment has it into which the wheel was installed."""
    shutil.copytree(ROOT / "labelmaps", tmp_path / "other" / "labelmaps")
    return tmp_path / "other"


def test_a_job_runs_its_clones_package_where_another_copy_stands_before_it(tmp_path, other, monkeypatch):
    (other / "labelmaps" / "scenes" / "scene.py").write_text("raise RuntimeError('another copy')")
    monkeypatch.setenv("PYTHONPATH", str(other))
    # So many that two processes draw them, which find the package as the job does.
    config = write_config(tmp_path / "config.yaml", datasets={"scenes": {"scenes": {"images": 20}}})
    target = "resources/scenes/scenes/classes.txt"
    succeed(snakemake(tmp_path, target, "--configfile", config, python=sys.executable))
    assert (tmp_path / target).exists()


def test_a_plan_is_made_by_the_clone_where_another_copy_stands_before_it(tmp_path, other, monkeypatch):
    """Snakemake puts the Snakefile's folder first on Python's path, but where it stands there already."""
    (other / "labelmaps" / "data" / "classes.py").write_text("raise RuntimeError('another copy')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (other, ROOT))))
    succeed(snakemake(tmp_path, "--dry-run", python=sys.executable))
