"""Groups of cases by what is known of their images, and the accuracy before and after a saccade in each."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from labelmaps.data.boxes import Boxes, object_share
from labelmaps.scoring.pointing import fills_grid, size_bin
from labelmaps.scoring.statistics import (
    count_images,
    interval_fields,
    mean_interval,
    paired_mean_difference,
)

DISTANCE_EDGES = (0.05, 0.1, 0.2)  # of the image's sides; each begins a bin
DISTANCE_BINS = ["< 0.05", "0.05–0.1", "0.1–0.2", "> 0.2"]
MASKS = ["not full", "full"]
NUMBERS = ["1", "2", "3 or more"]
YES, NO = "yes", "no"


def list_groups(
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    factors: pd.DataFrame | None = None,
) -> dict[str, pd.Categorical]:
    """Divide cases into groups, once per factor: factor → the level of each case, (case,), null where it has none.

    boxes: per case (box, 4), in original pixels. width, height: (case,), of the image, in original pixels.
    factors: one boolean column per further factor, null where it is not known of a case; its levels are "yes" and "no".

    The factor "all" has one level. If some case has a box there are four others, null for cases without: "share", the
    fraction of the image that the boxes cover together; "distance", from the image's centre to the centre of the nearest
    box, as fractions of width and height; "mask", whether the boxes fill the grid of 7 × 7 cells, for which the authors
    leave an image out (`fills_grid`); "boxes", their number.
    """
    all_boxes = Boxes.of(boxes)
    n = len(all_boxes.count)
    groups = {"all": pd.Categorical.from_codes(np.zeros(n, int), ["all"])}
    has_box = all_boxes.count > 0
    if has_box.any():
        groups["share"] = size_bin(object_share(all_boxes, width, height))
        # Rounded, since 0.6 − 0.5 is less than 0.1 in floating point.
        away = centre_distance(all_boxes, width, height).round(9)
        distance = np.searchsorted(DISTANCE_EDGES, away, side="right")
        mask = fills_grid(all_boxes, width, height).astype(int)
        number = np.minimum(all_boxes.count, len(NUMBERS)) - 1
        for name, code, levels in (
            ("distance", distance, DISTANCE_BINS),
            ("mask", mask, MASKS),
            ("boxes", number, NUMBERS),
        ):
            groups[name] = pd.Categorical.from_codes(np.where(has_box, code, -1), levels)
    if factors is not None:
        for name in factors:
            code = factors[name].map({True: 0, False: 1}).fillna(-1)
            groups[name] = pd.Categorical.from_codes(code.to_numpy(int), [YES, NO])
    return groups


def centre_distance(boxes: Boxes, width: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Compute the distance from the image's centre to the centre of the nearest box, (image,); ∞ without a box.

    width, height: (image,), in original pixels. Horizontal distances are fractions of the width, vertical ones of the
    height.
    """
    sides = np.repeat(np.column_stack([width, height]), boxes.count, axis=0)
    centres = (boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2 / sides - 0.5
    nearest = np.full(len(boxes.count), np.inf)
    np.minimum.at(nearest, np.repeat(np.arange(len(boxes.count)), boxes.count), np.hypot(*centres.T))
    return nearest


def gains_table(
    before: np.ndarray,
    after: np.ndarray,
    groups: Mapping[str, pd.Categorical],
    image: np.ndarray | None = None,
) -> pd.DataFrame:
    """Summarise the accuracy of a method before and after the saccade, in each group of cases.

    before, after: (case,), boolean, whether the method is right. groups: as from `list_groups`. image: (case,), a number of
    the image of each case; None where each image shows one class.

    Returns one row per factor and level that has a case: factor, level, n_images (and n_cases where images show several
    classes); accuracy_before, accuracy_after and gain, with 95 % intervals, whose units are images.
    """
    rows = []
    for factor, levels in groups.items():
        for code, level in enumerate(levels.categories):
            cases = np.flatnonzero(levels.codes == code)
            if len(cases) == 0:
                continue
            there = image if image is None else image[cases]
            row: dict[str, object] = {"factor": factor, "level": level}
            row["n_images"] = count_images(there, len(cases))
            if image is not None:
                row["n_cases"] = len(cases)
            row |= interval_fields("accuracy_before", mean_interval(before[cases], there))
            row |= interval_fields("accuracy_after", mean_interval(after[cases], there))
            rows.append(
                row | interval_fields("gain", paired_mean_difference(before[cases], after[cases], there))
            )
    return pd.DataFrame(rows)
