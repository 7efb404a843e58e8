"""Selection of a fixation from a saliency map."""

from typing import Literal

import numpy as np
import pandas as pd

from labelmaps.errors import InputError

Arrival = Literal["nearest", "index"]


def find_fixations(
    saliency: np.ndarray, point: np.ndarray, centre: np.ndarray, arrival: Arrival = "nearest"
) -> pd.DataFrame:
    """Select the most salient cell of each map, and the view in which the eye arrives.

    saliency: (image, row, column), in the method's units.
    point: (image, row, column, 2), the fixation x, y of each cell, in original pixels.
    centre: (image, row, column, 2), the fixations of the label maps, in original pixels.
    arrival: "nearest" takes the view whose centre is nearest to the point, "index" that of the cell's row and column.

    If cells or views tie, the one with the lowest index is taken. A map with the same value everywhere (as from Grad-CAM if
    no value is positive) is dead: the eye stays at the grid's centre.

    Returns one row per image: row, column of the view; x, y, the selected point in original pixels; peak, the largest value
    of the map; tie, whether several cells have that value; dead.
    Raises `InputError` if arrival is "index" and the maps have another shape than the grid.
    """
    check_arrival(saliency, centre, arrival)
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


def check_arrival(saliency: np.ndarray, centre: np.ndarray, arrival: Arrival) -> None:
    """Raise `InputError` if arrival is "index" and the maps do not have as many rows and columns as the grid.

    saliency: (image, row, column). centre: (image, row, column, 2), the fixations of the label maps.
    """
    if arrival == "index" and saliency.shape[1:] != centre.shape[1:3]:
        rows, columns = saliency.shape[1:]
        raise InputError(
            f"a map of {rows} x {columns} cells has no view by index in a grid of {centre.shape[1]} x {centre.shape[2]}; "
            'set the method\'s arrival to "nearest"'
        )


def nearest_views(point: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Find the view whose centre is nearest to the point of each image, (image,), as numbers of the grid row by row.

    point: (image, 2), x, y in original pixels.
    centre: (image, row, column, 2), in original pixels; the first axis may have length 1, for one image with many points.

    If views tie, the one with the lowest index is taken.
    """
    views = centre.reshape(len(centre), -1, 2)
    return ((views - point[:, None]) ** 2).sum(axis=-1).argmin(axis=1)
