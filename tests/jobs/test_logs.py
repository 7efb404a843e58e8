"""The log of a job that fails states the reason, also before its imports, without memory, in a crash, or if it is killed."""

import re
import signal
import subprocess
import sys

import pytest

from pipeline.sources import ROOT

BEGUN = "If the job fails and no ERROR follows, the process was killed from outside, most often because memory ran out"


def run_script(tmp_path, *lines, script="workflow/scripts/any.py"):
    """Run lines as a script that Snakemake starts, after importing the package; return the process's result and its log."""
    log = tmp_path / "logs" / "job.log"
    code = f"""from types import SimpleNamespace
snakemake, __file__ = SimpleNamespace(log=[{str(log)!r}]), {str(ROOT / script)!r}
import os, signal
import labelmaps
"""
    command = [sys.executable, "-c", code + "\n".join(lines)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    return result, log.read_text(encoding="utf-8") if log.exists() else None


def test_a_job_that_is_killed_leaves_a_log_that_says_so(tmp_path):
    result, log = run_script(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert result.returncode == -signal.SIGKILL
    assert BEGUN in log
    assert log.count("\n") == 1


def test_a_job_that_crashes_says_where(tmp_path):
    result, log = run_script(tmp_path, "os.abort()  # as C++ does where its memory ran out")
    assert result.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in log
    assert 'File "<string>", line 5' in log


def test_a_job_that_succeeds_says_what_it_took(tmp_path):
    """The memory is that of the job and of a process that it started, not of its parent process, which Linux includes."""
    took = []
    of_this_process = bytearray(b"x") * (400 << 20)
    for child in ("pass", "b'x' * (250 << 20)"):
        _, log = run_script(
            tmp_path,
            "import subprocess, sys, time",
            "from labelmaps.jobs.logs import job",
            "with job(snakemake.log[0]):",
            "    taken = b'x' * (100 << 20)",
            f"    subprocess.run([sys.executable, '-c', {child!r}])",
            "    time.sleep(0.2)",
        )
        took.append(log.splitlines()[-1].split(" done: ")[1])
    del of_this_process
    numbers = [[*map(float, re.findall(r"[\d.]+", line))] for line in took]
    for seconds, busy, _ in numbers:
        assert seconds >= 0.2
        assert 0 < busy <= seconds
    assert 100 < numbers[0][2] < 250 < numbers[1][2] < 400


@pytest.mark.parametrize("error", ["MemoryError()", "ImportError('libx.so: failed to map segment')"])
def test_a_job_without_memory_for_its_imports_is_told_in_one_line(tmp_path, error):
    result, log = run_script(tmp_path, f"raise {error}")
    assert result.returncode == 1
    assert "ERROR: no memory left (" in log.splitlines()[-1]
    assert "Traceback" not in log


def test_a_defect_before_the_job_is_logged_with_its_traceback(tmp_path):
    _, log = run_script(tmp_path, "import labelmaps.no_such_module")
    assert "please report it with the lines below" in log
    assert "ModuleNotFoundError" in log


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError()",
        "numpy._core._exceptions._ArrayMemoryError((10**9,), numpy.dtype(float))",
        "RuntimeError('[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes')",
        'RuntimeError("DefaultCPUAllocator: can\'t allocate memory")',
        "RuntimeError('std::bad_alloc')",
        'RuntimeError("can\'t start new thread")',
        "OSError(12, 'Cannot allocate memory')",
        "RuntimeError('CUDA error: out of memory')",
    ],
)
def test_no_memory_is_one_line_and_no_defect(tmp_path, error):
    lines = ["import numpy", "from labelmaps.jobs.logs import job"]
    lines += [f"with job({str(tmp_path / 'unused.log')!r}):", f"    raise {error}"]
    result, log = run_script(tmp_path, *lines)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    assert "ERROR: no memory left (" in log.splitlines()[-1]
    assert "lower compute.batch or compute.threads" in log.splitlines()[-1]
    assert log.count("\n") == 2
    assert not (tmp_path / "unused.log").exists()


@pytest.mark.parametrize("script", ["mine/scripts/any.py", "workflow/any.py"])
def test_the_log_of_anothers_script_is_its_own(tmp_path, script):
    result, log = run_script(tmp_path, script=script)
    assert (result.returncode, log) == (0, None)


def test_a_job_that_is_not_to_be_hung_up_goes_on(tmp_path):
    """This is the case under nohup."""
    lines = ["signal.signal(signal.SIGHUP, signal.SIG_IGN)", "from labelmaps.jobs.logs import job"]
    lines += [f"with job({str(tmp_path / 'unused.log')!r}):", "    os.kill(os.getpid(), signal.SIGHUP)"]
    result, log = run_script(tmp_path, *lines)
    assert result.returncode == 0
    assert "ERROR" not in log.partition(BEGUN)[2]
