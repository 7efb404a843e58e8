"""What a user should see of a job's log is found in it: the one reason of a failure, warnings, the last progress."""

import os
import time

import pytest

from labelmaps.jobs.progress_lines import Progress
from pipeline import job_logs
from pipeline.job_logs import (
    describe_failure,
    last_progress,
    read_tail,
    shorten_exception,
    warnings_in,
)

BEGUN = (
    "10:00:00 process 7 on vm. If the job fails and no ERROR follows, the process was killed from outside, most often "
    "because memory ran out (dmesg tells): lower compute.batch, and run again\n"
)
TRACEBACK = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 'k'\n"
DEFECT = "10:00:01 ERROR: this should not have happened; please report it with the lines below\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="job.log"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "told", "reason"),
    [
        ("10:00:01 ERROR: w.pth: damaged\n", "exit status 1", "w.pth: damaged"),
        (
            "10:00:01 ERROR: w.pth: damaged\nException ignored in f\n10:00:02 more\n",
            None,
            "w.pth: damaged",
        ),
        ("10:00:01 ERROR: first\n10:00:02 ERROR: last\n", None, "last"),
        (
            DEFECT + TRACEBACK + "printed at the exit\n",
            "exit status 1",
            "this should not have happened; please report it with the lines at the end of its log: KeyError: 'k'",
        ),
        (
            "",
            "SIGKILL",
            "the process was killed from outside (SIGKILL), most often because memory ran out (dmesg tells): lower "
            "compute.batch, and run again",
        ),
        ("", "exit status 3", "the process ended without a reason (exit status 3)"),
        (
            "10:00:01 x\nFatal Python error: Aborted\n\nCurrent thread\n",
            "SIGABRT",
            "the process crashed: Fatal Python error: Aborted (SIGABRT)",
        ),
        ("10:00:01 done: 3 s\n", None, None),
    ],
    ids=["error", "more printed", "last", "defect", "killed", "exit", "crash", "done"],
)
def test_the_reason_of_a_failure_is_one_line(write, text, told, reason):
    assert describe_failure([write(BEGUN + text)], 0, told) == reason


def test_the_log_of_a_script_that_stops_before_its_imports_has_no_times(write):
    assert describe_failure([write("ERROR: another copy of the package labelmaps\n")], 0, None) == (
        "another copy of the package labelmaps"
    )


def test_a_job_without_a_log_shows_what_else_is_known(write, tmp_path):
    absent = str(tmp_path / "logs/none.log")
    slurm = write("srun: started\nslurmstepd: error: Detected 1 oom_kill event\n\n", "slurm.log")
    assert (
        describe_failure([absent], 0, "exit status 127")
        == "the job failed before it wrote its log (exit status 127)"
    )
    assert describe_failure([absent, slurm], 0, None) == (
        "the job failed before it wrote its log: slurmstepd: error: Detected 1 oom_kill event"
    )


def test_a_full_disk_is_named_where_even_the_log_could_not_be_written(write, monkeypatch, tmp_path):
    monkeypatch.setattr(
        job_logs.shutil, "disk_usage", lambda _: os.statvfs_result and type("", (), {"free": 4096})
    )
    reason = describe_failure([write("")], 0, "exit status 1")
    assert reason == f"the disk of {tmp_path} is full. Free some space and run again (exit status 1)"


def test_an_older_log_is_another_runs(write):
    log = write("10:00:01 ERROR: of yesterday\n")
    os.utime(log, (1000, 1000))
    assert read_tail(log, since=999) != ""
    assert read_tail(log, since=1001) == ""
    assert "of yesterday" not in describe_failure([log], time.time() - 60, None)


def test_warnings_are_a_line_each_and_those_of_libraries_are_none():
    text = (
        f"{BEGUN}10:00:01 WARNING: 3 of 9 images excluded\nnoise on stderr\n10:00:02 a.py:3: UserWarning: b\n"
    )
    assert warnings_in(text) == ["3 of 9 images excluded"]


def test_the_last_progress_is_found_and_nothing_is_taken_for_it():
    lines = "10:00:01 net: 3 of 9 images, 2 images/s, 3 s left\n10:00:02 net: 6 of 9 images, 2 images/s, 2 s left\n"
    assert last_progress(lines + "10:00:03 done: 3 s\n") == Progress(6, 9, "images", 2)
    for line in (
        "9 images in 3.0 s, 3.0 images/s",
        "3 of 9 images excluded: 3 x damaged",
        "",
        "1 image, 2 batches/s",
    ):
        assert last_progress(line) is None


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            'WorkflowError in file "/a b/c.smk", line 52:\nno such file: x\n  File "/a b/c.smk", line 52, in <module>',
            "no such file: x",
        ),
        ("WorkflowError:\nConfig file must be given as JSON", "Config file must be given as JSON"),
        (
            'MissingInputException in rule a in file "/r/x.smk", line 3:\n'
            "Missing input files for rule a:\n    affected files:\n        b",
            "MissingInputException in rule a:\nMissing input files for rule a:\n    affected files:\n        b",
        ),
        (
            'InputFunctionException in rule a in file "/r/x.smk", line 3:\nError:\n  WorkflowError:\n    views.v: no map\n'
            'Wildcards:\n  dataset=d\nTraceback:\n  File "/r/common.smk", line 3, in call (rule a, line 7, /r/x.smk)',
            "views.v: no map",
        ),
        ("WorkflowError:", "WorkflowError:"),
    ],
    ids=["configuration", "class", "missing", "function", "empty"],
)
def test_an_exception_is_shortened_to_its_message(text, short):
    assert shorten_exception(text) == short
