"""From decoded images to a network's inputs: normalised pixels and views."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from labelmaps.jobs.transfer import send
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.views import ViewFamily

VALUES_TOGETHER = 2**25  # of images that cross to a GPU: 60 of ImageNet's, 134 MB there


def normalised(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> Iterator[Tensor]:
    """Images (H, W, 3) uint8 in the network's units, each (3, H, W) float32 on `device`; a GPU gets many together."""
    if device.type == "cuda":
        for group in grouped(images, VALUES_TOGETHER):
            yield from normalised_together(group, preprocessing, device)
    else:
        for image in images:
            yield preprocessing.normalise(torch.from_numpy(image).permute(2, 0, 1))


def grouped(arrays: Sequence[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """Arrays in order, in groups that hold no more than so many values, or a single array."""
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
    """As `normalised`, of whatever sizes: they cross to the device, and are worked on there, as one row of pixels."""
    row = np.concatenate([image.reshape(-1, 1, 3) for image in images])
    pixels = preprocessing.normalise(send(row, device).permute(2, 0, 1)).permute(1, 2, 0)
    of_images = pixels.split([image.size // 3 for image in images])
    return [part.reshape(image.shape).permute(2, 0, 1) for part, image in zip(of_images, images, strict=True)]


def make_views(
    images: Sequence[np.ndarray],
    view: ViewFamily,
    preprocessing: Preprocessing,
    device: torch.device,
    cells: Sequence[int],
    dtype: torch.dtype | None = None,
) -> list[Tensor]:
    """What the network receives of each image from the fixations of some of the grid's cells, counted row by row.

    images: (H, W, 3) uint8. Returns for each (cell, 3, size, size), normalised, of type `dtype` (float32 unless given), on
    `device`.
    """
    size, black = preprocessing.size, preprocessing.black(device)
    # Sampling weights sum to 1, so that normalising the pixels and normalising the views come to the same.
    return [
        view.sample(pixels, size, black, cells, dtype) for pixels in normalised(images, preprocessing, device)
    ]
