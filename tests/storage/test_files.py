"""Files appear complete or not at all; failing jobs log what the user needs to know."""

import errno
import hashlib
import os
import subprocess
import sys
from stat import S_ISDIR
from unittest.mock import Mock

import pytest

from labelmaps.errors import InputError
from labelmaps.storage.files import moved_into_place, sha256
from pipeline.sources import ROOT


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


def write_half(path, error=None):
    with moved_into_place(path) as temporary:
        temporary.write_text("half")
        if error is not None:
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


def unwritten(path):
    """Return a temporary name of `path`, under which nothing is written."""
    with (
        pytest.raises(InputError, match="is gone, or was never written"),
        moved_into_place(path) as temporary,
    ):
        pass
    return temporary


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    unwritten(tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_write_one_file_at_once_the_later_is_served_and_the_earlier_told(tmp_path):
    path = tmp_path / "a.csv"
    earlier, later = moved_into_place(path), moved_into_place(path)
    earlier.__enter__().write_text("of the earlier")
    unfinished = later.__enter__()
    unfinished.write_text("half of the")
    with pytest.raises(InputError, match=r"a\.csv: its temporary file .* is gone.*run again"):
        earlier.__exit__(None, None, None)
    assert not path.exists()
    unfinished.write_text("of the later")
    later.__exit__(None, None, None)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.csv": "of the later"}


NAMES = ["a.h5", "a", "a.b.h5", "a.csv", "[a]*.h5", "*.h5"]


@pytest.mark.parametrize("name", NAMES)
def test_what_killed_processes_left_of_a_file_is_removed_and_of_other_files_is_not(tmp_path, name):
    left = {other: unwritten(tmp_path / other) for other in NAMES}
    for path in left.values():
        path.write_text("half")
    with moved_into_place(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert set(tmp_path.iterdir()) == {*left.values(), tmp_path / name} - {left[name]}


def test_the_content_is_on_the_disk_before_the_move_and_the_folder_after_it(tmp_path, monkeypatch):
    done = []

    def note_sync(descriptor):
        status = os.fstat(descriptor)
        done.append(("sync", status.st_ino, S_ISDIR(status.st_mode) or status.st_size))

    def note_move(source, target, move=os.replace):
        done.append("move")
        move(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_move)
    with moved_into_place(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    file, folder = (path.stat().st_ino for path in (tmp_path / "a.csv", tmp_path))
    assert done == [("sync", file, len("whole")), "move", ("sync", folder, True)]


def test_a_file_system_that_cannot_sync_folders_is_no_obstacle(tmp_path, monkeypatch):
    def refuse_folders(descriptor):
        if S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with moved_into_place(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.csv").read_text() == "whole"


@pytest.mark.parametrize(
    ("number", "how_to_mend"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "ulimit"),
        (errno.EROFS, "Mount the file system for writing"),
        (errno.EACCES, "chown"),
        (errno.EPERM, "chown"),
    ],
)
@pytest.mark.parametrize("when", ["while writing", "on syncing"])
def test_what_the_operating_system_refuses_is_told_with_where_and_how_to_mend_it(
    tmp_path, monkeypatch, number, how_to_mend, when
):
    path = tmp_path / "a.csv"
    path.write_text("old")
    error = OSError(number, os.strerror(number))
    monkeypatch.setattr(os, "fsync", Mock(side_effect=error))
    with pytest.raises(InputError) as told:
        write_half(path, error if when == "while writing" else None)
    for part in (str(path), os.strerror(number), how_to_mend, "run again"):
        assert part in str(told.value)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.csv": "old"}


def test_an_error_that_is_no_refusal_passes_as_it_is(tmp_path):
    with pytest.raises(ConnectionResetError):
        write_half(tmp_path / "a.csv", ConnectionResetError(errno.ECONNRESET, "reset"))


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 5000])
def test_sha256_is_of_the_files_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == sha256(str(tmp_path / "a")) == hashlib.sha256(content).hexdigest()


def run_job(tmp_path, *lines):
    """Run the lines inside `logs.job` in a new process, as Snakemake does; return the process's result and the log."""
    log = tmp_path / "job.log"
    body = "\n    ".join(lines)
    code = f"""import logging, sys, warnings
from labelmaps.errors import InputError
from labelmaps.jobs.logs import job
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


@pytest.mark.parametrize("error", ["ValueError", "KeyError"])
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


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_a_signal_to_stop_is_one_line_and_leaves_nothing(tmp_path, name, status):
    result, log = run_job(
        tmp_path,
        "import os, signal",
        "from labelmaps.storage.files import moved_into_place",
        f"with moved_into_place({str(tmp_path / 'a.csv')!r}) as temporary:",
        "    temporary.write_text('half')",
        f"    os.kill(os.getpid(), signal.{name})",
        "    temporary.write_text('whole')",
    )
    assert (result.returncode, result.stdout, result.stderr) == (status, "", "")
    assert log.endswith(f" ERROR: stopped by {name}. Run again; what is finished is kept\n")
    assert log.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "job.log"]


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: an illegal memory access was encountered",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "No CUDA GPUs are available",
    ],
)
def test_a_gpu_that_fails_is_one_line_with_the_images(tmp_path, message):
    result, log = run_job(
        tmp_path,
        f"error = RuntimeError({message!r} + '\\nCompile with `TORCH_USE_CUDA_DSA`')",
        "error.add_note('at the images a to b')",
        "raise error",
    )
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    assert f" ERROR: the GPU failed at the images a to b or just before ({message}). Run again" in log
    assert log.count("\n") == 1
