"""The command `labelmaps`, called in the process of a test."""

import logging
import os
import signal
from contextlib import contextmanager
from functools import partialmethod
from unittest import mock

import pytest
from tqdm import tqdm

from labelmaps.command import app

# In a process of its own, the variable that the command sets is there before tqdm is imported.
SILENT = mock.patch.object(tqdm, "__init__", partialmethod(tqdm.__init__, disable=True))


@contextmanager
def process_of_the_command():
    """Undo afterwards what the command sets in its process: variables, the handler of SIGTERM, the log of warnings."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with mock.patch.dict(os.environ), SILENT:
            yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        logging.captureWarnings(False)


def run(capsys, *arguments):
    """Run the command; return its status, and what it said on stdout and on stderr."""
    with process_of_the_command(), pytest.raises(SystemExit) as stopped:
        app.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return stopped.value.code, said.out, said.err
