"""A run stops where Python would take another copy of the package than the one of the workflow that runs."""

import os
import shutil
import sys

import pytest

from helpers.runs import contents_of, snakemake
from pipeline.sources import ROOT


@pytest.fixture
def other(tmp_path):
    """A folder with a copy of the package, as an environment has it into which the wheel was installed."""
    shutil.copytree(ROOT / "labelmaps", tmp_path / "other" / "labelmaps")
    return tmp_path / "other"


def is_told(text, other):
    return f"another copy of the package labelmaps: Python takes it from {other / 'labelmaps'}, " in text


def test_a_job_that_would_run_another_copy_stops_before_it_makes_anything(tmp_path, other, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(other))
    folder = tmp_path / "study"
    folder.mkdir()
    done = snakemake(folder, "results/scenes/index.parquet", python=sys.executable)
    assert done.returncode == 1
    assert is_told(done.stderr, other)  # the profile shows the logs of jobs that failed
    (log,) = (folder / "logs").rglob("*.log")
    assert is_told(log.read_text(), other)
    assert [name for name in contents_of(folder) if not name.startswith((".snakemake/", "logs/"))] == []


def test_a_plan_is_not_made_by_another_copy(tmp_path, other, monkeypatch):
    """Snakemake puts the Snakefile's folder first on Python's path, but where it stands there already."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (other, ROOT))))
    done = snakemake(tmp_path, "--dry-run", python=sys.executable)
    assert done.returncode == 1
    assert is_told(done.stdout + done.stderr, other)
    assert "Traceback" not in done.stdout + done.stderr
