"""Fidelity: how much label maps that are computed in a faster way differ from the reference on the same images.

The reference is computed with the exact engine in float32, not compiled.
"""

import numpy as np
import pandas as pd

from labelmaps.scoring.statistics import (
    count_units,
    interval_fields,
    mcnemar,
    mean_interval,
    paired_difference,
    proportion,
)


def flips(top_label: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Compute the fraction of all views, and of those at x₀, whose top label differs from the reference.

    top_label, reference: (image, row, column).

    Returns views and views_flipped, their numbers; views_flipped_share and x0_flipped_share, each also with `_low` and
    `_high`, its 95 % interval.
    """
    is_flipped = top_label != reference
    _, rows, columns = is_flipped.shape
    initial = is_flipped[:, rows // 2, columns // 2]
    fields: dict[str, float] = {"views": is_flipped.size, "views_flipped": int(is_flipped.sum())}
    fields |= interval_fields("views_flipped_share", proportion(is_flipped.sum(), is_flipped.size))
    return fields | interval_fields("x0_flipped_share", proportion(initial.sum(), initial.size))


def changes(outcomes: pd.DataFrame, reference: pd.DataFrame, image: np.ndarray | None = None) -> pd.DataFrame:
    """Compare accuracies with those of the reference: before the saccade, and after the saccade of each method.

    outcomes, reference: as from `labelmaps.protocol.readings.read_protocol`, of the same images in the same order.
    image: (case,), a number of the image of each row; None where each image shows one class.

    Returns one row per column of outcomes: measure, its name; n_images, and n_cases where images show several classes;
    accuracy_reference, accuracy_run and change, run − reference, with 95 % intervals; corrected and broken, the numbers of
    images that are right only in the run and only in the reference; p_mcnemar, McNemar's exact p.
    """
    rows = []
    for measure in reference.columns:
        ours, theirs = outcomes[measure].to_numpy(), reference[measure].to_numpy()
        corrected, broken, p = mcnemar(theirs, ours, image)
        row = {"measure": measure} | count_units(image, len(ours))
        for name, is_right in (("accuracy_reference", theirs), ("accuracy_run", ours)):
            row |= interval_fields(name, mean_interval(is_right, image))
        row |= interval_fields("change", paired_difference(theirs, ours, image))
        rows.append(row | {"corrected": corrected, "broken": broken, "p_mcnemar": p})
    return pd.DataFrame(rows)
