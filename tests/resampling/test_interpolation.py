"""Bilinear and bicubic samples equal those of Pillow and torch, in every part of the code that samples."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from labelmaps.resampling.boxes import resize_boxes
from labelmaps.resampling.taps import BICUBIC, Sampling, weigh

EMPTY = torch.zeros(3)
# Boxes of an image of 23 × 17 pixels: whole, shrunk, enlarged, of fractions of pixels, each axis on its own, at its edges.
BOXES = [(0, 0, 23, 17), (1, 2, 22, 16), (3.25, 4.5, 9.75, 8.125), (0, 0, 23, 5.5), (20.5, 14.2, 23, 17)]


def picture():
    """An image (3, 17, 23) with sharp edges, float32."""
    image = torch.randn(3, 17, 23, generator=torch.Generator().manual_seed(0))
    image[:, 5:9, 4:12] += 9
    return image


def sampled(image, box, size, interpolation, antialias=True):
    """Resample a box of an image: (3, size, size)."""
    _, height, width = image.shape
    sampling = Sampling(antialias, interpolation=interpolation)
    return resize_boxes(image, np.array([box], float), (0, 0, width, height), size, sampling, EMPTY)[0]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [1, 5, 8, 40])
@pytest.mark.parametrize("box", BOXES)
def test_samples_are_pillows(box, size, interpolation):
    image, kind = picture(), Image.Resampling[interpolation.upper()]
    expected = [
        # Pillow cuts values off at 0 and 255 in pictures of integers; in these of floats it does not.
        np.asarray(Image.fromarray(channel.numpy()).resize((size, size), kind, box=box))
        for channel in image
    ]
    np.testing.assert_allclose(sampled(image, box, size, interpolation), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [5, 17, 40])
def test_samples_of_a_whole_image_are_torchs(size, interpolation):
    image = picture()
    expected = functional.interpolate(image[None], (size, size), mode=interpolation, antialias=True)[0]
    box = (0, 0, 23, 17)
    torch.testing.assert_close(sampled(image, box, size, interpolation), expected, rtol=1e-4, atol=1e-4)


def test_bicubic_samples_without_antialiasing_weigh_four_pixels_along_each_axis():
    """The weights are worked out by hand, for a sample at a quarter of the way from the fifth pixel to the sixth."""
    row = torch.zeros(3, 1, 12)
    for pixel, weight in ((3, -9 / 128), (4, 111 / 128), (5, 29 / 128), (6, -3 / 128), (2, 0), (7, 0)):
        one = row.clone()
        one[..., pixel] = 1
        for length in (1, 3):  # however much of the image a sample covers
            box = (4.75 - length / 2, 0, 4.75 + length / 2, 1)
            assert sampled(one, box, 1, "bicubic", antialias=False).unique().item() == pytest.approx(weight)


def test_weights_are_keyss():
    distance = np.array([0, 0.5, 1, 1.5, 2, 2.5])
    assert BICUBIC == -0.5
    np.testing.assert_allclose(weigh(distance, "bicubic"), [1, 9 / 16, 0, -1 / 16, 0, 0])
    np.testing.assert_allclose(weigh(distance, "bilinear"), [1, 0.5, 0, 0, 0, 0])


@pytest.mark.parametrize("beyond", ["empty", "reflect", "roll"])
@pytest.mark.parametrize("places", ["centres", "edges"])
@pytest.mark.parametrize("antialias", [False, True])
def test_weights_of_a_sample_sum_to_1_wherever_it_lies(antialias, places, beyond):
    constant, sampling = torch.ones(3, 17, 23), Sampling(antialias, places, beyond, "bicubic")
    boxes = np.array([*BOXES, (-9, -9, 40, 30), (-30, 3, -2, 9)], float)
    seen = resize_boxes(constant, boxes, (0, 0, 23, 17), 6, sampling, torch.ones(3))
    torch.testing.assert_close(seen, torch.ones_like(seen), rtol=0, atol=1e-5)
