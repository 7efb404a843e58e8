"""From images to label maps: decode once, make the views, ask the network, store what it says."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from labelmaps.errors import InputError
from labelmaps.images import read_digest, read_image
from labelmaps.label_map_file import LabelMapWriter
from labelmaps.networks import Classifier, Preprocessing
from labelmaps.views import ViewFamily


def part_of(index: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """The rows of the index that belong to part 1…`parts`: contiguous, and as equal in number as can be."""
    bounds = np.linspace(0, len(index), parts + 1).round().astype(int)
    return index.iloc[bounds[part - 1] : bounds[part]]


def read_unchanged(path: str, offset: int, length: int, digest: str) -> np.ndarray:
    """Decode an image (H, W, 3) uint8; raise `InputError` where its bytes are not those that were indexed."""
    if digest and read_digest(path, offset, length) != digest:
        raise InputError(f"{path}: the image changed since it was indexed. Delete the index and run again")
    return read_image(path, offset, length)


def read_ahead(index: pd.DataFrame, depth: int = 8) -> Iterator[np.ndarray]:
    """Decode the images of an index in order, up to `depth` ahead of the consumer."""
    rows = index[["path", "offset", "length", "digest"]].itertuples(index=False)
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(read_unchanged, *row) for row in islice(rows, depth)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(read_unchanged, *row) for row in islice(rows, 1)]


def read_batches(index: pd.DataFrame, batch: int) -> Iterator[tuple[pd.DataFrame, list[np.ndarray]]]:
    """Rows of the index, `batch` at a time, with their decoded images (H, W, 3) uint8."""
    images = read_ahead(index)
    for start in range(0, len(index), batch):
        rows = index.iloc[start : start + batch]
        decoded = list(islice(images, len(rows)))
        check_sizes(rows, decoded)
        yield rows, decoded


def make_views(
    image: np.ndarray,
    view: ViewFamily,
    preprocessing: Preprocessing,
    device: torch.device,
    cells: Sequence[int],
) -> Tensor:
    """What the network receives from the fixations of some of the grid's cells, counted row by row.

    image: (H, W, 3) uint8. Returns (cell, 3, size, size) float32, normalised, on `device`.
    """
    pixels = torch.from_numpy(image).to(device).permute(2, 0, 1).contiguous()
    # Sampling weights sum to 1, so that normalising the pixels and normalising the views come to the same.
    black = preprocessing.black(device)
    return view.sample(preprocessing.normalise(pixels), preprocessing.size, black, cells)


def check_sizes(rows: pd.DataFrame, images: list[np.ndarray]) -> None:
    """Raise `InputError` naming an image whose size is no longer that in the index."""
    for row, image in zip(rows.itertuples(), images, strict=True):
        if image.shape[:2] != (row.height, row.width):
            raise InputError(
                f"{row.path}: {row.image} has {image.shape[1]} x {image.shape[0]} pixels, {row.width} x {row.height} in the "
                "index; it was changed since. Delete the index and run again"
            )


def compute_label_maps(
    index: pd.DataFrame,
    classifier: Classifier,
    view: ViewFamily,
    preprocessing: Preprocessing,
    batch: int,
    writer: LabelMapWriter,
) -> Iterator[int]:
    """Compute and write the label maps of every image in the index, `batch` images at a time.

    Yields the number of images done after each batch. Raises `InputError` naming the image whose logits are not finite.
    """
    cells = range(view.grid**2)
    for rows, images in read_batches(index, batch):
        views = [make_views(image, view, preprocessing, classifier.device, cells) for image in images]
        logits = classifier.logits(torch.cat(views)).unflatten(0, (len(images), view.grid, view.grid))
        log_probability = logits.log_softmax(-1).half()  # nearer to 0 than logits − log_sum_exp, which rounds
        finite = log_probability.isfinite().flatten(1).all(1).cpu().numpy()
        if not finite.all():
            raise InputError(
                f"{rows['image'].iloc[finite.argmin()]}: the network's logits are not finite, or too far apart. Check "
                "the weights, or choose a wider precision (compute.precision)"
            )
        log_sum_exp = logits.logsumexp(-1)
        geometry = [view.geometry(w, h) for w, h in zip(rows["width"], rows["height"], strict=True)]
        writer.append(
            log_probability=log_probability.cpu().numpy(),
            log_sum_exp=log_sum_exp.cpu().numpy(),
            top_label=logits.argmax(-1).short().cpu().numpy(),
            centre=np.stack([g.centre for g in geometry]),
            extent=np.stack([g.extent for g in geometry]),
        )
        yield len(images)
