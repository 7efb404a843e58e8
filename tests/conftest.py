"""Shared by all tests."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Small products on several threads wait for one another when the processor is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
