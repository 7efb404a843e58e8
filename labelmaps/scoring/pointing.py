"""The Pointing Game and its variants: does a point fall on the object, and how large is the object."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal, get_args

import numpy as np
import pandas as pd

Rule = Literal["any", "first", "cells"]
TOLERANCES = (0, 15)  # original pixels; 15 as in Zhang et al. (2018), arXiv 1608.00507
CELLS = 7  # a side, of the authors' rule "cells"
SIZE_BINS = ["< 10 %", "10–25 %", "25–50 %", "50–75 %", "> 75 %"]  # of the image's area


@dataclass(frozen=True)
class Boxes:
    """The boxes of images, one image's after the other's.

    corners: (box, 4), x0, y0, x1, y1, float64. count: (image,), how many each image has.
    """

    corners: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, boxes: "Sequence[np.ndarray] | Boxes") -> "Boxes":
        """Boxes given per image, (box, 4), or as they are."""
        if isinstance(boxes, cls):
            return boxes
        corners = [np.reshape(of_image, (-1, 4)) for of_image in boxes]
        return cls(np.concatenate([np.empty((0, 4)), *corners]), np.array([*map(len, corners)], int))

    @property
    def start(self) -> np.ndarray:
        """Where each image's boxes begin, (image,)."""
        return np.cumsum(self.count) - self.count

    def firsts(self) -> "Boxes":
        """The first box of each image."""
        return Boxes(self.corners[self.start[self.count > 0]], np.minimum(self.count, 1))


def hits(
    x: np.ndarray,
    y: np.ndarray,
    boxes: Sequence[np.ndarray] | Boxes,
    tolerance: float = 0.0,
    *,
    rule: Rule = "any",
    width: np.ndarray | None = None,
    height: np.ndarray | None = None,
    cells: int = CELLS,
) -> np.ndarray:
    """Whether points hit their image's boxes: 1 hit, 0 miss, NaN where the image has no box.

    x, y: (image, …), one point or several per image. boxes: per image (box, 4), x0, y0, x1, y1, corners included;
    `tolerance` widens them; all in original pixels. Returns the shape of x.

    rule: "any": the point lies in any of the image's boxes. "first": in the first one. "cells", the authors' rule: any of
    the boxes overlaps the cell that holds the point, where the image of `width`, `height` (image,) is cut into `cells` ×
    `cells` equal cells; a point outside of the image misses. A cell includes its left and upper edges, and the last ones the
    image's right and lower edges: a hit by "any" in the image is one by "cells".

    Raises ValueError where there are boxes of more or fewer images than of points.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    boxes = Boxes.of(boxes)
    if len(x) != len(boxes.count):
        raise ValueError(f"points in {len(x)} images, boxes of {len(boxes.count)}")
    if rule == "first":
        boxes = boxes.firsts()
    owner = np.repeat(np.arange(len(x)), boxes.count)
    per_image = (-1,) + (1,) * (x.ndim - 1)
    x0, y0, x1, y1 = (corner.reshape(per_image) for corner in boxes.corners.T)
    inside = True
    for point, low, high, side in ((x, x0, x1, width), (y, y0, y1, height)):
        low, high = low - tolerance, high + tolerance
        if rule == "cells":
            side = np.reshape(side, per_image)
            point = np.where((point >= 0) & (point <= side), point, np.nan)  # outside: in no cell
            point = _cell(point, side, cells)
            low, high = (_cell(edge, side[owner], cells) for edge in (low, high))
        inside = inside & (low <= point[owner]) & (point[owner] <= high)
    outcome = np.full(x.shape, np.nan)
    boxed = boxes.count > 0  # reduceat takes an empty range for the element at its start
    outcome[boxed] = np.logical_or.reduceat(inside, boxes.start[boxed], axis=0)
    return outcome


def _cell(position: np.ndarray, side: np.ndarray, cells: int) -> np.ndarray:
    """Row or column of the cell that holds a position along a side; `cells` beyond the image, negative before it."""
    return np.where(position > side, cells, np.minimum(np.floor(position * cells / side), cells - 1))


def object_share(boxes: Sequence[np.ndarray] | Boxes, width: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The part of each image that its boxes cover together, (image,); NaN where it has none.

    boxes: per image (box, 4), in pixels, cut at the image's edges; a box's area is (x1 − x0)(y1 − y0).
    """
    boxes, sides = Boxes.of(boxes), np.column_stack([width, height]).astype(float)
    corners = np.clip(boxes.corners, 0, np.repeat(np.tile(sides, 2), boxes.count, axis=0))
    areas = np.full(len(sides), np.nan)
    one = boxes.count == 1
    start = boxes.start
    areas[one] = (corners[:, 2:] - corners[:, :2])[start[one]].prod(axis=1)
    for i in np.flatnonzero(boxes.count > 1):
        areas[i] = _union(corners[start[i] :][: boxes.count[i]])
    return areas / sides.prod(axis=1)


