"""Readings of the paper's protocol: how right the network is after the saccade of each of its methods."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from labelmaps.fixations import Arrival, select_fixations
from labelmaps.label_map_file import LabelMaps
from labelmaps.methods import igub, likelihood, max_logit
from labelmaps.saliency_file import SaliencyMaps

ON_LABEL_MAPS = {"likelihood": likelihood, "max_logit": max_logit, "igub": igub}
ON_GLIMPSES = ("gradcam", "dff")


def label_map_saliency(blocks: Iterable[LabelMaps], label: np.ndarray) -> dict[str, np.ndarray]:
    """Method → saliency maps (image, row, column) of those of the paper's methods that look at label maps.

    blocks: the label maps of all images, in order. label: (image,).
    """
    maps: dict[str, list[np.ndarray]] = {method: [] for method in ON_LABEL_MAPS}
    start = 0
    for block in blocks:
        stop = start + len(block.image)
        for method, module in ON_LABEL_MAPS.items():
            cue = label[start:stop] if module.CUE == "cued" else None
            maps[method].append(module.saliency(block, cue))
        start = stop
    return {method: np.concatenate(of_blocks) for method, of_blocks in maps.items()}


def read_protocol(
    maps: Mapping[str, np.ndarray],
    glimpses: Mapping[str, SaliencyMaps],
    centre: np.ndarray,
    top_label: np.ndarray,
    label: np.ndarray,
    arrival: Arrival,
) -> pd.DataFrame:
    """Is the network right before the saccade, and after that of each method? Boolean columns, one row per image.

    maps: as from `label_map_saliency`. glimpses: method → its maps. centre: (image, row, column, 2), where the views look.
    top_label: (image, row, column). label: (image,). arrival: as in `select_fixations`.
    """
    _, rows, columns = top_label.shape
    salient = {method: (saliency, centre) for method, saliency in maps.items()}
    salient |= {method: (glimpse.saliency, glimpse.point) for method, glimpse in glimpses.items()}
    outcomes = {"before": top_label[:, rows // 2, columns // 2] == label}
    for method, (saliency, point) in salient.items():
        fixations = select_fixations(saliency, point, centre, arrival)
        after = top_label[np.arange(len(label)), fixations["row"], fixations["column"]]
        outcomes[method] = after == label
    return pd.DataFrame(outcomes)
