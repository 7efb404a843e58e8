"""Zoom: the largest box centred on the fixation that stays inside the image, but at least a share `floor` of each side.

In coordinates u that run from −1 to 1 along each axis of the whole image, the fixations are
u ∈ linspace(−(1−s), 1−s, n)², with s = `floor`. The view is the box around u with the half-size r(u) = max(1 − max|u|, s)
along each axis, so that it has the aspect ratio of the image, which is squashed to a square. At x₀ the view is the whole
image; on the outer ring of the grid it shows a share s of each side.

Source: the authors' code for arXiv 2402.15480 (`method='valid', size_ratio=0.1`). They sample at linspace(−1, 1, 224)
with zeros outside (`sampling: edges`). By default, samples lie at the centres of pixels here, and edges are replicated.
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
    """A view of the family zoom, with its options.

    grid: the number of fixations along each axis, odd, so that the grid has a centre.
    floor: the side of the smallest box, as a share of the image's side, above 0 and at most 1.
    antialias: whether a sample averages over all pixels of the image that it covers if the box is shrunk.
    mask: whether the view is black outside its inscribed disc.
    sampling: where the samples of a view lie: at the "centres" of its pixels, or evenly from edge to edge ("edges"), with
        black beyond the image, as in the paper's code. There, pixels beyond the image are 0; we read 0 as black, because the
        authors mask before they normalise.
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
            raise ValueError(f"floor: {self.floor} is not a share of the side, above 0 and at most 1")

    @cache_geometries
    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents, in original pixels, of the views of an image of this width and height."""
        u = np.linspace(-(1 - self.floor), 1 - self.floor, self.grid)
        u[self.grid // 2] = 0  # exactly, so that x₀ is exactly the whole image
        uy, ux = np.meshgrid(u, u, indexing="ij")
        r = np.maximum(1 - np.maximum(abs(ux), abs(uy)), self.floor)
        scale = np.array([width, height]) / 2
        centre = (np.stack([ux, uy], axis=-1) + 1) * scale
        half = r[..., None] * scale
        return Geometry(centre, np.concatenate([centre - half, centre + half], axis=-1))

    def drawing(self, width: int, height: int) -> Drawing:
        """Describe how the views of an image of this width and height, in pixels, are drawn."""
        return Drawing((0, 0, width, height), Sampling(self.antialias, self.sampling), disc=self.mask)

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
