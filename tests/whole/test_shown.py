"""What Snakemake's process shows of a run, in a tiny workflow: the lines, the exit status, and what the logs keep."""

import os
import pty
import re
import select
import subprocess
import sys

import pytest

from helpers.runs import run_snakemake
from pipeline.sources import ROOT

SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pipeline import terminal
terminal.SNAKEFILES = (Path(workflow.main_snakefile),)  # as if it were ours
terminal.LIVELY = 0.2
terminal.take_over(workflow)
include: "rules/label_maps.smk"
include: "rules/figures.smk"
rule all:
    default_target: True
    input: expand("figures/{{i}}.txt", i=range(4))
"""
LABEL_MAPS = """
rule compute:
    output: "maps/{part}.txt"
    log: "logs/compute/{part}.log"
    message: "net looks, part {wildcards.part}"
    script: "../job.py"
"""
FIGURES = """
rule plot:
    input: expand("maps/{part}.txt", part=range(2))
    output: "figures/{i}.txt"
    log: "logs/plot/{i}.log"
    message: "plotting {wildcards.i}"
    params: fails=lambda wildcards: config.get("fails") if int(wildcards.i) else None
    script: "../job.py"
"""
JOB = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import logging, os, time
from pathlib import Path
from labelmaps.errors import InputError
from labelmaps.jobs import logs, progress
progress.SECONDS_BETWEEN_LINES = 0.1
logs.begin_log(snakemake.log[0])
with logs.job(snakemake.log[0]):
    print("printed by a library", file=sys.stderr)
    fails = snakemake.params.get("fails")
    if snakemake.rule == "compute":
        logging.getLogger("labelmaps").warning("3 of 9 images excluded")
        with progress.progress(total=5, unit="image", desc="net") as bar:
            for _ in range(5):
                time.sleep(0.1)
                bar.update()
    if fails == "input":
        raise InputError("w.pth: damaged. Delete it and run again")
    if fails == "killed":
        os.kill(os.getpid(), 9)
    Path(snakemake.output[0]).write_text("")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules").mkdir()
    for name, text in {"Snakefile": SNAKEFILE, "job.py": JOB}.items():
        (tmp_path / name).write_text(text)
    for name, text in {"label_maps": LABEL_MAPS, "figures": FIGURES}.items():
        (tmp_path / f"rules/{name}.smk").write_text(text)
    return tmp_path


def run(folder, *options):
    """Run all, in a new Python, because its jobs import next to nothing."""
    return run_snakemake(folder, "--cores", "2", *options, python=sys.executable)


def unnumbered(text):
    """A text without what differs from run to run."""
    text = re.sub(r"2\d\d\d-[\d\w.-]+\.snakemake\.log", "DATE.log", text)
    return re.sub(r"(?<=, )\d+ s|[\d.]+(?= images/s)|(?<=Done in )\d+", "N", text)


def test_a_run_is_a_few_lines_and_the_logs_hold_the_rest(folder):
    done = run(folder)
    assert (done.returncode, done.stdout) == (0, "")
    first, warning, where, *lines = unnumbered(done.stderr).splitlines()
    assert first == "6 jobs; details in logs/ and .snakemake/log/DATE.log"
    assert warning == "WARNING: 3 of 9 images excluded"
    assert re.fullmatch(r"  net looks, part (\d) \(logs/compute/\1.log\)", where)
    assert lines == ["label maps  2 jobs, N, 10 images, N images/s", "figures     4 jobs, N", "Done in N s."]
    (log,) = (folder / ".snakemake/log").glob("*.log")
    assert {"Job stats:", "7 of 7 steps (100%) done"} <= set(log.read_text().splitlines())
    assert "printed by a library" in (folder / "logs/plot/0.log").read_text()
    again = run(folder)
    assert again.stderr == "Nothing to be done (all requested files are present and up to date).\n"


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        ("input", "ERROR: w.pth: damaged. Delete it and run again"),
        ("killed", "ERROR: the process was killed from outside (SIGKILL), most often because memory ran out"),
    ],
)
def test_jobs_that_fail_for_one_reason_are_told_once_and_the_others_run(folder, fails, error):
    done = run(folder, "--keep-going", "--config", f"fails={fails}")
    assert done.returncode == 1
    lines = done.stderr.splitlines()[4:]
    assert lines[0].startswith(error)
    assert [line[:11] for line in lines[1:4]] == ["  plotting ", "  The same:", "  The same:"]
    assert lines[4:] == [
        "figures     1 of 4 jobs done",
        "3 jobs failed. What is finished is kept; run again to go on.",
    ]
    assert "CalledProcessError" in next((folder / ".snakemake/log").glob("*.log")).read_text()


def test_on_a_terminal_the_progress_is_replaced_and_leaves_nothing(folder):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor"]
    process = subprocess.Popen(command, cwd=folder, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    text = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            text += os.read(ours, 4096)
        except OSError:  # the end, on Linux
            break
    os.close(ours)
    assert process.wait() == 0
    shown = unnumbered(text.decode().replace("\r\n", "\n"))
    assert re.search(
        r"\r\033\[1A\033\[Jlabel maps  \d+ of 10 images, N images/s, N left \(\d of 2 jobs\)\n", shown
    )
    stays = re.sub(r"^.* jobs\)\n|^.* of \d jobs: .*\n|\r\033\[\dA\033\[J", "", shown, flags=re.M)
    assert stays.splitlines()[-3:] == [
        "label maps  2 jobs, N, 10 images, N images/s",
        "figures     4 jobs, N",
        "Done in N s.",
    ]
