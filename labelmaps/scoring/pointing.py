"""The Pointing Game and its variants: whether a point falls on the object, and how large the object is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from labelmaps.data.boxes import Boxes, object_share

Rule = Literal["any", "first", "cells", "disc"]
RULES: tuple[Rule, ...] = ("any", "first", "cells")  # for every data set
DISC: Rule = "disc"  # in addition, for data sets whose images show several classes
TOLERANCES = (0, 15)  # original pixels; 15 as in Zhang et al. (2018), arXiv 1608.00507
CELLS = 7  # along each side, for the authors' rule "cells"
UNFILLED = "unfilled"  # the subset of images in which that rule leaves some cell free
DIFFICULT = "difficult"  # the subset of Zhang et al. (2018), section 5.1
DIFFICULT_SHARE = 0.25  # of the image's area: the boxes of the class cover less
SIZE_BINS = ["< 10 %", "10–25 %", "25–50 %", "50–75 %", "> 75 %"]  # of the image's area


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
    """Decide whether points hit the boxes of their image: 1 hit, 0 miss, NaN where the image has no box.

    x, y: (image, …), one point or several per image, in original pixels.
    boxes: per image (box, 4), x0, y0, x1, y1, edges included, in original pixels.
    tolerance: the distance by which the boxes are extended on each side, in original pixels.
    rule: "any": a hit lies in any box of the image. "first": in its first box. "cells", the authors' rule: the image is
        divided into `cells` × `cells` equal cells, and a hit lies in a cell whose centre lies in any box; a point outside
        the image misses. "disc": a hit lies in any box, or nearer to its edge than the tolerance, in a straight line (with
        "any", the tolerance makes a larger box of each).
    width, height: (image,), in original pixels, for the rule "cells".
    cells: the number of cells along each side, for the rule "cells".

    A cell includes its left and upper edges, and the last ones also the image's right and lower edges.

    Returns an array of the shape of x. Raises `ValueError` if there are boxes of more or fewer images than of points.
    Source of "cells": `get_mask_from_bb` and `get_ground_true` in the authors' code (github.com/bicv/Retinotopy), which
    bring the mask of the boxes' pixels to 7 × 7 by bilinear sampling and round it; a sample, at a cell's centre, is rounded
    to 1 where the centre lies in a box. Source of "disc": TorchRay (github.com/facebookresearch/TorchRay),
    `PointingGame.evaluate`, which measures the distance to the middle of the nearest pixel in a box; here it is the distance
    to the box's edge.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    boxes = Boxes.of(boxes)
    if len(x) != len(boxes.count):
        raise ValueError(f"points in {len(x)} images, boxes of {len(boxes.count)}")
    if rule == "first":
        boxes = boxes.firsts()
    if rule == "cells":
        assert width is not None  # the rule needs the size of the image
        assert height is not None
        x, y = centre_of_cell(x, width, cells), centre_of_cell(y, height, cells)
    owner = np.repeat(np.arange(len(x)), boxes.count)
    x0, y0, x1, y1 = (np.reshape(corner, (-1,) + (1,) * (x.ndim - 1)) for corner in boxes.corners.T)
    inside: bool | np.ndarray = True
    if rule == "disc":
        beside = [
            np.maximum(np.maximum(low - point[owner], point[owner] - high), 0)
            for point, low, high in ((x, x0, x1), (y, y0, y1))
        ]
        distance = np.hypot(*beside)
        inside = (distance == 0) | (distance < tolerance)
    else:
        for point, low, high in ((x, x0, x1), (y, y0, y1)):
            inside = inside & (low - tolerance <= point[owner]) & (point[owner] <= high + tolerance)
    outcome = np.full(x.shape, np.nan)
    has_box = boxes.count > 0  # for an image without boxes reduceat would return another image's value
    outcome[has_box] = np.logical_or.reduceat(inside, boxes.start[has_box], axis=0)
    return outcome


def centre_of_cell(position: np.ndarray, side: np.ndarray, cells: int) -> np.ndarray:
    """Compute the centre of the row or column of cells in which each position lies; NaN outside the image.

    position: (image, …), x or y in original pixels. side: (image,), the width or height. cells: their number along the side.
    """
    side = np.reshape(side, (-1,) + (1,) * (position.ndim - 1))
    cell = np.minimum(np.floor(position * cells / side), cells - 1)
    return np.where((position >= 0) & (position <= side), (cell + 0.5) * side / cells, np.nan)


