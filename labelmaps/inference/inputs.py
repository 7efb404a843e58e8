"""Normalise decoded images, and make the views that a network receives of them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from labelmaps.jobs.transfer import send
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.resampling.boxes import draw_boxes
from labelmaps.resampling.taps import Drawing
from labelmaps.views import View

CPU = torch.device("cpu")
VALUES_PER_TRANSFER = 2**25  # of images that are copied to a GPU at once: 60 of ImageNet's, 134 MB there


def normalised(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> Iterator[Tensor]:
    """Convert images (H, W, 3) uint8 to the network's units, each (3, H, W) float32 on `device`.

    A GPU receives many images in one transfer.
    """
    if device.type == "cuda":
        for group in grouped(images, VALUES_PER_TRANSFER):
            yield from normalised_together(group, preprocessing, device)
    else:
        for image in images:
            yield preprocessing.normalise(torch.from_numpy(image).permute(2, 0, 1))


def grouped(arrays: Sequence[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """Group arrays, in order, so that a group holds at most `most` values, or a single array."""
    group: list[np.ndarray] = []
    for array in arrays:
        if group and sum(one.size for one in group) + array.size > most:
            yield group
            group = []
        group.append(array)
    if group:
        yield group


def normalised_together(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> list[Tensor]:
    """Normalise images of different sizes in one transfer.

    Their pixels are concatenated, copied to the device, normalised there, and split again.
    """
    row = np.concatenate([image.reshape(-1, 1, 3) for image in images])
    pixels = preprocessing.normalise(send(row, device).permute(2, 0, 1)).permute(1, 2, 0)
    of_images = pixels.split([image.size // 3 for image in images])
    return [part.reshape(image.shape).permute(2, 0, 1) for part, image in zip(of_images, images, strict=True)]


def make_views(
    images: Sequence[np.ndarray],
    view: View,
    preprocessing: Preprocessing,
    device: torch.device,
    cells: Sequence[int],
    dtype: torch.dtype | None = None,
) -> list[Tensor]:
    """Make the views of each image from some cells of the fixation grid, normalised.

    images: (H, W, 3) uint8. cells: counted row by row. dtype: of the views, float32 unless given.
    Returns for each image (cell, 3, size, size), on `device`.
    """
    size, black = preprocessing.size, preprocessing.black(device)
    views = []
    # Sampling weights sum to 1, so normalising the pixels gives the same as normalising the views.
    for pixels in normalised(images, preprocessing, device):
        views.append(view.sample(pixels, size, black, cells, dtype))
        del pixels  # before the next image's are there: those of a photograph take hundreds of megabytes
    return views


def views_to_compare(images: Sequence[np.ndarray], view: View, preprocessing: Preprocessing) -> Tensor:
    """Make the views on which a network is compared with itself: x₀ of each image (H, W, 3) uint8, and a view of noise.

    Returns (image + 1, 3, size, size), on the CPU. Images may be alike; the noise, which is always the same, is not.
    """
    return _with_noise(make_views(images, view, preprocessing, CPU, [view.grid**2 // 2]))


def squares_to_compare(images: Sequence[np.ndarray], preprocessing: Preprocessing) -> Tensor:
    """Make what `views_to_compare` does where no view is given: of each image the central square instead of x₀."""
    squares = []
    for pixels in normalised(images, preprocessing, CPU):
        _, height, width = pixels.shape
        centre, half = np.array([width, height]) / 2, min(width, height) / 2
        box = np.concatenate([centre - half, centre + half])[None]
        drawing = Drawing((0, 0, width, height))
        squares.append(draw_boxes(pixels, box, drawing, preprocessing.size, preprocessing.black(CPU)))
    return _with_noise(squares)


def _with_noise(views: Sequence[Tensor]) -> Tensor:
    """Concatenate views (1, 3, size, size), and a view of noise."""
    noise = torch.randn(views[0].shape, generator=torch.Generator().manual_seed(0))
    return torch.cat([*views, noise])
