"""Network inputs: the normalisation of decoded images, and the views that are made from them."""

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
VALUES_PER_TRANSFER = 2**25  # copied to a GPU at once: about 60 images of ImageNet, which take 134 MB there


def normalise_images(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> Iterator[Tensor]:
    """Normalise images as a network expects them, and yield them one by one.

    images: (H, W, 3) uint8. Yields (3, H, W) float32 on `device`. A GPU receives many images in one transfer.
    """
    if device.type == "cuda":
        for group in group_arrays(images, VALUES_PER_TRANSFER):
            yield from normalise_together(group, preprocessing, device)
    else:
        for image in images:
            yield preprocessing.normalise(torch.from_numpy(image).permute(2, 0, 1))


def group_arrays(arrays: Sequence[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """Group arrays, in order, so that each group has at most `most` values in total, or is a single larger array."""
    group: list[np.ndarray] = []
    for array in arrays:
        if group and sum(one.size for one in group) + array.size > most:
            yield group
            group = []
        group.append(array)
    if group:
        yield group


def normalise_together(
    images: Sequence[np.ndarray], preprocessing: Preprocessing, device: torch.device
) -> list[Tensor]:
    """Normalise images of different sizes with one transfer to the device.

    Their pixels are concatenated, copied to the device, normalised there, and split again.

    images: (H, W, 3) uint8. Returns (3, H, W) float32 for each, on `device`.
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
    """Make the normalised views of each image from some fixations.

    images: (H, W, 3) uint8.
    cells: the cells of the fixation grid, counted row by row from 0.
    dtype: the views' type; float32 by default.

    Returns one tensor (cell, 3, size, size) per image, on `device`.
    """
    size, black = preprocessing.size, preprocessing.black(device)
    views = []
    # Sampling weights sum to 1, so it makes no difference whether pixels or views are normalised.
    for pixels in normalise_images(images, preprocessing, device):
        views.append(view.sample(pixels, size, black, cells, dtype))
        del pixels  # before the next image's are there: those of a photograph take hundreds of megabytes
    return views


def views_to_compare(images: Sequence[np.ndarray], view: View, preprocessing: Preprocessing) -> Tensor:
    """Make the views on which a modified network is compared with the original: x₀ of each image, and a view of noise.

    images: (H, W, 3) uint8.
    Returns (image + 1, 3, size, size) float32, normalised, on the CPU. The noise is the same in every call; it is there
    because all images may be alike.
    """
    return _with_noise(make_views(images, view, preprocessing, CPU, [view.grid**2 // 2]))


def squares_to_compare(images: Sequence[np.ndarray], preprocessing: Preprocessing) -> Tensor:
    """Make what `views_to_compare` makes, but without a view: from the central square of each image in place of x₀.

    images: (H, W, 3) uint8. Returns (image + 1, 3, size, size) float32, normalised, on the CPU.
    """
    squares = []
    for pixels in normalise_images(images, preprocessing, CPU):
        _, height, width = pixels.shape
        centre, half = np.array([width, height]) / 2, min(width, height) / 2
        box = np.concatenate([centre - half, centre + half])[None]
        drawing = Drawing((0, 0, width, height))
        squares.append(draw_boxes(pixels, box, drawing, preprocessing.size, preprocessing.black(CPU)))
    return _with_noise(squares)


def _with_noise(views: Sequence[Tensor]) -> Tensor:
    """Concatenate views (1, 3, size, size), and append a view of noise: (view + 1, 3, size, size)."""
    noise = torch.randn(views[0].shape, generator=torch.Generator().manual_seed(0))
    return torch.cat([*views, noise])
