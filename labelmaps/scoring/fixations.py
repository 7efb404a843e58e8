"""From a saliency map to a fixation."""

from typing import Literal

import numpy as np
import pandas as pd

from labelmaps.errors import InputError

Arrival = Literal["nearest", "index"]


def select_fixations(
    saliency: np.ndarray, point: np.ndarray, centre: np.ndarray, arrival: Arrival = "nearest"
) -> pd.DataFrame:
    """Select the most salient cell of each map, and the view to which the eye then moves.

    saliency: (image, row, column). point: (image, row, column, 2), x, y that each cell stands for; centre: (image, row,
    column, 2), where the views look; both in original pixels. The view is the one whose centre is nearest to the selected
    point, or, with arrival "index", that of the cell's row and column; lowest index where cells or views tie. A dead map
    (the same value everywhere, as Grad-CAM's when nothing is positive) says nothing: its eye stays at the grid's centre.
    Raises `InputError` for "index" where maps and grid differ in shape.

    Returns one row per image: row, column of the view; x, y, the selected point in original pixels; peak, the map's
    largest value; tie, whether several cells have it; dead.
    """
    if arrival == "index" and saliency.shape != centre.shape[:-1]:
        rows, columns = saliency.shape[1:]
        raise InputError(
            f"a map of {rows} x {columns} cells has no view by index in a grid of {centre.shape[1]} x {centre.shape[2]}; "
            "take the nearest view"
        )
    n = len(saliency)
    image = np.arange(n)
    flat = saliency.reshape(n, -1)
    peak = flat.max(axis=1)
    dead = peak == flat.min(axis=1)
    cell = flat.argmax(axis=1)
    selected = point.reshape(n, -1, 2)[image, cell]
    selected[dead] = centre[dead, centre.shape[1] // 2, centre.shape[2] // 2]
    nearest = nearest_views(selected, centre)
    view = np.where(dead, nearest, cell) if arrival == "index" else nearest
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


def nearest_views(point: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The view whose centre is nearest to each image's point, counted row by row; the lowest where several are.

    point: (image, 2); centre: (image, row, column, 2), or one image's for all points; in original pixels.
    """
    views = centre.reshape(len(centre), -1, 2)
    return ((views - point[:, None]) ** 2).sum(axis=-1).argmin(axis=1)
