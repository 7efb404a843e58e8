"""View families: what the network receives from each fixation.

A family is one module of this package with a frozen, keyword-only dataclass `View` whose fields are its options:

- `grid`: the number n of fixations along each axis, odd, so that the grid has a centre (x₀);
- `is_affine`, which is no option: whether the pixels of a view lie evenly over its extent, so that the cells of a map over
  x₀ are places of the image. Methods such as Grad-CAM are refused on a family that sets it to False or not at all;
- `geometry(width, height)`: the fixations and the extents of the views, in original pixels (see `Geometry`);
- `sample(image, size, black, cells, dtype)`: the views from the fixations of some cells of the grid;
- `drawing(width, height)`: how its views are drawn, where a `labelmaps.resampling.taps.Drawing` describes them completely;
  others need not have it;
- `sample_union(image, size, black, dtype)`: the picture of which all views are windows, if they are; `engine: shared` needs
it.

An option whose value is "network" is left to the network: `NetworkConfig.own_options` gives its value before a view draws.
A line `name: text` of the docstring of `View` describes each option. A view raises `ValueError` for options that make no
sense. Families import torch only inside `sample`, so that configurations can be checked without it. This room imports
`resampling` and the rooms below it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np

from labelmaps import modules

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from labelmaps.resampling.taps import Drawing

NETWORKS_OWN: Final = "network"  # the value of an option that is left to the network


@dataclass(frozen=True)
class Geometry:
    """The fixations and extents of an image's views, in edge coordinates of the original pixels (0…W, 0…H).

    centre: (row, column, 2), the fixation x, y.
    extent: (row, column, 4), the box x0, y0, x1, y1 that fills the view.
    Where a family keeps geometries (`kept`), all callers share the arrays, which are then read-only.
    """

    centre: np.ndarray
    extent: np.ndarray


def kept(geometry: Callable[..., Geometry]) -> Callable[..., Geometry]:
    """Keep the geometries of the image sizes that came last, since most images have one of few sizes.

    geometry: a family's method; its view must be frozen, as every family's is.

    Returns the method that keeps what it computed.
    """

    @lru_cache(maxsize=64)
    def of_size(view: "View", width: int, height: int) -> Geometry:
        computed = geometry(view, width, height)
        for array in (computed.centre, computed.extent):
            array.flags.writeable = False  # all callers share them
        return computed

    return wraps(geometry)(of_size)


class View(Protocol):
    """A view with its options: an object of any family's class `View`."""

    @property
    def grid(self) -> int:
        """The number of fixations along each axis, odd."""
        ...

    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents of the views of an image of so many pixels."""
        ...

    def sample(
        self,
        image: "Tensor",
        size: int,
        black: "Tensor",
        cells: Sequence[int],
        dtype: "torch.dtype | None" = None,
    ) -> "Tensor":
        """Draw the views from some cells of the grid.

        image: (3, H, W), normalised.
        size: the side of a view, in pixels of the network's input.
        black: (3,), RGB 0, normalised.
        cells: the grid's cells, counted row by row from 0.
        dtype: of the views; the image's, float32, unless given.

        Returns (cell, 3, size, size).
        """
        ...


@runtime_checkable
class DrawnView(View, Protocol):
    """A view that a `Drawing` describes completely, so that the explorer can draw it."""

    def drawing(self, width: int, height: int) -> "Drawing":
        """Describe how the views of an image of so many pixels are drawn."""
        ...


@runtime_checkable
class WindowView(View, Protocol):
    """A view whose views of an image are windows of one larger picture, as the engine `shared` needs."""

    def sample_union(
        self, image: "Tensor", size: int, black: "Tensor", dtype: "torch.dtype | None" = None
    ) -> "Tensor":
        """Draw the picture (1, 3, size, size) of which all views of a normalised image (3, H, W) are windows."""
        ...


def find_map_obstacle(view: View) -> str:
    """Return why the cells of a map over a view are no places of the image, or an empty text where they are.

    They are where the family says so: `is_affine`, a constant or a property of its `View`, is True.
    """
    family, stated = type(view).__module__.rpartition(".")[2], getattr(view, "is_affine", None)
    if stated is True:
        return ""
    if stated is False:
        return f"the cells of a map over a view of the family `{family}` are no places in a box of the image"
    return (
        f"the family `{family}` does not say whether the pixels of a view lie evenly over its extent (set is_affine in its "
        "View to True where they do, else to False)"
    )


def check_grid(grid: int) -> None:
    """Raise `ValueError` for a number of fixations along each axis that leaves the grid without a centre."""
    if grid < 1 or grid % 2 == 0:
        raise ValueError(f"grid: {grid} is not an odd positive number; the grid needs a centre")


def cell_points(extent: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Compute the centres of the cells of a map over the view, in the image.

    extent: (image, 4), the boxes x0, y0, x1, y1 of the views, in original pixels.
    rows, columns: the numbers of the map's cells along y and x.

    Returns (image, row, column, 2), x, y in original pixels.
    """
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    x0, y0, x1, y1 = np.moveaxis(extent, -1, 0)[..., None, None]
    return np.stack([x0 + x * (x1 - x0), y0 + y * (y1 - y0)], axis=-1)


def create_view(family: str, **options) -> View:
    """Create a view.

    family: the module's name.
    options: the keyword arguments of its `View`.

    Raises `InputError` where there is no such family, and `ValueError` for options that make no sense.
    """
    import labelmaps.views as package

    return modules.load_module(package, family).View(**options)
