"""The boxes of several images, and the area that they cover."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Boxes:
    """The boxes of several images, in the order of the images.

    corners: (box, 4), x0, y0, x1, y1, float64. count: (image,), the number of boxes of each image.
    """

    corners: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, boxes: "Sequence[np.ndarray] | Boxes") -> "Boxes":
        """Convert boxes, one array (box, 4) per image, to `Boxes`; a `Boxes` object is returned as it is."""
        if isinstance(boxes, Boxes):
            return boxes
        corners = [np.reshape(image_boxes, (-1, 4)) for image_boxes in boxes]
        return cls(np.concatenate([np.empty((0, 4)), *corners]), np.array([*map(len, corners)], int))

    @property
    def start(self) -> np.ndarray:
        """Index in `corners` at which the boxes of each image begin, (image,)."""
        return np.cumsum(self.count) - self.count

    def firsts(self) -> "Boxes":
        """Return the first box of each image; images without a box stay without."""
        return Boxes(self.corners[self.start[self.count > 0]], np.minimum(self.count, 1))


def object_share(boxes: Sequence[np.ndarray] | Boxes, width: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Compute the fraction of each image that its boxes cover together, (image,); NaN if it has none.

    boxes: per image (box, 4), in original pixels; parts outside the image do not count. The area of a box is
    (x1 − x0)(y1 − y0). width, height: (image,), in original pixels.
    """
    boxes, sides = Boxes.of(boxes), np.column_stack([width, height]).astype(float)
    corners = np.clip(boxes.corners, 0, np.repeat(np.tile(sides, 2), boxes.count, axis=0))
    areas = np.full(len(sides), np.nan)
    has_one = boxes.count == 1
    start = boxes.start
    areas[has_one] = (corners[:, 2:] - corners[:, :2])[start[has_one]].prod(axis=1)
    for i in np.flatnonzero(boxes.count > 1):
        areas[i] = _union(corners[start[i] :][: boxes.count[i]])
    return areas / sides.prod(axis=1)


def _union(corners: np.ndarray) -> float:
    """Compute the area that boxes cover together, as a sum over the tiles between all of their edges.

    corners: (box, 4), x0, y0, x1, y1.
    """
    covers, lengths = [], []
    for low, high in ((corners[:, 1], corners[:, 3]), (corners[:, 0], corners[:, 2])):
        edges = np.sort(np.concatenate([low, high]))
        covers.append((low[:, None] <= edges[:-1]) & (edges[1:] <= high[:, None]))  # (box, tile)
        lengths.append(np.diff(edges))
    rows, columns = covers
    return lengths[0] @ (rows.T @ columns) @ lengths[1]
