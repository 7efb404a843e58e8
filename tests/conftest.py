"""Shared by all tests."""

import os
import random
from itertools import groupby

# Before torch reads it: threads that wait for one another give way, as several tests share the processor.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import torch
from hypothesis import settings

# Small products on several threads wait for one another when the processor is busy.
torch.set_num_threads(1)

# The same examples in every run, on any machine, however busy it is.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# Files that take longest begin first, so that two processes end at nearly the same time (with --no-loadscope-reorder).
LONGEST = [
    "whole/test_workflow",
    "whole/test_faults",
    "whole/test_whole_runs",
    "whole/test_slurm",
    "whole/test_extend",
    "inference/test_engines",
    "explorer/test_page",
    "networks/test_fused_convolutions",
    "whole/test_names",
    "whole/test_contract",
]


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="try all of what is otherwise tried by a sample")


@pytest.fixture(scope="session")
def thorough(request):
    """Whether all is to be tried, not a sample."""
    return request.config.getoption("thorough")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.path.parent.name == "whole":
            item.add_marker(pytest.mark.slow)
    if not config.getoption("thorough"):
        keep_samples(config, items)
    items.sort(key=place)


def place(item):
    """Say where among all an item's file begins: as in `LONGEST`, or after those."""
    file = f"{item.path.parent.name}/{item.path.stem}"
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


def keep_samples(config, items):
    """Deselect all cases of a test marked `sample(n)` but n, which are drawn with a fixed seed."""
    left_out = set()
    for _, group in groupby(items, key=lambda item: (item.path, item.originalname)):
        cases = list(group)
        for marker in cases[0].iter_markers("sample"):
            (n,) = marker.args
            assert n < len(cases), f"{cases[0].nodeid}: has no more than {n} cases to draw from"
            left_out.update(random.Random(0).sample(cases, len(cases) - n))
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
