"""Runs of the workflow, as its users start them, for tests."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from helpers import warm_python
from pipeline.sources import ROOT

SIZES = {"ILSVRC2012_val_00000001": (90, 60), "ILSVRC2012_val_00000002": (61, 120)}
SIZES |= {"ILSVRC2012_val_00000003": (200, 150), "ILSVRC2012_val_00000004": (64, 64)}


def copy_repository(folder):
    """Copy what a run needs of the repository, so that a test may change it; return the folder."""
    made_by_runs = {ROOT / "resources" / name for name in ("scenes", "weights", "networks")}

    def is_left_out(parent, names):
        return [n for n in names if n.startswith((".", "__pycache__")) or Path(parent, n) in made_by_runs]

    for name in (
        "Snakefile",
        "begin_job.py",
        "config",
        "envs",
        "labelmaps",
        "pipeline",
        "profiles",
        "resources",
        "rules",
        "workflow",
    ):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=is_left_out)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def run_snakemake(folder, *arguments, python=None):
    """Run Snakemake and its jobs in a warm Python, or in the one that is given."""
    command = [python or warm_python.executable(), "-m", "snakemake", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def snakemake(folder, *arguments, repository=ROOT, python=None):
    fixed = ["--snakefile", repository / "Snakefile", "--directory", folder, "--cores", "2"]
    return run_snakemake(folder, *fixed, *arguments, python=python)


def succeed(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def planned_jobs(text):
    """Rule → number of jobs, from the table that a dry run prints; without `all`."""
    if "Nothing to be done" in text:
        return Counter()
    lines = text.split("Job stats:")[-1].split("total")[0].splitlines()[3:]
    rows = [line.split() for line in lines]
    return Counter({row[0]: int(row[1]) for row in rows if len(row) == 2 and row[0] != "all"})


def jobs_that_ran(folder):
    """Rule → number of jobs, of the last run in a folder, from its log; without `all`."""
    return planned_jobs(max((folder / ".snakemake/log").glob("*.log")).read_text(encoding="utf-8"))


def written_rules():
    """Rule → its text, of all rules in rules/ that run a script; of those that a loop makes, one, under its plain name."""
    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        _, *parts = re.split(r"^ *rule ?(\w*):\n", path.read_text(), flags=re.M)
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if "script:" in text:  # others are targets
                found[name or re.search(r'name:\s+"(\w+)"', text)[1]] = text
    return found


def contents_of(folder):
    """File → bytes, of all files, hidden ones too, but for `cost.csv`, which says how long jobs took."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in result_files(folder)}


def result_files(folder):
    """All files below a folder, hidden ones too, but for `cost.csv`, which differs from run to run."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "cost.csv"]


def write_config(path, **config):
    path.write_text(yaml.safe_dump(config))
    return path


def write_images(folder):
    """Four images, one of them grey, and their boxes in Kaggle's format; the last has a second box."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, (width, height) in SIZES.items():
        shape = (height, width) if name.endswith("4") else (height, width, 3)
        Image.fromarray(random.integers(0, 256, shape, np.uint8)).save(folder / "images" / f"{name}.JPEG")
    boxes = [f"{name},n01440764 10 10 40 40 " for name in SIZES]
    boxes[-1] += "n01440764 50 50 60 60 "
    (folder / "boxes.csv").write_text("\n".join(["ImageId,PredictionString", *boxes]) + "\n")
