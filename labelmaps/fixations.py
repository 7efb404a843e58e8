"""From a saliency map to a fixation."""

import numpy as np
import pandas as pd


def select_fixations(saliency: np.ndarray, point: np.ndarray, centre: np.ndarray) -> pd.DataFrame:
    """Select the most salient cell of each map, and the view to which the eye then moves.

    saliency: (image, row, column). point: (image, row, column, 2), x, y that each cell stands for; centre: (image, row,
    column, 2), where the views look; both in original pixels. The view is the one whose centre is nearest to the selected
    point; lowest index where cells or views tie. A dead map (the same value everywhere, as Grad-CAM's when nothing is
    positive) says nothing: its eye stays at the grid's centre.

    Returns one row per image: row, column of the view; x, y, the selected point in original pixels; peak, the map's
    largest value; tie, whether several cells have it; dead.
    """
    n = len(saliency)
    image = np.arange(n)
    flat = saliency.reshape(n, -1)
    peak = flat.max(axis=1)
    dead = peak == flat.min(axis=1)
    views = centre.reshape(n, -1, 2)
    selected = point.reshape(n, -1, 2)[image, flat.argmax(axis=1)]
    selected[dead] = centre[dead, centre.shape[1] // 2, centre.shape[2] // 2]
    view = ((views - selected[:, None]) ** 2).sum(axis=-1).argmin(axis=1)
    row, column = np.divmod(view, centre.shape[2])
    return pd.DataFrame(
        {
            "row": row.astype(np.int16),
            "column": column.astype(np.int16),
            "x": selected[:, 0],
            "y": selected[:, 1],
            "peak": peak.astype(np.float32),
            "tie": ((flat == peak[:, None]).sum(axis=1) > 1) & ~dead,
            "dead": dead,
        }
    )
