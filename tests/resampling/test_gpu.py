"""The GPU's kernel, here in Triton's interpreter, makes the same views as the CPU."""

import importlib.util
import os
import subprocess
import sys

import pytest

from pipeline.sources import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="torch was built without Triton, for CPUs only"
)

# In a process of its own: Triton reads the environment when it is imported.
INTERPRETED = """
import numpy as np
import torch
from labelmaps.resampling.boxes import resize_boxes
from labelmaps.resampling.gpu import resample
from labelmaps.resampling.taps import Sampling, taps_of_boxes

height, width, size = 5, 6, 4
image = torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))
rows = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
boxes = np.array([[0, 0, 6, 5], [1.2, 0.6, 1.9, 4.0], [-2, -2.5, 8, 6], [1.2, 3.0, 1.9, 3.5]], float)
picture, empty = (-1.0, 0.0, 7.0, 5.0), torch.tensor([-2.0, 5.0, 9.0])
cases = [(Sampling(antialias=True), rows, torch.float32, 1e-6), (Sampling(places="edges"), image, torch.bfloat16, 1e-2)]
cases.append((Sampling(antialias=True, interpolation="bicubic"), rows, torch.float32, 1e-5))
for sampling, same_image, dtype, tolerance in cases:
    expected = resize_boxes(image, boxes, picture, size, sampling, empty)
    taps = taps_of_boxes(boxes.tobytes(), picture, width, height, size, sampling)
    assert taps.has_empty
    views = torch.full((len(boxes), size, size, 3), torch.nan, dtype=dtype)
    resample(same_image, taps, empty, views)
    made = views.permute(0, 3, 1, 2).float()
    np.testing.assert_allclose(made, expected, rtol=tolerance, atol=tolerance)
"""


@pytest.mark.slow
def test_the_kernel_makes_the_views_of_a_cpu():
    """The cases are antialiased or not, with images in both layouts, in both precisions, and empty beyond the image."""
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", INTERPRETED]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
