"""Files appear whole or not at all; jobs fail with what their reader needs."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from labelmaps.files import moved_into_place, sha256

ROOT = Path(__file__).parent.parent


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "a.csv"
    with moved_into_place(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.parent == path.parent  # so that the move is atomic
        assert temporary.suffix == ".csv"
        assert temporary.name.startswith(".")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_path_may_be_text_and_have_no_extension(tmp_path):
    with moved_into_place(f"{tmp_path}/a") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a").read_text() == "whole"


def write_half(path, error):
    with moved_into_place(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", ["old", None])
def test_a_failing_block_leaves_the_old_file_or_none(tmp_path, error, old):
    path = tmp_path / "a.csv"
    if old:
        path.write_text(old)
    with pytest.raises(error):
        write_half(path, error)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == ({"a.csv": old} if old else {})


def test_a_finished_block_replaces_the_old_file(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with moved_into_place(tmp_path / "a.csv") as temporary:
        temporary.write_text("new")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.csv": "new"}


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), moved_into_place(tmp_path / "a.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 5000])
def test_sha256_is_of_the_files_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == sha256(str(tmp_path / "a")) == hashlib.sha256(content).hexdigest()


def run_job(tmp_path, *lines):
    """Run the lines inside `logs.job` in a process of their own, as Snakemake does; its result and its log."""
    log = tmp_path / "job.log"
    body = "\n    ".join(lines)
    code = f"""import logging, sys, warnings
from labelmaps.errors import InputError
from labelmaps.logs import job
with job({str(log)!r}):
    {body}
print("after")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result, log.read_text(encoding="utf-8")


def test_a_job_that_succeeds_logs_what_it_says(tmp_path):
    (tmp_path / "job.log").write_text("of an earlier run\n")
    result, log = run_job(
        tmp_path, "logging.getLogger('a').info('done: %d × %s', 3, '→')", "warnings.warn('odd')"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "after\n", "")
    assert "done: 3 × →" in log
    assert "odd" in log
    assert "earlier" not in log


def test_an_input_error_is_one_line_and_status_1(tmp_path):
    result, log = run_job(tmp_path, "raise InputError('a.csv: no row; add one')")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    assert log.endswith(" ERROR: a.csv: no row; add one\n")
    assert log.count("\n") == 1


def test_an_input_error_with_a_cause_still_shows_no_traceback(tmp_path):
    result, log = run_job(
        tmp_path,
        "try: 1 / 0",
        "except ZeroDivisionError as error: raise InputError('a.csv: empty') from error",
    )
    assert result.returncode == 1
    assert log.count("\n") == 1


@pytest.mark.parametrize("error", ["ValueError", "KeyError", "MemoryError"])
def test_any_other_exception_is_logged_with_its_traceback_and_status_1(tmp_path, error):
    result, log = run_job(tmp_path, f"raise {error}('broken')")
    assert (result.returncode, result.stdout) == (1, "")
    assert "please report it" in log
    assert "Traceback" in log
    assert log.splitlines()[-1].startswith(f"{error}: ")


def test_the_status_of_an_exit_is_kept(tmp_path):
    result, log = run_job(tmp_path, "sys.exit(3)")
    assert result.returncode == 3
    assert log == ""
