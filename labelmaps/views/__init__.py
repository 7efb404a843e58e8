"""View families: what the network receives from each fixation.

A family is one module of this package with a frozen, keyword-only dataclass `View`, whose fields are the options. It has

- `grid`, an option: the number n of fixations along each axis, odd, so that the grid has a centre (x₀);
- `is_affine`, a constant or a property, not an option: whether the pixels of a view lie evenly over its extent, so that each
  cell of a map over x₀ has a place in the image. Methods such as Grad-CAM are refused on a family that sets it to False or
  not at all;
- `geometry(width, height)`, which computes the fixations and extents of the views, in original pixels (see `Geometry`);
- `sample(image, size, black, cells, dtype)`, which draws the views from the fixations of some cells of the grid;
- optionally `drawing(width, height)`, if a `labelmaps.resampling.taps.Drawing` describes the views completely;
- optionally `sample_union(image, size, black, dtype)`, which draws the larger square of which all views are windows;
  `engine: shared` needs it.

If an option has the value "network", `NetworkConfig.own_options` replaces it by the network's own value before any view is
drawn. The docstring of `View` describes each option in a line `name: text`. A view raises `ValueError` for options that are
out of range or contradict one another. Families import torch only inside `sample`, so that configurations can be checked
without it. This room imports `resampling` and the rooms below it.
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

    If a family caches its geometries (`cache_geometries`), all callers share the arrays, which are read-only.
    """

    centre: np.ndarray
    extent: np.ndarray


def cache_geometries(geometry: Callable[..., Geometry]) -> Callable[..., Geometry]:
    """Decorate a family's method `geometry` with a cache of the image sizes used last.

    Most images of a data set have one of a few sizes. The view must be hashable, as a frozen dataclass is. The arrays of a
    cached geometry are read-only.
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
        """The number of fixations along each axis, which is odd."""
        ...

    def geometry(self, width: int, height: int) -> Geometry:
        """Compute the fixations and extents, in original pixels, of the views of an image of this width and height."""
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
        dtype: the views' type; that of the image by default.

        Returns (cell, 3, size, size).
        """
        ...


@runtime_checkable
class DrawnView(View, Protocol):
    """A view that a `Drawing` describes completely, so that the explorer can draw it."""

    def drawing(self, width: int, height: int) -> "Drawing":
        """Describe how the views of an image of this width and height, in pixels, are drawn."""
        ...


@runtime_checkable
class WindowView(View, Protocol):
    """A view whose views of one image are windows of one larger square, as the engine `shared` requires."""

    def sample_union(
        self, image: "Tensor", size: int, black: "Tensor", dtype: "torch.dtype | None" = None
    ) -> "Tensor":
        """Draw the larger square (1, 3, size, size) of which all views of a normalised image (3, H, W) are windows.

        size: the side of the larger square, in pixels. black, dtype: as for `sample`.
        """
        ...


def name_family(view: View) -> str:
    """Return the name of a view's family: that of its module, without the package."""
    return type(view).__module__.rpartition(".")[2]


def name_view(view: View) -> str:
    """Return the family of a view and the size of its grid, as text: "zoom, 7 × 7 fixations"."""
    return f"{name_family(view)}, {view.grid} × {view.grid} fixations"


def find_map_obstacle(view: View) -> str:
    """Return why the cells of a map over a view cannot be located in the image, or an empty text if they can.

    They can if `is_affine`, a constant or a property of the family's `View`, is True.
    """
    family, stated = name_family(view), getattr(view, "is_affine", None)
    if stated is True:
        return ""
    if stated is False:
        return f"the pixels of a view of the family `{family}` do not lie evenly over a box of the image"
    return (
        f"the family `{family}` does not say whether the pixels of a view lie evenly over its extent (set is_affine in its "
        "View to True if they do, else to False)"
    )


def check_grid(grid: int) -> None:
    """Raise `ValueError` unless the number of fixations along each axis is odd and positive: the grid needs a centre."""
    if grid < 1 or grid % 2 == 0:
        raise ValueError(f"grid: {grid} is not an odd positive number; the grid needs a centre")


def cell_points(extent: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Compute where in the image the centres of the cells of a map over a view lie.

    extent: (image, 4), the boxes x0, y0, x1, y1 of the views, in original pixels.
    rows, columns: the numbers of the map's cells along y and x.

    Returns (image, row, column, 2): x, y of each centre, in original pixels.
    """
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    x0, y0, x1, y1 = np.moveaxis(extent, -1, 0)[..., None, None]
    return np.stack([x0 + x * (x1 - x0), y0 + y * (y1 - y0)], axis=-1)


def create_view(family: str, **options) -> View:
    """Create a view of a family, with its options.

    family: the name of the family's module.
    options: the keyword arguments of its `View`.

    Raises `InputError` if there is no such family, `TypeError` for an unknown option, and `ValueError` for values that are
    out of range or contradict one another.
    """
    import labelmaps.views as package

    return modules.load_module(package, family).View(**options)
