"""What `labelmaps.look` returns of one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from labelmaps.views import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Fixation:
    """The fixation that a method selects, and what the network says of the view there.

    row, column: of the view in the fixation grid, from 0. x, y: of the selected point, in pixels of the image; the view's
    own fixation is the nearest to it. peak: the largest value of the map. dead: whether the map has the same value
    everywhere, so that the eye stays at x₀. label, name, probability: the top label of the view there, its class and
    p(label). own_label: the label that the method itself gives (DFF), or None. correct: whether the top label is the label
    given; None where none is.
    """

    row: int
    column: int
    x: float
    y: float
    peak: float
    dead: bool
    label: int
    name: str
    probability: float
    own_label: int | None
    correct: bool | None


@dataclass(frozen=True)
class Look:
    """What a network says of one image, seen from every fixation of the grid, and where each method looks.

    name: of the image, for figures: the stem of its file, or "image". pixels: the image, (y, x, RGB) uint8.
    network: the network's name. view: with its options.
    label: k*, or None where none was given. class_names: by label.
    label_map: the logits, (row, column, label) float32, unrounded.
    views: what the network received, before normalisation, (row, column, y, x, RGB) uint8.
    centre: the fixations x, y, (row, column, 2), extent: the boxes x0, y0, x1, y1 that fill the views, (row, column, 4);
    both in pixels of the image.
    maps: method → saliency (row, column) float32, in the method's own units; on the grid of fixations, or, of a method on
    x₀ such as Grad-CAM, on that of the network's last map. points: method → the fixation x, y of each cell of its map,
    (row, column, 2), in pixels of the image.
    fixations: method → the fixation that it selects.
    skipped: method → why `methods="all"` leaves it out.
    """

    name: str
    pixels: np.ndarray
    network: str
    view: View
    label: int | None
    class_names: Sequence[str]
    label_map: np.ndarray
    views: np.ndarray
    centre: np.ndarray
    extent: np.ndarray
    maps: Mapping[str, np.ndarray]
    points: Mapping[str, np.ndarray]
    fixations: Mapping[str, Fixation]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """Make a table of the fixations: one row per method, by its name, with the fields of `Fixation` and `cue`."""
        raise NotImplementedError

    def plot(
        self, path: str | Path | None = None, methods: Sequence[str] | None = None, size: str = "page"
    ) -> "Figure":
        """Draw the paper's Figure 1 of this image: each method's map and fixation, and the view that the network saw there.

        path: of a file, pdf, svg or png, or None. methods: which are shown; without them, those of a run's Figure 1
        (likelihood, gradcam, dff, igub) that were computed, or, where none of them was, all but baselines. size: a key of
        `labelmaps.figures.style.SIZES`: page, column or slide.

        Returns the figure. Raises `InputError` where no method was computed, for an unknown one, and where the file cannot
        be written.
        """
        raise NotImplementedError
