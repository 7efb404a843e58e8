"""Progress bars are updated often on a terminal, and rarely in a file, where every update adds a line."""

import io

import pytest

from labelmaps.jobs.progress import progress


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
