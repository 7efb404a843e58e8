"""Was the saccade worth it? Accuracy before and after it, and the Pointing Game."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

HIT, MISS, SKIPPED = "hit", "miss", "skipped"


def pointing_game(x: float, y: float, boxes: np.ndarray, tolerance: float = 0.0) -> str:
    """Does the point x, y fall in any of the boxes (box, 4)? "hit", "miss", or "skipped" where there is no box.

    Boxes are x0, y0, x1, y1, corners included, and `tolerance` widens them; all in original pixels.
    """
    if len(boxes) == 0:
        return SKIPPED
    x0, y0, x1, y1 = np.asarray(boxes).reshape(-1, 4).T
    inside = (x0 - tolerance <= x) & (x <= x1 + tolerance) & (y0 - tolerance <= y) & (y <= y1 + tolerance)
    return HIT if inside.any() else MISS


def score_fixations(
    fixations: pd.DataFrame,
    label: np.ndarray,
    boxes: Sequence[np.ndarray],
    top_label: np.ndarray,
    tolerance: float = 0.0,
) -> pd.DataFrame:
    """Score the fixation of each image.

    fixations: as from `select_fixations`, and own_label, the label that the method itself gives, or null. label: (image,).
    boxes: per image (box, 4), original pixels. top_label: (image, row, column), the label predicted from each view.
    tolerance: of the Pointing Game, in original pixels.

    Returns one row per image: label; predicted_before, correct_before at x₀; predicted_after, correct_after at the selected
    fixation's view, from that view alone; own_label and correct_own (null where the method gives no label); pointing ("hit",
    "miss", "skipped"); reason why it was skipped; dead, whether the map said nothing.
    """
    _, rows, columns = top_label.shape
    before = top_label[:, rows // 2, columns // 2]
    after = top_label[np.arange(len(label)), fixations["row"], fixations["column"]]
    own_label = fixations["own_label"].array
    pointing = [
        pointing_game(x, y, image_boxes, tolerance)
        for x, y, image_boxes in zip(fixations["x"], fixations["y"], boxes, strict=True)
    ]
    return pd.DataFrame(
        {
            "label": label,
            "predicted_before": before,
            "predicted_after": after,
            "correct_before": before == label,
            "correct_after": after == label,
            "own_label": own_label,
            "correct_own": own_label == label,
            "pointing": pointing,
            "reason": ["no box" if outcome == SKIPPED else "" for outcome in pointing],
            "dead": fixations["dead"].to_numpy(),
        }
    )