def fills_grid(
    boxes: Sequence[np.ndarray] | Boxes, width: np.ndarray, height: np.ndarray, cells: int = CELLS
) -> np.ndarray:
    """Return for each image whether every cell hits by the rule "cells", (image,) boolean; False where it has no box.

    boxes: per image (box, 4). width, height: (image,), in original pixels. cells: their number along each side.

    The authors leave such images out when they evaluate Grad-CAM, since no point could miss.
    """
    boxes = Boxes.of(boxes)
    share = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(share, share)
    x, y = (axis.ravel() * np.reshape(side, (-1, 1)) for axis, side in ((x, width), (y, height)))
    return (hits(x, y, boxes, rule="cells", width=width, height=height, cells=cells) == 1).all(axis=1)


def size_bin(share: np.ndarray) -> pd.Categorical:
    """Return the bin in `SIZE_BINS` of each share of an image, null for NaN; 10, 25 and 50 % begin a bin, 75 % ends one.

    share: (image,), fractions.
    """
    bins = np.searchsorted([0.10, 0.25, 0.50], share, side="right") + (share > 0.75)
    return pd.Categorical.from_codes(np.where(np.isnan(share), -1, bins), SIZE_BINS, ordered=True)


def list_subsets(
    boxes: Sequence[np.ndarray] | Boxes,
    width: np.ndarray,
    height: np.ndarray,
    image: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the subsets of the Pointing Game (see `variants`): name → whether each case belongs to it, (case,).

    boxes: per case (box, 4), in original pixels. width, height: (case,). image: (case,), a number of the image of each case;
    None where each image shows one class.
    """
    all_boxes = Boxes.of(boxes)
    width, height = np.asarray(width), np.asarray(height)
    has_box = all_boxes.count > 0
    share = object_share(all_boxes, width, height)
    sizes = size_bin(share)
    subsets = {"all": has_box} | {size: np.asarray(sizes == size) for size in SIZE_BINS}
    subsets["hard"] = hits(width / 2, height / 2, all_boxes) == 0
    subsets[UNFILLED] = has_box & ~fills_grid(all_boxes, width, height)
    if image is not None:
        is_beside_another = np.bincount(image)[image] > 1
        subsets[DIFFICULT] = (share < DIFFICULT_SHARE) & is_beside_another  # without a box the share is NaN
    return subsets


def variants(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    boxes: Sequence[np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    grid_points: np.ndarray,
    image: np.ndarray | None = None,
) -> Iterator[tuple[dict, np.ndarray]]:
    """Play every variant of the Pointing Game, with the methods and with baselines.

    points: method → x, y of its selected points, each (image,), in original pixels.
    boxes: per image (box, 4), in original pixels.
    width, height: (image,), in original pixels.
    grid_points: (image, row, column, 2), the fixations x, y of the grid, in original pixels.
    image: (case,), a number of the image of each case, where images show several classes: all other arguments then have one
        row per case, and the rule "disc" and the subset "difficult" are played, too.

    Yields each variant (method, rule, tolerance, subset) and its hits, in [0, 1], for the images of the subset.
    Methods: those in `points`; "uniform", the expected hit of a random fixation of the grid; "best_cell", the cell that hits
    most often in this very subset (the lowest index in a tie); "ceiling", whether any fixation of the grid hits.
    Subsets: "all" images with a box; those of each size bin; "hard", those whose centre misses (rule "any", tolerance 0);
    "unfilled", those that the authors do not leave out (`fills_grid`); "difficult", the cases whose boxes cover less than a
    quarter of an image that shows another class as well.
    """
    all_boxes = Boxes.of(boxes)
    subsets = list_subsets(all_boxes, width, height, image)
    has_box = subsets["all"]
    image_boxes = Boxes(all_boxes.corners, all_boxes.count[has_box])
    width, height = np.asarray(width)[has_box], np.asarray(height)[has_box]
    n = len(width)
    cells = grid_points[has_box].reshape(n, math.prod(grid_points.shape[1:3]), 2)
    x, y = (
        np.column_stack([*(np.asarray(point[axis])[has_box] for point in points.values()), cells[..., axis]])
        for axis in (0, 1)
    )
    game = partial(hits, x, y, image_boxes, width=width, height=height)
    for rule, tolerance in product(RULES if image is None else (*RULES, DISC), TOLERANCES):
        outcome = game(tolerance, rule=rule)
        for subset, members in subsets.items():
            method_hits, grid_hits = np.split(outcome[members[has_box]], [len(points)], axis=1)
            all_hits = dict(zip(points, method_hits.T, strict=True)) | {
                "uniform": grid_hits.mean(axis=1),
                "best_cell": grid_hits[:, grid_hits.sum(axis=0).argmax()],
                "ceiling": grid_hits.max(axis=1),
            }
            for method, hit in all_hits.items():
                yield {"method": method, "rule": rule, "tolerance": tolerance, "subset": subset}, hit
