"""What `labelmaps.look` returns of one image."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from labelmaps.looking.given_methods import GivenMethod
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.views import View, name_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Fixation:
    """The fixation that a method selects, and what the network says of the view there.

    row, column: of the view in the fixation grid, from 0. x, y: the selected point, in pixels of the image; the view is that
    whose own fixation is nearest to it. peak: the largest value of the map. tie: whether several cells have it; dead:
    whether all have, so that the eye stays at x₀. own_label: the label that the method itself gives, as DFF does, or None.
    label, name, probability: the top label of the view, its class, and p(label) there. correct: whether it is the label
    given, or None where none is.
    """

    row: int
    column: int
    x: float
    y: float
    peak: float
    tie: bool
    dead: bool
    own_label: int | None
    label: int
    name: str
    probability: float
    correct: bool | None


@dataclass(frozen=True, repr=False, eq=False)
class Look:
    """What a network says of one image, seen from every fixation of the grid, and where each method looks.

    name: of the image: its file's name without the ending, or "image". pixels: the image, (y, x, RGB) uint8.
    network: its name and the source of its weights; preprocessing: what it expects. view: with its options.
    label: k*, or None where none was given. class_names: by label, as figures show them.
    label_map: the logits, (row, column, label) float32, not rounded.
    label_maps: what a run's file holds of the image, as `Results.label_maps` returns it. Its log-probabilities, which
        methods see, are rounded to float16.
    methods: name → the method with its options. maps: name → saliency (row, column) float32, in the method's own units: on
        the fixation grid, or, of a method on x₀ such as Grad-CAM, on that of the network's last map. points: name → the
        fixation x, y of each of its cells, (row, column, 2), in pixels of the image.
    fixations: name → the fixation that the method selects.
    skipped: name → why `methods="all"` leaves a method out.
    """

    name: str
    pixels: np.ndarray
    network: str
    preprocessing: Preprocessing
    view: View
    label: int | None
    class_names: Sequence[str]
    label_map: np.ndarray
    label_maps: LabelMaps
    methods: Mapping[str, GivenMethod]
    maps: Mapping[str, np.ndarray]
    points: Mapping[str, np.ndarray]
    fixations: Mapping[str, Fixation]
    skipped: Mapping[str, str]

    @property
    def centre(self) -> np.ndarray:
        """The fixations x, y, (row, column, 2), in pixels of the image."""
        return self.label_maps.centre[0]

    @property
    def extent(self) -> np.ndarray:
        """The boxes x0, y0, x1, y1 that fill the views, (row, column, 4), in pixels of the image."""
        return self.label_maps.extent[0]

    @cached_property
    def views(self) -> np.ndarray:
        """What the network receives, before normalisation, (row, column, y, x, RGB) uint8; made when it is first used."""
        from labelmaps.inference.view_pixels import grid_pixels

        return grid_pixels(self.pixels, self.view, self.preprocessing)

    def table(self) -> pd.DataFrame:
        """Make a table of the fixations: one row per method, by its name, with its cue and the fields of `Fixation`."""
        rows = {
            name: {"cue": self.methods[name].facts.cue, **asdict(fixation)}
            for name, fixation in self.fixations.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
        return table.astype({"own_label": "Int64", "correct": "boolean"} if rows else {})

    def plot(
        self, path: str | Path | None = None, methods: Sequence[str] | None = None, size: str = "page"
    ) -> "Figure":
        """Draw the paper's Figure 1 of this image: each method's map and fixation, and the view that the network saw there.

        path: of a file, pdf, svg or png, or None. methods: which are shown; without them, those of a run's Figure 1
        (likelihood, gradcam, dff, igub) that were computed, or, where none of them was, all others. size: a key of
        `labelmaps.figures.style.SIZES`: page, column or slide.

        Returns the figure; outside a notebook `matplotlib.pyplot.show()` shows it, unless it was saved. Raises `InputError`
        for methods that were not computed, and where the file cannot be written.
        """
        from labelmaps.looking.figure import plot_look

        return plot_look(self, path, methods, size)

    def __repr__(self) -> str:
        """Name the image, the network, the view, the label and the methods."""
        label = "no label" if self.label is None else f"label {self.label} ({self.class_names[self.label]})"
        methods = ", ".join(self.maps) or "none"
        return f"<Look at {self.name} through {self.network}: {name_view(self.view)}; {label}; methods: {methods}>"
