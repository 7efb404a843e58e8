"""Crop: a square around the fixation whose side is a fixed share of the image's shorter side.

The fixations are the centres of n × n cells of the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labelmaps.resampling.taps import Drawing, Sampling
from labelmaps.views import Geometry, cache_geometries, check_grid

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of the family crop, with its options.

    grid: the number of fixations along each axis, odd, so that the grid has a centre.
    side: the side of the square, as a share of the image's shorter side, above 0 and at most 1.
    beyond: what the view shows where the square leaves the image: "black" (RGB 0), "gray" (the mean colour, 0 after
        normalisation) or the image mirrored at its edge ("reflect"); with "inside" the square is moved into the image by the
        shortest way, so that the fixation may not be at its centre.
    antialias: whether a sample averages over all pixels of the image that it covers if the square is shrunk.
    """

    is_affine = True
    grid: int = 7
    side: float = 0.75
    beyond: Literal["black", "gray", "reflect", "inside"] = "black"
    antialias: bool = True

    def __post_init__(self):
        check_grid(self.grid)
        if not 0 < self.side <= 1:
            raise ValueError(f"side: {self.side} is not a share of the shorter side, above 0 and at most 1")

    @cache_geometries
    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents, in original pixels, of the views of an image of this width and height."""
        image = np.array([width, height])
        cells = (np.arange(self.grid) + 0.5) / self.grid
        y, x = np.meshgrid(cells, cells, indexing="ij")
        fixation = np.stack([x, y], axis=-1) * image
        half = self.side * image.min() / 2
        centre = fixation.clip(half, image - half) if self.beyond == "inside" else fixation
        return Geometry(fixation, np.concatenate([centre - half, centre + half], axis=-1))

    def drawing(self, width: int, height: int) -> Drawing:
        """Describe how the views of an image of this width and height, in pixels, are drawn."""
        return Drawing(
            (0, 0, width, height),
            Sampling(self.antialias, beyond="reflect" if self.beyond == "reflect" else "empty"),
            empty="gray" if self.beyond == "gray" else "black",
        )

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
        boxes = self.geometry(width, height).extent.reshape(-1, 4)[list(cells)]
        return draw_boxes(image, boxes, self.drawing(width, height), size, black, dtype)
