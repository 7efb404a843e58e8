"""Views before normalisation have the pixels of the image from which they were made."""

import numpy as np
import pytest

from labelmaps.inference.view_pixels import view_pixels
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.views.shift import View

SIZE = 12
IMAGENET = Preprocessing(size=SIZE)
MEAN_COLOUR = [124, 116, 104]  # 255 times 0.485, 0.456 and 0.406


def random_image(height=SIZE, width=SIZE):
    """An image with all bytes from black to white."""
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image[0, :2] = [[0, 0, 0], [255, 255, 255]]
    return image


@pytest.mark.parametrize("preprocessing", [IMAGENET, Preprocessing(SIZE, (0.5, 0.2, 0), (0.1, 0.7, 3))])
def test_an_image_of_the_networks_own_size_comes_back(preprocessing):
    image = random_image()
    pictures = view_pixels(image, View(grid=1, base="squash"), preprocessing, [0])
    assert pictures.dtype == np.uint8
    assert pictures.shape == (1, SIZE, SIZE, 3)
    np.testing.assert_array_equal(pictures[0], image)


def test_every_byte_comes_back():
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    assert set(image.ravel()) == set(range(256))
    pictures = view_pixels(image, View(grid=1, base="squash"), Preprocessing(size=16), [0])
    np.testing.assert_array_equal(pictures[0], image)


def test_the_cells_that_are_asked_for_come_in_their_order():
    """Three fixations along each axis lie 4 pixels apart: cell 1 looks higher, cell 3 to the left, cell 8 down right."""
    image = random_image()
    above, left, corner = view_pixels(image, View(grid=3, base="squash"), IMAGENET, [1, 3, 8])
    np.testing.assert_array_equal(above[4:], image[:-4])
    np.testing.assert_array_equal(left[:, 4:], image[:, :-4])
    np.testing.assert_array_equal(corner[:-4, :-4], image[4:, 4:])
    assert not above[:4].any()
    assert not corner[-4:].any()


@pytest.mark.parametrize(("beyond", "colour"), [("black", [0, 0, 0]), ("gray", MEAN_COLOUR)])
def test_what_is_no_image_has_its_colour(beyond, colour):
    (picture,) = view_pixels(random_image(), View(grid=3, base="squash", beyond=beyond), IMAGENET, [1])
    assert (picture[:4] == colour).all()


def test_a_picture_has_the_networks_size_whatever_the_images():
    pictures = view_pixels(np.full((30, 50, 3), 200, np.uint8), View(base="crop"), IMAGENET, range(49))
    assert pictures.shape == (49, SIZE, SIZE, 3)
    assert (pictures[24] == 200).all()


def test_what_resampling_carries_beyond_white_stays_white():
    """Resampled values can exceed the range of uint8; they must not wrap around."""

    class Bright:
        grid = 1

        def sample(self, image, size, black, cells, dtype=None):
            return image[None] * 3 + 1

    image = np.full((SIZE, SIZE, 3), 255, np.uint8)
    assert (view_pixels(image, Bright(), IMAGENET, [0]) == 255).all()
    image[:] = 0
    assert (view_pixels(image, Bright(), Preprocessing(SIZE), [0]) == 0).all()
