"""The kernel that makes views on a GPU, here in Triton's interpreter: what it makes is what a CPU makes."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="torch was built without Triton, for CPUs only"
)

# In a process of its own: Triton reads the environment when it is imported.
INTERPRETED = """
import sys
import numpy as np
import torch
from labelmaps import resampling
from labelmaps.resampling_gpu import resample
from labelmaps.taps import Sampling, taps_of_boxes

antialias, places, beyond = sys.argv[1] == "True", *sys.argv[2:4]
height, width, size = 13, 18, 6
image = torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))
image = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
boxes = np.array([[0, 0, 18, 13], [3.2, 1.1, 3.9, 9.0], [-4, -7.5, 30, 20], [3.2, 5.0, 3.9, 6.0], [20, 0, 40, 13]], float)
picture = (-1.0, 0.0, 20.0, 13.0)
empty = torch.tensor([-2.0, 5.0, 9.0])
sampling = Sampling(antialias, places, beyond)
expected = resampling.resize_boxes(image, boxes, picture, size, sampling, empty)
taps = taps_of_boxes(boxes.tobytes(), picture, width, height, size, sampling)
for dtype, tolerance in ((torch.float32, 1e-6), (torch.bfloat16, 1e-2)):
    views = torch.full((len(boxes), size, size, 3), torch.nan, dtype=dtype)
    resample(image, taps, empty, views)
    torch.testing.assert_close(views.permute(0, 3, 1, 2).float(), expected, rtol=tolerance, atol=tolerance)
resample(image.contiguous(), taps, empty, views)  # in any layout
torch.testing.assert_close(views.permute(0, 3, 1, 2).float(), expected, rtol=1e-2, atol=1e-2)
"""


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(
    ("places", "beyond"),
    [("centres", "empty"), ("edges", "empty"), ("centres", "reflect"), ("centres", "roll")],
)
def test_the_kernel_makes_the_views_of_a_cpu(antialias, places, beyond):
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", INTERPRETED, str(antialias), places, beyond]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
