"""Ten-crop: the nine views that torchvision's `TenCrop` has besides the standard crop, after the network's own resize.

The nulls five-crop and ten-crop average over them (`labelmaps.scoring.pooling`). Their grid is not one of fixations: of its
3 × 3 cells, the corners hold the crops at the image's corners (`CORNERS`), the cell clockwise of each corner holds that
crop's mirror image, and the middle holds the mirror image of the central crop. The standard crop and the corners make up
five-crop; the standard crop and all nine cells make up ten-crop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labelmaps.resampling.crops import CORNERS
from labelmaps.resampling.taps import Drawing, Interpolation, Sampling
from labelmaps.views import NETWORKS_OWN, Geometry, cache_geometries
from labelmaps.views.shift import CROP, LEFT_OPEN

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Where the crop of each cell lies in the image, along each axis: 0 is left or top, ½ the middle, 1 right or bottom.
X = np.array([[0, 0, 1], [0, 0.5, 1], [0, 1, 1]])
Y = np.array([[0, 0, 0], [1, 0.5, 0], [1, 1, 1]])


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of the family ten_crop, with its options.

    grid: always 3, for the nine crops besides the standard one.
    share: the side of a crop, as a share of the image's shorter side, above 0; above 1 it has black bars. "network" is the
        share with which the network's library evaluates it.
    interpolation: "bilinear" or "bicubic", antialiased; "network" is the one with which the network's library evaluates it.
    """

    is_affine = False  # some views are mirror images
    grid: Literal[3] = 3
    share: float | Literal["network"] = CROP
    interpolation: Interpolation | Literal["network"] = "bilinear"

    def __post_init__(self):
        if self.grid != 3:
            raise ValueError(f"grid: {self.grid} is not 3; ten-crop has nine crops besides the standard one")
        if self.share != NETWORKS_OWN and not 0 < self.share < np.inf:
            raise ValueError(f"share: {self.share} is not a positive share of the shorter side")

    @cache_geometries
    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the centres and extents, in original pixels, of the crops of an image of this width and height."""
        share = self.share
        assert share != NETWORKS_OWN, LEFT_OPEN
        side = share * min(width, height)
        corner = np.stack([X * (width - side), Y * (height - side)], axis=-1)
        return Geometry(corner + side / 2, np.concatenate([corner, corner + side], axis=-1))

    def sample(
        self,
        image: "Tensor",
        size: int,
        black: "Tensor",
        cells: Sequence[int],
        dtype: "torch.dtype | None" = None,
    ) -> "Tensor":
        """Draw the views (cell, 3, size, size) of a normalised image (3, H, W); arguments as for `labelmaps.views.View`."""
        from labelmaps.resampling.boxes import draw_boxes

        _, height, width = image.shape
        cells = list(cells)
        boxes = self.geometry(width, height).extent.reshape(-1, 4)[cells]
        assert self.interpolation != NETWORKS_OWN, LEFT_OPEN
        sampling = Sampling(antialias=True, interpolation=self.interpolation)
        views = draw_boxes(image, boxes, Drawing((0, 0, width, height), sampling), size, black, dtype)
        mirrored = ~CORNERS.ravel()[cells]
        views[mirrored] = views[mirrored].flip(-1)
        return views
