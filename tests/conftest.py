"""Shared by all tests."""

import torch

# Small products on several threads wait for one another when the processor is busy.
torch.set_num_threads(1)
