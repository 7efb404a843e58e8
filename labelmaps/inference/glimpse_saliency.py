"""Saliency maps of the methods that look at the first glimpse, x₀: Grad-CAM, DFF and the like."""

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

MAX_IMAGES, MAX_PIXELS = 32, 2**23  # whose activations a method gets at once
LARGE, MAX_LARGE = (
    2**21,
    2**26,
)  # pixels: of an image, from which on a batch holds at most so many of all images


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
    """Compute a method's saliency maps at the x₀ of every image of an index, one map per row.

    saliency: the method, as from `labelmaps.methods.load_method`: from the glimpse and the labels
    (image,) of some images to their maps (image, row, column) and, if the method gives any, their own labels (image,).
    batch: views that go through the network together. threads, images_mib: as in `compute_in_batches`; no result depends on
    them. title: of the progress bar. is_cued: whether the method is given the labels; of an image of several classes, one
    that is not computes one map, which stands in all rows of the image.
    Raises `InputError` for a view on which a map of x₀ cannot be read.
    """
    if obstacle := find_map_obstacle(view):
        raise InputError(
            f"a map of x₀ cannot be read on this view: {obstacle}. Choose another view or method"
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
    """Choose how many images' activations a method gets at once: more amortise its many small operations.

    More than the `batch` that the network sees together only where the images, some of which wait, are small, and where
    every one of the concurrent batches still has its share. Of photographs of many megapixels there are fewer.
    """
    pixels = (index["width"] * index["height"]).mean()
    if pixels > LARGE:
        return max(min(batch, int(MAX_LARGE / pixels)), 1)
    return max(batch, min(MAX_IMAGES, len(index) // n_concurrent, int(MAX_PIXELS / pixels)))
