"""Scores of a fixation: whether the network is right before and after the saccade, and the Pointing Game."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from labelmaps.scoring.pointing import hits

HIT, MISS, SKIPPED = "hit", "miss", "skipped"


def compute_scores(
    fixations: pd.DataFrame,
    label: np.ndarray,
    boxes: Sequence[np.ndarray],
    top_label: np.ndarray,
    tolerance: float = 0.0,
    image: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score the fixation of each case (an image, or an image and one of its classes where images show several).

    fixations: as from `find_fixations`, with the further column own_label, the label that the method itself gives, or null.
    label: (case,), k*.
    boxes: per case (box, 4), in original pixels.
    top_label: (case, row, column).
    tolerance: the tolerance of the Pointing Game, in original pixels.
    image: (case,), a number of the image of each case; None where each image shows one class.

    Returns one row per case: label; predicted_before, correct_before, of x₀; predicted_after, correct_after, of the view
    after the saccade alone; own_label and correct_own (null where the method gives no label); pointing ("hit", "miss",
    "skipped"); reason, why it was skipped; dead, whether the map has the same value everywhere; outer_ring, whether the view
    after the saccade lies in the outer ring of the grid, if this has an inner part. Where images show several
    classes also correct_before_any, correct_after_any: whether the top label is any of the image's classes.
    """
    _, rows, columns = top_label.shape
    before = top_label[:, rows // 2, columns // 2]
    after = top_label[np.arange(len(label)), fixations["row"], fixations["column"]]
    own_label = fixations["own_label"].array
    hit = hits(fixations["x"], fixations["y"], boxes, tolerance)
    table = pd.DataFrame(
        {
            "label": label,
            "predicted_before": before,
            "predicted_after": after,
            "correct_before": before == label,
            "correct_after": after == label,
            "own_label": own_label,
            "correct_own": own_label == label,
            "pointing": np.select([hit == 1, hit == 0], [HIT, MISS], SKIPPED),
            "reason": np.where(np.isnan(hit), "no box", ""),
            "dead": fixations["dead"].to_numpy(),
            "outer_ring": is_in_outer_ring(
                fixations["row"].to_numpy(), fixations["column"].to_numpy(), rows, columns
            ),
        }
    )
    if image is not None:
        for name, top in (("correct_before_any", before), ("correct_after_any", after)):
            table[name] = is_any_label(top, label, image)
    return table


def is_in_outer_ring(row: np.ndarray, column: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return whether views lie in the outer ring of a grid; none does in a grid without an inner part.

    row, column: (view,), from 0. rows, columns: the size of the grid.
    """
    is_outer = np.isin(row, (0, rows - 1)) | np.isin(column, (0, columns - 1))
    return is_outer & (min(rows, columns) > 2)


def is_any_label(top: np.ndarray, label: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return whether the top label of a case is the label of any case of the same image, (case,).

    top, label: (case,), the top label and k*. image: (case,), a number of the image of each case.
    """
    n_labels = max(top.max(initial=0), label.max(initial=0)).astype(np.int64) + 1
    return np.isin(image * n_labels + top, image * n_labels + label)
