"""Saliency maps of the methods that work on the activations at x₀, such as Grad-CAM and DFF."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from labelmaps.data.batches import IMAGES_MIB
from labelmaps.data.index import images_of
from labelmaps.errors import InputError
from labelmaps.inference.glimpse import Glimpse, first_glimpse
from labelmaps.inference.parallel import compute_in_batches, concurrent_batches
from labelmaps.jobs.progress import progress
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.networks.split import SplitClassifier
from labelmaps.storage.saliency_file import SaliencyMaps, repeat_for_cases
from labelmaps.views import View, cell_points, find_map_obstacle

MAX_IMAGES, MAX_PIXELS = 32, 2**23  # for which a method is called at once; pixels of the decoded images
# pixels: of an image, from which on a batch holds at most so many pixels of all its images
LARGE, MAX_LARGE = 2**21, 2**26


def compute_saliency_of_glimpses(
    index: pd.DataFrame,
    classifier: SplitClassifier,
    view: View,
    preprocessing: Preprocessing,
    saliency: Callable[[Glimpse, Tensor], tuple[Tensor, Tensor | None]],
    batch: int,
    threads: int = 1,
    title: str = "",
    is_cued: bool = True,
    images_mib: float = IMAGES_MIB,
) -> SaliencyMaps:
    """Compute a method's saliency maps at the x₀ of every image of an index, one map per row of the index.

    index: one row per case; the cases of an image follow one another.
    saliency: the method, as `labelmaps.methods.load_method` returns it. It is called with the glimpse and the labels k*
        (case,) of some images, and returns their maps (case, row, column) and the labels that the method itself predicts
        (case,), or None.
    batch: the number of views that go through the network together.
    threads, images_mib: as for `compute_in_batches`; the results do not depend on them.
    title: the title of the progress bar.
    is_cued: whether the method is given the labels. An uncued method computes one map per image, which is repeated for
        all cases of the image.

    Raises `InputError` if a map over x₀ cannot be located in the image with this view, and as `first_glimpse` does.
    """
    if obstacle := find_map_obstacle(view):
        raise InputError(
            f"a saliency map over x₀ cannot be located in the image: {obstacle}. Choose another view or method"
        )
    centre = view.grid // 2
    labels: dict[str, list[int]] = {}
    for image, label in zip(index["image"], index["label"], strict=True):
        labels.setdefault(image, []).append(label)

    def compute(rows: pd.DataFrame, images: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        glimpse = first_glimpse(rows, images, classifier, view, preprocessing, batch)
        of_images = [labels[image] for image in rows["image"]]
        label = torch.tensor(np.concatenate(of_images).astype(np.int64), device=classifier.device)
        place = np.repeat(np.arange(len(rows)), [*map(len, of_images)])  # the image of each case
        maps, own_label = saliency(glimpse.of_cases(place) if is_cued else glimpse, label)
        found = maps.cpu().numpy(), None if own_label is None else own_label.cpu().numpy()
        return found if is_cued else repeat_for_cases(*found, place)

    maps, points, own_labels, digests = [], [], [], []
    by_image = images_of(index)
    n_images = images_at_once(by_image, batch, concurrent_batches(classifier.device, threads))
    with progress(total=len(by_image), unit="image", desc=title) as bar:
        for rows, (some_maps, own_label) in compute_in_batches(
            compute, by_image, n_images, classifier.device, threads, images_mib
        ):
            maps.append(some_maps)
            n_rows = [len(labels[image]) for image in rows["image"]]
            digests += np.repeat(rows["digest"].to_numpy(), n_rows).tolist()
            if own_label is not None:
                own_labels.append(own_label)
            extents = [
                view.geometry(*size).extent[centre, centre]
                for size in zip(rows["width"], rows["height"], strict=True)
            ]
            points.append(np.repeat(cell_points(np.stack(extents), *some_maps.shape[1:]), n_rows, axis=0))
            bar.update(len(rows))
    return SaliencyMaps(
        index["image"].tolist(),
        np.concatenate(maps),
        np.concatenate(points),
        np.concatenate(own_labels) if own_labels else None,
        digests,
    )


def images_at_once(index: pd.DataFrame, batch: int, n_concurrent: int) -> int:
    """Choose for how many images a method is called at once: more images amortise its many small operations.

    index: rows with the width and height of the images, in pixels. batch: the number of views that go through the network
    together. n_concurrent: the number of batches that are computed concurrently.

    The number is `batch`, or more if the decoded images need little memory and every concurrent batch still gets a share, or
    fewer, but at least 1, if the images have more than 2 megapixels on average.
    """
    pixels = (index["width"] * index["height"]).mean()
    if pixels > LARGE:
        return max(min(batch, int(MAX_LARGE / pixels)), 1)
    return max(batch, min(MAX_IMAGES, len(index) // n_concurrent, int(MAX_PIXELS / pixels)))
