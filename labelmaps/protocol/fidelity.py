"""Fidelity: what a faster way to compute label maps changes, beside the reference on the same images.

The reference is the exact engine in float32, as it was written, not compiled.
"""

import numpy as np
import pandas as pd

from labelmaps.scoring.statistics import interval_fields, mcnemar, paired_difference, proportion


def flips(top_label: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Compute the share of views, and of x₀, whose top label differs from the reference; both (image, row, column)."""
    flipped = top_label != reference
    _, rows, columns = flipped.shape
    initial = flipped[:, rows // 2, columns // 2]
    fields = {"views": flipped.size, "views_flipped": int(flipped.sum())}
    fields |= interval_fields("views_flipped_share", proportion(flipped.sum(), flipped.size))
    return fields | interval_fields("x0_flipped_share", proportion(initial.sum(), initial.size))


def changes(outcomes: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Compare accuracies with the reference: before the saccade, and after that of each method.

    outcomes, reference: as from `read_protocol`. Returns one row per measure; corrected and broken count the images that are
    right in one of the two alone; p_mcnemar is exact.
    """
    rows = []
    for measure in reference.columns:
        ours, theirs = outcomes[measure].to_numpy(), reference[measure].to_numpy()
        corrected, broken, p = mcnemar(theirs, ours)
        row = {"measure": measure, "n_images": len(ours)}
        for name, right in (("accuracy_reference", theirs), ("accuracy_run", ours)):
            row |= interval_fields(name, proportion(right.sum(), len(right)))
        row |= interval_fields("change", paired_difference(theirs, ours))
        rows.append(row | {"corrected": corrected, "broken": broken, "p_mcnemar": p})
    return pd.DataFrame(rows)
