"""Progress is updated often on a terminal, rarely in a file where every update adds a line, and in a job's log."""

import io
import logging
import re
import time

import pytest

from labelmaps.jobs import progress as module
from labelmaps.jobs.logs import OF_JOB
from labelmaps.jobs.progress import progress
from labelmaps.jobs.progress_lines import Progress, duration, read


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "lively"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_log_file_gets_few_lines(monkeypatch, stream, lively):
    monkeypatch.setattr("sys.stderr", stream)
    bar = progress(range(3), unit="image", desc="looking")
    assert (bar.mininterval < 1) == lively
    assert list(bar) == [0, 1, 2]
    assert "looking" in stream.getvalue()


@pytest.fixture
def log(monkeypatch):
    """The log of this process, as if it were a job."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.name = OF_JOB
    monkeypatch.setattr(logging.root, "handlers", [handler])
    monkeypatch.setattr(logging.root, "level", logging.INFO)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0)
    return stream


def test_a_job_logs_how_far_it_is_and_prints_nothing(log, capsys):
    with progress(total=4, unit="image", desc="net 1/2") as bar:
        for _ in range(2):
            time.sleep(0.001)
            bar.update(2)
    lines = log.getvalue().splitlines()
    assert lines[0] == "net 1/2: 0 of 4 images, 0 images/s"
    assert all(line.startswith("net 1/2: ") for line in lines)
    found = [read(line) for line in lines]
    assert [p.done for p in found] == sorted(p.done for p in found)
    assert (found[-1].done, found[-1].total, found[-1].unit) == (4, 4, "images")
    assert found[-1].rate > 0
    assert capsys.readouterr() == ("", "")


def test_what_is_iterated_is_counted_and_what_is_noted_stands_before_it(log):
    bar = progress(range(3), unit="batch", desc="train", total=3)
    for i in bar:
        bar.set_postfix(loss=f"{i}")
    assert re.search(r"^train \(loss=2\): 3 of 3 batches, ", log.getvalue(), re.M)


def test_bytes_are_written_in_megabytes_and_need_no_total(log):
    with progress(total=None, unit="B", unit_scale=True, desc="w.pth") as bar:
        bar.update(1_500_000)
    found = read(log.getvalue().splitlines()[-1])
    assert (found.done, found.total, found.unit) == (1.5, None, "MB")


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(0, 400, "images", 0), "0 of 400 images, 0 images/s"),
        (Progress(120, 400, "images", 6.5312), "120 of 400 images, 6.53 images/s, 43 s left"),
        (
            Progress(1_200_000, 10_000_000, "images", 1234.5),
            "1200000 of 10000000 images, 1234 images/s, 119 min left",
        ),
        (Progress(1, 50_000, "images", 0.25), "1 of 50000 images, 0.25 images/s, 55 h 33 min left"),
        (Progress(1, 9, "images", 0.00001), "1 of 9 images, 0 images/s, 222 h 13 min left"),
        (Progress(400, 400, "images", 7), "400 of 400 images, 7 images/s"),
        (Progress(12.25, None, "MB", 1.5), "12.25 MB, 1.5 MB/s"),
    ],
)
def test_progress_is_written_and_read_again(progress, text):
    assert str(progress) == text
    found = read(f"10:00:00 net: {text}")
    assert found[:3] == progress[:3]
    assert found.rate == pytest.approx(progress.rate, rel=0.005, abs=0.001)


def test_durations_are_as_exact_as_one_reads_them():
    assert [duration(s) for s in (0.4, 119.4, 119.9, 120, 3600, 7199, 7200, 90061)] == [
        *("0 s", "119 s", "120 s", "2 min", "60 min", "2 h 0 min", "2 h 0 min", "25 h 1 min")
    ]
