"""What Figure 1 shows of one image: the views before and after each method's saccade, and what the network made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labelmaps.figures import style
from labelmaps.figures.scanpaths import line_of, name_of
from labelmaps.inference.view_pixels import view_pixels
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.storage.saliency_file import SaliencyMaps
from labelmaps.views import View


@dataclass(frozen=True)
class SeenView:
    """What the network received from one fixation, and the label that it gave.

    pixels: (size, size, RGB) uint8. extent: the box x0, y0, x1, y1 that fills the view, in original pixels. label: the
    predicted class; probability: its; truth: that of the image's label; correct: whether the two are the same. Without a
    label of the image, these are NaN and None.
    """

    pixels: np.ndarray
    extent: np.ndarray
    label: str
    probability: float
    truth: float
    correct: bool | None


@dataclass(frozen=True)
class Saccade:
    """Where one method looks on one image.

    method: its name; cue: cued, uncued or baseline. saliency: (row, column), in the method's units; point: (row, column, 2),
    x, y that each cell stands for; x, y: the selected point; all in original pixels. own_label: the class that the method
    itself gives, if it gives any.
    """

    method: str
    cue: str
    saliency: np.ndarray
    point: np.ndarray
    x: float
    y: float
    dead: bool
    own_label: str | None
    view: SeenView


@dataclass(frozen=True)
class Scanpath:
    """Several fixations of one image, one after another.

    name: of the way of choosing; colour: its. point: (fixation, 2), x, y in original pixels, x₀ first. label: the class
    of the posterior accumulated over all; correct: whether it is the image's, None where that has no label.
    """

    name: str
    colour: str
    point: np.ndarray
    label: str
    correct: bool | None


@dataclass(frozen=True)
class Example:
    """All that Figure 1 shows of one image.

    pixels: the image (H, W, RGB) uint8. boxes: (box, 4), x0, y0, x1, y1 in original pixels. label: the image's class, None
    where none is given. before: the view x₀. notes: what the image is an example of, the network, the view, the image's id.
    scanpaths: if any.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    label: str | None
    before: SeenView
    saccades: Sequence[Saccade]
    notes: Sequence[str]
    scanpaths: Sequence[Scanpath] = ()


def collect_saccades(
    methods: Sequence[Mapping],
    saliency: Sequence[SaliencyMaps],
    i: int,
    fixations: Sequence[pd.Series],
    views: Sequence[SeenView],
    class_names: Sequence[str],
) -> list[Saccade]:
    """Collect where each method looks on one image.

    methods: the variant and the cue of each. saliency: their maps, of which this image's are the i-th; fixations: its row
    in each method's table; views: what the network received at each fixation.
    """
    return [
        Saccade(
            style.method_name(method["variant"]),
            method["cue"],
            maps.saliency[i],
            maps.point[i],
            fixation["x"],
            fixation["y"],
            fixation["dead"],
            None if pd.isna(fixation["own_label"]) else class_names[fixation["own_label"]],
            view,
        )
        for method, maps, fixation, view in zip(methods, saliency, fixations, views, strict=True)
    ]


def collect_views(
    pixels: np.ndarray,
    label: int | None,
    maps: LabelMaps,
    fixations: Sequence[pd.Series],
    view: View,
    preprocessing: Preprocessing,
    class_names: Sequence[str],
) -> list[SeenView]:
    """Collect what the network received of one image at x₀ and at each fixation, and the labels that it gave.

    pixels: (H, W, RGB) uint8. label: the image's, if it has one. maps: those of this image alone. fixations: with `row` and
    `column` of the view after the saccade.
    """
    cells = [maps.initial, *((fixation["row"], fixation["column"]) for fixation in fixations)]
    numbers = [row * view.grid + column for row, column in cells]
    seen = []
    for (row, column), received in zip(cells, view_pixels(pixels, view, preprocessing, numbers), strict=True):
        p, top = np.exp(maps.log_probability[0, row, column]), maps.top_label[0, row, column]
        extent = maps.extent[0, row, column]
        truth, correct = (np.nan, None) if label is None else (p[label], top == label)
        seen.append(SeenView(received, extent, class_names[top], p[top], truth, correct))
    return seen


def collect_scanpaths(
    paths: Mapping[str, pd.Series],
    variants: Mapping[str, str],
    maps: LabelMaps,
    label: int | None,
    class_names: Sequence[str],
) -> list[Scanpath]:
    """Collect the scanpaths of one image.

    paths: way of choosing → the image's row, as in `labelmaps.scoring.scanpaths.paths_table`. variants: of those that are
    methods of the configuration. maps: those of this image alone. label: the image's, if it has one.

    Shown are paths by IGUB, by the label, and by these methods' maps of x₀; each panel takes its time.
    """
    centre, shown = maps.centre.reshape(-1, 2), {"igub", "likelihood", *variants}
    named = [(variants.get(name, name), row) for name, row in paths.items() if name in shown]
    return [
        Scanpath(
            name_of(variant),
            line_of(variant)["color"],
            centre[row["views"]],
            class_names[row["labels"][-1]],
            None if label is None else row["labels"][-1] == label,
        )
        for variant, row in named
    ]
