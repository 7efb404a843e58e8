"""From images to label maps: decode once, make the views, ask the network, store what it says."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from torch import Tensor

from labelmaps.errors import InputError
from labelmaps.inference.engines import Engine
from labelmaps.inference.parallel import ask_of_batches, naming
from labelmaps.jobs.transfer import OnItsWay
from labelmaps.storage.label_map_file import LabelMapWriter


def label_maps_of(logits: Tensor) -> OnItsWay:
    """What a label map file holds of logits (image, row, column, label), and which of the images are `finite`."""
    log_probability = logits.log_softmax(-1).half()  # nearer to 0 than logits − log_sum_exp, which rounds
    return OnItsWay(
        log_probability=log_probability,
        log_sum_exp=logits.logsumexp(-1),
        top_label=logits.argmax(-1).short(),
        finite=log_probability.isfinite().flatten(1).all(1),
    )


def compute_label_maps(
    index: pd.DataFrame, engine: Engine, batch: int, writer: LabelMapWriter, threads: int = 1
) -> Iterator[int]:
    """Compute and write the label maps of every image in the index.

    batch: views that go through the network together, as the engine can have them. threads: as in `ask_of_batches`; no
    result depends on them. Yields the number of images done after each batch. Raises `InputError` naming the image whose
    logits are not finite.
    """

    def ask(_: pd.DataFrame, images: list[np.ndarray]) -> tuple[OnItsWay, list[tuple[int, int]]]:
        # The images' own sizes, which the index says, too: a table of few rows takes longer to ask.
        return label_maps_of(engine.logits(images, batch)), [image.shape[1::-1] for image in images]

    for rows, (label_maps, sizes) in ask_of_batches(
        ask, index, engine.images_at_once(batch), engine.device, threads
    ):
        with naming(rows):  # a GPU may tell only now what went wrong
            arrays = label_maps.arrays()
        finite = arrays.pop("finite")
        if not finite.all():
            raise InputError(
                f"{rows['image'].iloc[finite.argmin()]}: the network's logits are not finite, or too far apart. Check "
                "the weights, or choose a wider precision (compute.precision)"
            )
        geometry = [engine.view.geometry(*size) for size in sizes]
        centre, extent = (np.stack([getattr(g, name) for g in geometry]) for name in ("centre", "extent"))
        writer.append(**arrays, centre=centre, extent=extent)
        yield len(rows)
