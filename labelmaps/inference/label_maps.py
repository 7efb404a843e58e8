"""From images to label maps: decode once, make the views, run the network, store the logits."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from labelmaps.data.batches import IMAGES_MIB
from labelmaps.errors import InputError
from labelmaps.inference.engines import Engine
from labelmaps.inference.parallel import compute_in_batches, name_images
from labelmaps.jobs.progress import progress
from labelmaps.jobs.transfer import OnItsWay
from labelmaps.storage.label_map_file import LabelMapWriter, write_label_maps


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
    """Write the label maps of the images of an index to a file that appears under its name only when whole.

    attributes: what made them. batch, threads, images_mib: as in `compute_label_maps`. title: of the progress bar.

    Returns the seconds that it took.
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
    """Compute and write the label maps of every image of an index.

    batch: views that go through the network together, as `engine.round_batch` gives them. threads, images_mib: as in
    `compute_in_batches`; no result depends on them.

    Yields the number of images done after each batch. Raises `InputError` naming the image whose logits are not finite.
    """

    def compute(_: pd.DataFrame, images: list[np.ndarray]) -> tuple[OnItsWay, list[tuple[int, int]]]:
        # Take the size from the decoded image: reading it from the (short) DataFrame would be slower.
        return label_maps_of(engine.logits(images, batch)), [image.shape[1::-1] for image in images]

    for rows, (label_maps, sizes) in compute_in_batches(
        compute, index, engine.images_at_once(batch), engine.device, threads, images_mib
    ):
        with name_images(rows):  # a GPU may report only now what went wrong
            arrays = label_maps.arrays()
        finite = arrays.pop("finite")
        if not finite.all():
            raise InputError(
                f"{rows['image'].iloc[finite.argmin()]}: the network's logits are not finite, or too far apart. Check "
                "the weights, or choose a wider precision (compute.precision)"
            )
        geometry = [engine.view.geometry(*size) for size in sizes]
        centre, extent = (np.stack([getattr(g, name) for g in geometry]) for name in ("centre", "extent"))
        writer.append(digest=rows["digest"].tolist(), **arrays, centre=centre, extent=extent)
        yield len(rows)


def label_maps_of(logits: Tensor) -> OnItsWay:
    """Convert logits (image, row, column, label) to what a label map file holds, and to which images are `finite`."""
    log_probability = logits.log_softmax(-1).half()  # nearer to 0 than logits − log_sum_exp, which rounds
    return OnItsWay(
        log_probability=log_probability,
        log_sum_exp=logits.logsumexp(-1),
        top_label=logits.argmax(-1).short(),
        finite=log_probability.isfinite().flatten(1).all(1),
    )
