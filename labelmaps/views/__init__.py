"""View families: what the network sees from each fixation point.

A family is one module of this package with a frozen, keyword-only dataclass `View` whose fields are its options:

- `grid`: the number n of fixation points along each axis, odd, so that the grid has a centre (x₀);
- `geometry(width, height)`: where each view looks, in original pixels (see `Geometry`);
- `sample(image, size, black, cells, dtype)`: what the network receives from the fixations of some cells of the grid;
- `drawing(width, height)`: how its views are drawn (see `labelmaps.resampling.taps.Drawing`), if that says all; others need
  not offer it.

A view raises `ValueError` for options that make no sense. Families import torch only inside `sample`, so that
configurations can be checked without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Protocol

import numpy as np

from labelmaps import modules

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Geometry:
    """Where each view of an image looks, in edge coordinates of the original pixels (0…W, 0…H).

    centre: (row, column, 2), the fixation point x, y.
    extent: (row, column, 4), the box x0, y0, x1, y1 that fills the view.
    Whoever asks gets the same arrays where a family keeps them (`kept`): they are read-only then.
    """

    centre: np.ndarray
    extent: np.ndarray


def kept(geometry: Callable[..., Geometry]) -> Callable[..., Geometry]:
    """A family's `geometry` that keeps what it gave for the sizes seen last: most images have one of few.

    The view must be frozen, as every family's is.
    """

    @lru_cache(maxsize=64)
    def of_size(view: "ViewFamily", width: int, height: int) -> Geometry:
        looks = geometry(view, width, height)
        for array in (looks.centre, looks.extent):
            array.flags.writeable = False  # all who ask get the same
        return looks

    return wraps(geometry)(of_size)


class ViewFamily(Protocol):
    """What every family's `View` offers."""

    grid: int

    def geometry(self, width: int, height: int) -> Geometry:
        """Where each view of an image of this size looks."""
        ...

    def sample(
        self,
        image: "Tensor",
        size: int,
        black: "Tensor",
        cells: Sequence[int],
        dtype: "torch.dtype | None" = None,
    ) -> "Tensor":
        """Views (cell, 3, size, size) of a normalised image (3, H, W); `black` (3,) is RGB 0, normalised.

        cells: the grid's cells, counted row by row from 0. dtype: of the views; the image's, float32, unless given.
        """
        ...


def check_grid(grid: int) -> None:
    """Raise `ValueError` for a number of fixations that leaves the grid without a centre."""
    if grid < 1 or grid % 2 == 0:
        raise ValueError(f"grid: {grid} is not an odd positive number; the grid needs a centre")


def cell_points(extent: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Centres of a map's cells, seen through views that fill the boxes `extent` (image, 4) of original pixels.

    Returns x, y in original pixels, (image, row, column, 2).
    """
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    x0, y0, x1, y1 = np.moveaxis(extent, -1, 0)[..., None, None]
    return np.stack([x0 + x * (x1 - x0), y0 + y * (y1 - y0)], axis=-1)


def create(family: str, **options) -> ViewFamily:
    """The view of a family with its options; raises `InputError` for a family that does not exist."""
    import labelmaps.views as package

    return modules.load_module(package, family).View(**options)
