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
    """Begin the log of this process, with a line that helps if the process is killed and cannot log an error.

    Call this before libraries are imported, which takes seconds and memory. From then on, exceptions outside `job` are
    logged as well, a crash logs the line of code at which it occurred, and what libraries print on stderr goes to the log,
    because on the terminal the lines of several jobs would mix.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = _log_to(log)
    os.dup2(file.fileno(), 2)
    logging.info(
        "process %d on %s. If the job fails and no ERROR follows, the process was killed from outside, most often because "
        "memory ran out (see dmesg, or sacct on a cluster): %s, and run again",
        os.getpid(),
        socket.gethostname(),
        MORE_MEMORY,
    )
    faulthandler.enable(file, all_threads=False)
    sys.excepthook = _log_uncaught


@contextmanager
def job(log: str | Path) -> Generator[None]:
    """Run the `with` block as a job: log to the file `log`, and exit with a status other than 0 if the block fails.

    Expected failures are logged in one line: an `InputError`, lack of memory, a failing GPU, or a signal to stop (SIGTERM,
    SIGINT, SIGHUP). Any other exception is a defect of the workflow and is logged with its traceback. The exit status is 1,
    or 128 + the number of the signal. Nothing is printed: the process that shows the run prints these lines, and warnings,
    from the log.

    The last line of a job that succeeds states its time and memory.
    """
    if not logging.root.handlers:
        _log_to(log)
    logging.captureWarnings(True)
    # The default handlers would end Python at once, and leave temporary files behind.
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has it ignored
        signal.signal(signal.SIGHUP, _stop)
    try:
        yield
        logging.info("done: %s", describe_cost())
    except KeyboardInterrupt as stop:
        number = signal.Signals(*stop.args or [signal.SIGINT])
        _log_stop(number)
        sys.exit(128 + number)
    except Exception as error:
        _log_failure(error)
        sys.exit(1)


def describe_cost() -> str:
    """Describe this process's time so far, its processor time and its largest memory, as a text.

    Child processes that have ended are included: their processor time, and the memory of the largest.
    """
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = time.perf_counter() - BEGUN
    busy = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    memory = max(_most_memory(own), ended.ru_maxrss * RSS_UNIT) / MIB
    return f"{seconds:.1f} s ({busy:.1f} s of processor), {memory:.0f} MiB of memory at most"


def log_rate(n_images: int, seconds: float, device: object) -> None:
    """Log how many images a job went through in how many seconds, and on which device, as `read_rate` reads it."""
    logging.info("%d images in %.3f s, %.1f images/s, on %s", n_images, seconds, n_images / seconds, device)


def read_rate(log: str) -> tuple[int, float, str] | None:
    """Read the last line of `log_rate` in a log: images, seconds, device; None if there is none."""
    found = re.findall(r" (\d+) images in ([\d.]+) s, [\d.]+ images/s, on (.+)\n", log)
    return (int(found[-1][0]), float(found[-1][1]), found[-1][2]) if found else None


def read_cost(log: str) -> tuple[float, float, int] | None:
    """Read the cost of a job from its log, as `describe_cost` writes it: seconds, CPU seconds, MiB; None if it has none.

    Libraries may write lines after it when the process exits.
    """
    found = re.findall(r" done: ([\d.]+) s \(([\d.]+) s of processor\), (\d+) MiB of memory at most\n", log)
    return (float(found[-1][0]), float(found[-1][1]), int(found[-1][2])) if found else None


def _most_memory(usage: resource.struct_rusage) -> int:
    """Return the largest memory of this process so far, in bytes.

    usage: the usage of this process. On Linux, its number includes the process that started this one; /proc has the right
        number.
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
    """Direct the log of this process to a file, in UTF-8 in every locale, and return the open file."""
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
    """Handle a signal: raise `KeyboardInterrupt` with the number of the signal."""
    raise KeyboardInterrupt(number)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Handle an exception outside `job`: log it, and print it as Python does if it is no error (a `sys.excepthook`)."""
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
    """Log an exception, in one line if it is expected, otherwise with its traceback."""
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
    """Describe a failure of the GPU in one line: at which images, if notes of the exception name any, why, and a remedy."""
    # The GPU starts on the next images before the results of the last ones have been read, so either may have failed.
    where = "".join(f" {note} or just before" for note in getattr(error, "__notes__", ()))
    reason = str(error).splitlines()[0]
    return f"the GPU failed{where} ({reason}). Run again, on another GPU if it fails again; what is finished is kept"
