"""What the log of a job says that a user should see: why it failed, what it warns of, how far it is.

A log is that of `labelmaps.jobs.logs`: lines that begin with the time, those that matter then with ERROR: or WARNING:.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from labelmaps.jobs.progress_lines import Progress, read

TIME = r"(?:\d\d:\d\d:\d\d )"
BEGINNINGS = re.compile(rf"^(?={TIME}|ERROR: )", re.MULTILINE)
MARKED = re.compile(rf"^{TIME}?(ERROR|WARNING): ")
KILLED = re.compile(r"no ERROR follows, (the process was killed from outside, .*)")
CRASHED = re.compile(r"^Fatal Python error: .*", re.MULTILINE)
DEFECT = "please report it with the lines below"
TAIL = 2**20  # bytes: where the lines that matter are found, and a log is seldom longer
LAST = 2**11  # bytes: where the last progress is found
FULL = 2**20  # bytes: a disk with less is as good as full


def read_tail(log: str | Path, since: float, size: int = TAIL) -> str:
    """Read the last bytes of a log; nothing if there is none, or it is older: an earlier run's.

    since: seconds since the epoch.
    """
    try:
        with Path(log).open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_mtime < since:
                return ""
            file.seek(max(0, state.st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_progress(text: str) -> Progress | None:
    """Return the last progress in the lines of a log; None if there is none."""
    return next((found for line in reversed(text.splitlines()) if (found := read(line))), None)


def warnings_in(text: str) -> list[str]:
    """List the lines that are marked as warnings in a log."""
    return [message.partition("\n")[0] for kind, message in _messages(text) if kind == "WARNING"]


def error_in(text: str) -> str | None:
    """Return the line of the last error in a log, of a defect with its exception; None if there is none."""
    messages = [message for kind, message in _messages(text) if kind == "ERROR"]
    if not messages:
        return None
    lines = messages[-1].splitlines()
    if lines[0].endswith(DEFECT):
        traced = messages[-1].rpartition("Traceback (most recent call last):")[2].splitlines()[1:]
        raised = next((line for line in traced if not line.startswith(" ")), "")
        return f"{lines[0].removesuffix(' below')} at the end of its log: {raised}"
    return lines[0]


def describe_failure(logs: Sequence[str], since: float, told: str | None) -> str | None:
    """Say in one message, without `ERROR:`, why a job failed; None where its log says that it was done.

    logs: of the rule, then what else there is (a cluster's). since: when the job began, in seconds since the epoch.
    told: what Snakemake, or the cluster, says about the process.
    """
    texts = [read_tail(log, since) for log in logs]
    for text in texts:
        if error := error_in(text):
            return error
    own = texts[0] if texts else ""
    how = f" ({told})" if told else ""
    if own.rstrip().rpartition("\n")[2][9:].startswith("done: "):
        return None
    if crashed := CRASHED.search(own):
        return f"the process crashed: {crashed[0]}{how}"
    if own and re.search(r"exit status \d+$", told or ""):
        return f"the process ended without a reason{how}"
    if killed := KILLED.search(own):
        return killed[1].replace(",", f"{how},", 1)
    if any(_is_full(Path(log).parent) for log in logs):
        return f"the disk of {Path(logs[0]).parent} is full. Free some space and run again{how}"
    others = [line for text in texts[1:] for line in text.splitlines() if line.strip()]
    seen = f": {others[-1].strip()}" if others else ""
    return f"the job failed before it wrote its log{how}{seen}"


def shorten_exception(text: str) -> str:
    """Shorten what Snakemake says of an exception to the message: without its class, if that tells nothing, and places."""
    lines = [line for line in text.splitlines() if not re.match(r'  File ".*", line \d+, in ', line)]
    while lines and re.fullmatch(r"\s*(?:WorkflowError|InputFunctionException|Error)\b.*:", lines[0]):
        del lines[0]
    lines[:1] = [
        re.sub(r"^(\w+(?: in rule \w+)?) in file .*, line \d+:$", r"\1:", line) for line in lines[:1]
    ]
    if "Wildcards:" in lines and "Traceback:" in lines:
        del lines[lines.index("Wildcards:") :]
    return "\n".join(lines).strip() or text.strip()


def _messages(text: str) -> list[tuple[str, str]]:
    """List the kind, ERROR or WARNING, and the message of what is marked in a log; a message may have several lines."""
    found = [(MARKED.match(entry), entry) for entry in BEGINNINGS.split(text)]
    return [(mark[1], entry[mark.end() :].strip()) for mark, entry in found if mark]


def _is_full(folder: Path) -> bool:
    """Tell whether the disk of a folder, or of what is there of the way to it, is full."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), Path())
    return shutil.disk_usage(there).free < FULL
