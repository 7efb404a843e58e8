"""Zoom: the largest box centred on the fixation that stays inside the image, never under a share `floor` of it.

In coordinates that run from −1 to 1 along each axis of the whole image, the fixations are
u ∈ linspace(−(1−s), 1−s, n)², s = `floor`, and the view is the box of half-size r(u) = max(1 − max|u|, s), each axis
on its own (the aspect ratio is squashed). x₀ is the whole image; the outer ring sees a share s of each side.

Source: the authors' code for arXiv 2402.15480 (`method='valid', size_ratio=0.1`). They sample at linspace(−1, 1, 224)
with zeros outside (`sampling: edges`); by default samples lie at the centres of pixels here, and edges are replicated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labelmaps.resampling.taps import Drawing, Sampling
from labelmaps.views import Geometry, check_grid, kept

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of the family zoom, with its options.

    grid: the number of fixations along each axis, odd, so that the grid has a centre.
    floor: the side of the smallest box, as a share of the image's side, above 0 and at most 1.
    antialias: whether a sample averages over all pixels of the image that it covers, where the box is shrunk.
    mask: whether the view is black outside its inscribed disc.
    sampling: where the samples of a view lie: at the "centres" of its pixels, or evenly from edge to edge ("edges"), with
        black beyond the image, as the authors of the paper do. Theirs are zeros; that these mean black is our reading, since
        the authors mask before they normalise.
    """

    is_affine = True
    grid: int = 7
    floor: float = 0.1
    antialias: bool = False
    mask: bool = False
    sampling: Literal["centres", "edges"] = "centres"

    def __post_init__(self):
        check_grid(self.grid)
        if not 0 < self.floor <= 1:
            raise ValueError(f"floor: {self.floor} is not a share of the side in (0, 1]")

    @kept
    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents of an image's views, in original pixels."""
        u = np.linspace(-(1 - self.floor), 1 - self.floor, self.grid)
        u[self.grid // 2] = 0  # x₀ is the whole image, to the last bit
        uy, ux = np.meshgrid(u, u, indexing="ij")
        r = np.maximum(1 - np.maximum(abs(ux), abs(uy)), self.floor)
        scale = np.array([width, height]) / 2
        centre = (np.stack([ux, uy], axis=-1) + 1) * scale
        half = r[..., None] * scale
        return Geometry(centre, np.concatenate([centre - half, centre + half], axis=-1))

    def drawing(self, width: int, height: int) -> Drawing:
        """Describe how the views of an image of so many pixels are drawn."""
        return Drawing((0, 0, width, height), Sampling(self.antialias, self.sampling), disc=self.mask)

    def sample(
        self,
        image: "Tensor",
        size: int,
        black: "Tensor",
        cells: Sequence[int],
        dtype: "torch.dtype | None" = None,
    ) -> "Tensor":
        """Draw the views (cell, 3, size, size) from cells of a normalised image (3, H, W); see `labelmaps.views.View`."""
        from labelmaps.resampling.boxes import draw_boxes

        _, height, width = image.shape
        boxes = self.geometry(width, height).extent.reshape(-1, 4)[list(cells)]
        return draw_boxes(image, boxes, self.drawing(width, height), size, black, dtype)
