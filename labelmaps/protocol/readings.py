"""Readings of the paper's protocol: whether the network is right after the saccade of each of the paper's methods."""

from collections.abc import Iterable, Mapping
from types import ModuleType

import numpy as np
import pandas as pd

from labelmaps.methods import igub, likelihood, max_logit
from labelmaps.scoring.fixations import Arrival, find_fixations
from labelmaps.scoring.statistics import (
    count_units,
    interval_fields,
    mean_interval,
    number_images,
    paired_difference,
)
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.saliency_file import SaliencyMaps

ON_LABEL_MAPS: dict[str, ModuleType] = {"likelihood": likelihood, "max_logit": max_logit, "igub": igub}
ON_GLIMPSES = ("gradcam", "dff")
GLIMPSES = 2  # the number of views that a method on x₀ needs: x₀, and the one after the saccade
EITHER = "either"  # the arrival where the nearest view and the view by index are the same
ARRIVALS = {"nearest": ", nearest view", "index": ", view by index", EITHER: ""}


def label_map_saliency(blocks: Iterable[LabelMaps], label: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the saliency maps of the paper's methods on label maps.

    blocks: the label maps of all images, in order. label: (image,), k*.

    Returns method → saliency maps (image, row, column).
    """
    maps: dict[str, list[np.ndarray]] = {method: [] for method in ON_LABEL_MAPS}
    start = 0
    for block in blocks:
        stop = start + len(block.image)
        for method, module in ON_LABEL_MAPS.items():
            cue = label[start:stop] if module.CUE == "cued" else None
            maps[method].append(module.saliency(block, cue))
        start = stop
    return {method: np.concatenate(blocks_of_method) for method, blocks_of_method in maps.items()}


def read_protocol(
    maps: Mapping[str, np.ndarray],
    glimpses: Mapping[str, SaliencyMaps],
    centre: np.ndarray,
    top_label: np.ndarray,
    label: np.ndarray,
    arrival: Arrival,
) -> pd.DataFrame:
    """Compute the outcomes through one view: whether the network is right before the saccade, and after that of each method.

    maps: as from `label_map_saliency`.
    glimpses: method → its saliency maps, of methods on the activations at x₀.
    centre: (image, row, column, 2), the fixations of the label maps, in original pixels.
    top_label: (image, row, column).
    label: (image,), k*.
    arrival: as in `find_fixations`.

    Returns one row per image and boolean columns: `before`, and one per method.
    """
    _, rows, columns = top_label.shape
    maps_and_points = {method: (saliency, centre) for method, saliency in maps.items()}
    maps_and_points |= {method: (glimpse.saliency, glimpse.point) for method, glimpse in glimpses.items()}
    outcomes = {"before": top_label[:, rows // 2, columns // 2] == label}
    for method, (saliency, point) in maps_and_points.items():
        fixations = find_fixations(saliency, point, centre, arrival)
        after = top_label[np.arange(len(label)), fixations["row"], fixations["column"]]
        outcomes[method] = after == label
    return pd.DataFrame(outcomes)


def readings_of(view: str, outcomes: pd.DataFrame) -> dict[str, tuple[dict[str, str], pd.DataFrame]]:
    """Divide the outcomes of one view into readings: name → (view and arrival, outcomes).

    view: its name. outcomes: as from `read_protocol` for each arrival, with the columns arrival and image added, and label
        where images show several classes.

    If the arrivals agree on every image there is one reading, with the arrival "either", else one for each arrival. The
    outcomes of a reading are indexed by image, or by image and label.
    """
    keys = [key for key in ("image", "label") if key in outcomes]
    arrivals = {
        str(arrival): rows.set_index(keys if len(keys) > 1 else "image").drop(columns="arrival")
        for arrival, rows in outcomes.groupby("arrival", sort=False)
    }
    first, *others = arrivals.values()
    if others and all(other.equals(first) for other in others):
        arrivals = {EITHER: first}
    return {
        f"{view}{ARRIVALS[arrival]}": ({"view": view, "arrival": arrival}, table)
        for arrival, table in arrivals.items()
    }


def accuracies(outcomes: pd.DataFrame, method: str) -> dict[str, float]:
    """Compute the accuracy before and after the saccade of a method, and the gain between them, with 95 % intervals.

    outcomes: as from `read_protocol`, with the further column image, which is needed where images show several classes.
    method: a column of outcomes.

    Returns fields as in the summary: n_images, n_cases where images show several classes, and the three with their
    intervals.
    """
    before, after = outcomes["before"].to_numpy(), outcomes[method].to_numpy()
    image = number_images(outcomes["image"]) if "image" in outcomes else None
    measures = {
        "accuracy_before": mean_interval(before, image),
        "accuracy_after": mean_interval(after, image),
        "gain": paired_difference(before, after, image),
    }
    fields: dict[str, float] = {**count_units(image, len(outcomes))}
    for name, interval in measures.items():
        fields |= interval_fields(name, interval)
    return fields
