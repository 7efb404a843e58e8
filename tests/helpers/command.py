"""The command `labelmaps`, called in the process of a test."""

import os
from functools import partialmethod
from unittest import mock

import pytest
from tqdm import tqdm

from labelmaps.command import app

# In a process of its own, the variable that the command sets is there before tqdm is imported.
SILENT = mock.patch.object(tqdm, "__init__", partialmethod(tqdm.__init__, disable=True))


def run(capsys, *arguments):
    """Run the command; return its status, and what it said on stdout and on stderr."""
    with mock.patch.dict(os.environ), SILENT, pytest.raises(SystemExit) as stopped:
        app.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return stopped.value.code, said.out, said.err