def _union(corners: np.ndarray) -> float:
    """The area that boxes (box, 4) cover together: a sum over the tiles between all of their edges."""
    covers, lengths = [], []
    for low, high in ((corners[:, 1], corners[:, 3]), (corners[:, 0], corners[:, 2])):
        edges = np.sort(np.concatenate([low, high]))
        covers.append((low[:, None] <= edges[:-1]) & (edges[1:] <= high[:, None]))  # (box, tile)
        lengths.append(np.diff(edges))
    rows, columns = covers
    return lengths[0] @ (rows.T @ columns) @ lengths[1]


def size_bin(share: np.ndarray) -> pd.Categorical:
    """The bin of `SIZE_BINS` of each object's share of its image; 10, 25 and 50 % begin a bin, 75 % ends one."""
    bins = np.searchsorted([0.10, 0.25, 0.50], share, side="right") + (share > 0.75)
    return pd.Categorical.from_codes(np.where(np.isnan(share), -1, bins), SIZE_BINS, ordered=True)


def variants(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    grid_points: np.ndarray,
) -> Iterator[tuple[dict, np.ndarray]]:
    """Play every variant of the Pointing Game, with the baselines beside the methods.

    points: method → x, y of its selected points, each (image,). boxes: per image (box, 4). width, height: (image,). All
    in original pixels. grid_points: (image, row, column, 2), x, y.

    Yields the variant (method, rule, tolerance, subset) and its hits, each in [0, 1], over the images of the subset.
    Methods: those of `points`, then "uniform", the expected hit of a random grid point; "best_cell", the cell that hits
    most often in this very subset (lowest index on a tie); "ceiling", whether any grid point hits. Subsets: "all" images
    with a box, those of each size bin, and "hard", those whose centre misses (rule "any", tolerance 0).
    """
    boxes = Boxes.of(boxes)
    boxed = boxes.count > 0
    boxes = Boxes(boxes.corners, boxes.count[boxed])
    width, height = np.asarray(width)[boxed], np.asarray(height)[boxed]
    n = len(width)
    cells = grid_points[boxed].reshape(n, math.prod(grid_points.shape[1:3]), 2)
    x, y = (
        np.column_stack([*(np.asarray(point[axis])[boxed] for point in points.values()), cells[..., axis]])
        for axis in (0, 1)
    )
    sizes = size_bin(object_share(boxes, width, height))
    subsets = {"all": np.ones(n, bool)} | {size: sizes == size for size in SIZE_BINS}
    subsets["hard"] = hits(width / 2, height / 2, boxes) == 0
    game = partial(hits, x, y, boxes, width=width, height=height)
    for rule, tolerance in product(get_args(Rule), TOLERANCES):
        outcome = game(tolerance, rule=rule)
        for subset, members in subsets.items():
            of_methods, on_grid = np.split(outcome[members], [len(points)], axis=1)
            played = dict(zip(points, of_methods.T, strict=True)) | {
                "uniform": on_grid.mean(axis=1),
                "best_cell": on_grid[:, on_grid.sum(axis=0).argmax()],
                "ceiling": on_grid.max(axis=1),
            }
            for method, hit in played.items():
                yield {"method": method, "rule": rule, "tolerance": tolerance, "subset": subset}, hit
