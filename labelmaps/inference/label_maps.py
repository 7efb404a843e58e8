"""From images to label maps: each image is decoded once, its views go through the network, and the logits are stored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from labelmaps.data.batches import IMAGES_MIB
from labelmaps.errors import InputError
from labelmaps.inference.engines import Engine
from labelmaps.inference.parallel import compute_in_batches, name_images
from labelmaps.jobs.progress import progress
from labelmaps.jobs.transfer import PendingArrays
from labelmaps.storage.label_map_file import LabelMapWriter, write_label_maps
from labelmaps.views import View


def write_part(
    path: str | Path,
    index: pd.DataFrame,
    engine: Engine,
    n_labels: int,
    attributes: Mapping[str, object],
    batch: int,
    threads: int,
    title: str,
    images_mib: float = IMAGES_MIB,
) -> float:
    """Compute the label maps of the images of an index, and write them to a file that appears only when it is complete.

    index: one row per image.
    n_labels: the number of the network's logits.
    attributes: the provenance of the label maps, to which the batch size is added.
    batch, threads, images_mib: as for `compute_label_maps`.
    title: the title of the progress bar.

    Returns the seconds from the first image to the last.
    Raises `InputError` as `engine.prepare`, `compute_label_maps` and `write_label_maps` do.
    """
    engine.prepare(batch)
    with (
        write_label_maps(
            path, index["image"].tolist(), engine.view.grid, n_labels, {**attributes, "batch": batch}
        ) as writer,
        progress(total=len(index), unit="image", desc=title) as bar,
    ):
        for n_images in compute_label_maps(index, engine, batch, writer, threads, images_mib):
            bar.update(n_images)
    return bar.format_dict["elapsed"]


def compute_label_maps(
    index: pd.DataFrame,
    engine: Engine,
    batch: int,
    writer: LabelMapWriter,
    threads: int = 1,
    images_mib: float = IMAGES_MIB,
) -> Iterator[int]:
    """Compute the label map of every image of an index, and append it to a file; yield the number of images in each batch.

    index: one row per image.
    batch: the number of views that go through the network together, as `engine.round_batch` returns it.
    writer: the writer of the file.
    threads, images_mib: as for `compute_in_batches`; the results do not depend on them.

    Raises `InputError`, with the first such image, if its logits are not finite.
    """

    def compute(_: pd.DataFrame, images: list[np.ndarray]) -> tuple[PendingArrays, list[tuple[int, int]]]:
        # Take the size from the decoded image: reading it from the (short) DataFrame would be slower.
        return convert_logits(engine.logits(images, batch)), [image.shape[1::-1] for image in images]

    for rows, (label_maps, sizes) in compute_in_batches(
        compute, index, engine.images_at_once(batch), engine.device, threads, images_mib
    ):
        with name_images(rows):  # a GPU reports some errors only when its results are read
            arrays = label_maps.arrays()
        arrays = with_places(arrays, rows["image"].tolist(), sizes, engine.view)
        writer.append(digest=rows["digest"].tolist(), **arrays)
        yield len(rows)


def with_places(
    arrays: Mapping[str, np.ndarray], images: Sequence[str], sizes: Sequence[tuple[int, int]], view: View
) -> dict[str, np.ndarray]:
    """Add the places of the views to the arrays of `convert_logits`: all that a label map file holds of the images.

    images: their ids. sizes: width and height of each. Raises `InputError` that names the image whose logits are not finite.
    """
    arrays = dict(arrays)
    finite = arrays.pop("finite")
    if not finite.all():
        raise InputError(
            f"{images[int(finite.argmin())]}: the network's logits are not finite, or too far apart for the "
            "float16 in which they are stored. Check the weights, or choose a wider precision (compute.precision: "
            "float32)"
        )
    geometry = [view.geometry(*size) for size in sizes]
    return arrays | {name: np.stack([getattr(g, name) for g in geometry]) for name in ("centre", "extent")}


def convert_logits(logits: Tensor) -> PendingArrays:
    """Convert logits (image, row, column, label) to the arrays of a label map file, and start their copy to the CPU.

    The arrays are `log_probability`, `log_sum_exp` and `top_label`, as in `labelmaps.storage.label_map_file`, and `finite`,
    (image,) bool: whether all log-probabilities of an image are finite.
    """
    log_probability = logits.log_softmax(-1).half()  # more exact near 0 than logits − log_sum_exp
    return PendingArrays(
        log_probability=log_probability,
        log_sum_exp=logits.logsumexp(-1),
        top_label=logits.argmax(-1).short(),
        finite=log_probability.isfinite().flatten(1).all(1),
    )
