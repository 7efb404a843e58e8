"""The log of a job, and how failures are reported in it."""

import faulthandler
import logging
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from labelmaps.errors import InputError

BEGUN = time.perf_counter()  # this module is the first that a job loads
OF_JOB = "job"  # the name of the handler of a job's log
MIB = 2**20
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of `ru_maxrss`
GPU_FAILURE = re.compile(r"(CUDA|cuDNN) error|No CUDA GPUs are available")  # in messages of torch
# In messages of torch, HDF5, C++ and the operating system, which have no common type for it.
NO_MEMORY = re.compile(
    r"allocate memory|not enough memory|out of memory|memory allocation failed|bad_alloc|can't start new thread"
    r"|failed to map segment",
    re.IGNORECASE,
)
MORE_MEMORY = (
    "lower compute.batch or compute.threads, run fewer jobs at once (--cores), or give them more (mem_mb)"
)


def begin_log(log: str | Path) -> None:
    """Begin the log of this process, with what is to be known if the process is killed before it can say anything.

    Call it before libraries are imported, which takes seconds and memory. What then fails outside `job` is logged, too, and
    so is where the process was when it crashed, and what libraries print on stderr, where several jobs would mix.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = _log_to(log)
    os.dup2(file.fileno(), 2)
    logging.info(
        "process %d on %s. If the job fails and no ERROR follows, the process was killed from outside, most often because "
        "memory ran out (dmesg tells, or sacct on a cluster): %s, and run again",
        os.getpid(),
        socket.gethostname(),
        MORE_MEMORY,
    )
    faulthandler.enable(file, all_threads=False)
    sys.excepthook = _log_uncaught


@contextmanager
def job(log: str | Path) -> Generator[None]:
    """Run the block as a job: log to the file `log`, and exit with a status other than 0 if the block fails.

    Expected failures are logged in one line: an `InputError`, no memory, a GPU that fails, or a signal to stop (SIGTERM,
    SIGINT, SIGHUP). Any other exception is a defect of the workflow and is logged with its traceback. The exit status is 1,
    or 128 + the number of the signal. Nothing is printed: what shows the run prints these lines, and warnings, from the log.
    The last line of a job that succeeds says what it took.
    """
    if not logging.root.handlers:
        _log_to(log)
    logging.captureWarnings(True)
    # The default handlers end Python at once, and temporary files are left.
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
        signal.signal(signal.SIGHUP, _stop)
    try:
        yield
        logging.info("done: %s", cost_so_far())
    except KeyboardInterrupt as stop:
        number = signal.Signals(*stop.args or [signal.SIGINT])
        _log_stop(number)
        sys.exit(128 + number)
    except Exception as error:
        _log_failure(error)
        sys.exit(1)


def cost_so_far() -> str:
    """Say how long this process has run, for how long it kept processors busy, and how much memory it took at most.

    Processes that it started, and that have ended, count too: their processors' time, and the memory of the largest.
    """
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = time.perf_counter() - BEGUN
    busy = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    memory = max(_most_memory(own), ended.ru_maxrss * RSS_UNIT) / MIB
    return f"{seconds:.1f} s ({busy:.1f} s of processor), {memory:.0f} MiB of memory at most"


def _most_memory(usage: resource.struct_rusage) -> int:
    """Return the most memory that this process took, in bytes.

    Linux counts in `usage` what the process took that started this one, and the right number in /proc.
    """
    status = Path("/proc/self/status")
    found = (
        re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8", errors="replace"))
        if status.exists()
        else None
    )
    return int(found[1]) * 1024 if found else usage.ru_maxrss * RSS_UNIT


def has_log() -> bool:
    """Tell whether this process is a job that has a log."""
    return any(handler.name == OF_JOB for handler in logging.root.handlers)


def _log_to(log: str | Path) -> IO[str]:
    """Log to a file, in UTF-8 whatever the locale, and return it."""
    file = Path(log).open("w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 (stays open)
    handler = logging.StreamHandler(file)
    handler.name = OF_JOB
    handler.setFormatter(_Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.INFO)
    return file


class _Formatter(logging.Formatter):
    """A formatter that marks the package's warnings, which the terminal shows; not those of libraries, for programmers."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Write the line of a record."""
        if record.levelno == logging.WARNING and record.name != "py.warnings":
            record.message = f"WARNING: {record.message}"
        return super().formatMessage(record)


def _stop(number: int, frame: object) -> None:
    """Raise `KeyboardInterrupt` with the number of the signal: a signal handler."""
    raise KeyboardInterrupt(number)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what failed, or who stopped the process, outside `job`: a hook for exceptions."""
    if isinstance(error, Exception):
        _log_failure(error)
    elif isinstance(error, KeyboardInterrupt):
        _log_stop(signal.SIGINT)
    else:
        sys.__excepthook__(kind, error, trace)


def _log_stop(number: signal.Signals) -> None:
    """Log that a signal stopped the process."""
    logging.error("ERROR: stopped by %s. Run again; what is finished is kept", number.name)


def _log_failure(error: Exception) -> None:
    """Log an exception: in one line where it is expected, otherwise with its traceback."""
    if isinstance(error, InputError):
        logging.error("ERROR: %s", error)
    elif isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
        reason = (str(error) or type(error).__name__).splitlines()[0]
        logging.error(
            "ERROR: no memory left (%s): %s, and run again; what is finished is kept", reason, MORE_MEMORY
        )
    elif GPU_FAILURE.search(str(error)):
        logging.error("ERROR: %s", _describe_gpu_failure(error))
    else:
        logging.error(
            "ERROR: this should not have happened; please report it with the lines below", exc_info=error
        )


def _describe_gpu_failure(error: Exception) -> str:
    """Describe in one line what failed, at which images (a note of `labelmaps.inference.label_maps`) and how to fix it."""
    # Work on the next images starts before the results of the last ones have arrived, so either may have failed.
    where = "".join(f" {note} or just before" for note in getattr(error, "__notes__", ()))
    reason = str(error).splitlines()[0]
    return f"the GPU failed{where} ({reason}). Run again, on another GPU if it fails again; what is finished is kept"
