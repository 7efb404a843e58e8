"""Shift: the image is fitted to the network's square as for any classifier, and moved so that the fixation is at the centre.

The fixations are the centres of n × n cells of the square. At 7 × 7 cells and 224 pixels they lie 32 pixels apart, which is
the stride of most networks. Every view has the square's size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labelmaps.resampling.taps import Drawing, Interpolation, Sampling
from labelmaps.views import NETWORKS_OWN, Geometry, cache_geometries, check_grid

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CROP = 224 / 256  # share of the shorter side: classifiers usually see 224 pixels of an image resized to 256
LEFT_OPEN = 'options with the value "network" are not replaced yet (see `NetworkConfig.own_options`)'


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of the family shift, with its options.

    grid: the number of fixations along each axis, odd, so that the grid has a centre.
    base: how the image is fitted to a square: "letterbox" (the whole image, with bars), "crop" (the central square, a
        `share` of the shorter side) or "squash" (the whole image, with each axis scaled separately).
    beyond: what enters the view when the square moves: "black" (RGB 0), "gray" (the mean colour, 0 after normalisation; bars
        are then gray, else black), the square mirrored at its edge ("reflect") or repeated ("roll"), or, with the base
        "crop", the "surroundings" of the crop in the image, and black beyond the image.
    antialias: whether a sample averages over all pixels of the image that it covers if the image is shrunk.
    share: the side of the base "crop", as a share of the image's shorter side, above 0; above 1 it has black bars. "network"
        is the share with which the network's library evaluates it.
    interpolation: "bilinear" or "bicubic"; "network" is the one with which the network's library evaluates it.
    """

    is_affine = True
    grid: int = 7
    base: Literal["letterbox", "crop", "squash"] = "letterbox"
    beyond: Literal["black", "gray", "reflect", "roll", "surroundings"] = "black"
    antialias: bool = True
    share: float | Literal["network"] = CROP
    interpolation: Interpolation | Literal["network"] = "bilinear"

    def __post_init__(self):
        check_grid(self.grid)
        if self.share not in (CROP, NETWORKS_OWN) and self.base != "crop":
            raise ValueError(
                f"share: the base {self.base} shows the whole image. Choose base: crop, or leave share out"
            )
        if self.share != NETWORKS_OWN and not 0 < self.share < np.inf:
            raise ValueError(f"share: {self.share} is not a positive share of the shorter side")
        if self.beyond == "surroundings" and self.base != "crop":
            raise ValueError(
                f"beyond: the base {self.base} shows the whole image, which has no surroundings. Choose base: crop, or "
                "beyond: black"
            )

    def square(self, width: int, height: int) -> np.ndarray:
        """Compute the box x0, y0, x1, y1 of the image that fills the network's square at x₀, as an array (4,).

        width, height: the image's size. All are in original pixels.
        """
        share = self.share
        assert share != NETWORKS_OWN, LEFT_OPEN
        side = {
            "letterbox": [max(width, height)] * 2,
            "crop": [share * min(width, height)] * 2,
            "squash": [width, height],
        }[self.base]
        centre, half = np.array([width, height]) / 2, np.array(side) / 2
        return np.concatenate([centre - half, centre + half])

    @cache_geometries
    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents, in original pixels, of the views of an image of this width and height."""
        square = self.square(width, height)
        side = square[2:] - square[:2]
        cells = (
            np.arange(self.grid) - self.grid // 2
        ) / self.grid  # from the centre, as shares of the square
        y, x = np.meshgrid(cells, cells, indexing="ij")
        moved = np.stack([x, y], axis=-1) * side
        return Geometry(np.array([width, height]) / 2 + moved, square + np.tile(moved, 2))

    def drawing(self, width: int, height: int) -> Drawing:
        """Describe how the views of an image of this width and height, in pixels, are drawn."""
        whole = (0, 0, width, height)
        beyond = self.beyond if self.beyond in ("reflect", "roll") else "empty"
        assert self.interpolation != NETWORKS_OWN, LEFT_OPEN
        return Drawing(
            whole if self.beyond == "surroundings" else tuple(self.square(width, height).tolist()),
            Sampling(self.antialias, beyond=beyond, interpolation=self.interpolation),
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
        _, height, width = image.shape
        boxes = self.geometry(width, height).extent.reshape(-1, 4)[list(cells)]
        return self._sample_boxes(image, boxes, size, black, dtype)

    def sample_union(
        self, image: "Tensor", size: int, black: "Tensor", dtype: "torch.dtype | None" = None
    ) -> "Tensor":
        """Draw the larger square (1, 3, size, size) of which all views of a normalised image (3, H, W) are windows."""
        _, height, width = image.shape
        extent = self.geometry(width, height).extent
        union = np.concatenate([extent[0, 0, :2], extent[-1, -1, 2:]])
        return self._sample_boxes(image, union[None], size, black, dtype)

    def _sample_boxes(
        self, image: "Tensor", boxes: np.ndarray, size: int, black: "Tensor", dtype: "torch.dtype | None"
    ) -> "Tensor":
        """Draw the boxes (box, 4) of a normalised image (3, H, W) as squares (box, 3, size, size)."""
        from labelmaps.resampling.boxes import draw_boxes

        _, height, width = image.shape
        return draw_boxes(image, boxes, self.drawing(width, height), size, black, dtype)
