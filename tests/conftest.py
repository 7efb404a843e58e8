"""Shared by all tests."""

import os

# Before torch reads it: threads that wait for one another give way, as several tests share the processor.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from hypothesis import settings

# Small products on several threads wait for one another when the processor is busy.
torch.set_num_threads(1)

# The same examples in every run, on any machine, however busy it is.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# Files that take longest begin first, so that two processes end at nearly the same time (with --no-loadscope-reorder).
LONGEST = ["test_workflow.py", "test_whole_runs.py", "test_faults.py", "test_extend.py"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
