"""The data of Figure 1 for one image: the views before and after each method's saccade, and the network's labels of them."""

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
    """A view as the network received it, and the label that the network gave it.

    pixels: (size, size, RGB) uint8. extent: the box x0, y0, x1, y1 that fills the view, in original pixels. label: the name
    of the top label; probability: the probability of it; truth: that of the image's label; correct: whether the two labels
    are the same. Where the image has no label, truth is NaN and correct None.
    """

    pixels: np.ndarray
    extent: np.ndarray
    label: str
    probability: float
    truth: float
    correct: bool | None


@dataclass(frozen=True)
class Saccade:
    """The saliency map of one method on one image, the point that it selects, and the view after the saccade.

    method: the name that figures give it; cue: cued, uncued or baseline. saliency: (row, column), in the method's units;
    point: (row, column, 2), the fixation x, y of each cell; x, y: the selected point; all in original pixels. dead: whether
    the map has the same value everywhere. own_label: the name of the label that the method itself gives, or None.
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

    name, colour: those of the choice of fixations. point: (fixation, 2), x, y in original pixels, x₀ first. label: the name
    of the label of the posterior accumulated over all of them; correct: whether it is the image's, None where that has no
    label.
    """

    name: str
    colour: str
    point: np.ndarray
    label: str
    correct: bool | None


@dataclass(frozen=True)
class Example:
    """All data that Figure 1 shows of one image.

    pixels: the image (H, W, RGB) uint8. boxes: (box, 4), x0, y0, x1, y1 in original pixels. label: the name of the image's
    class, None where it has no label. before: the view at x₀. notes: texts of the footer: the kind of example, the network,
    the view, the image's id. scanpaths: may be empty.
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
    """Collect the saccade of each method on one image.

    methods: the variant and the cue of each. saliency: their maps; this image's is the i-th of each. fixations: the image's
    row in each method's table. views: the view at each fixation, as from `collect_views`. class_names: the name of every
    label.
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
    """Collect the views of one image at x₀ and at each fixation, with the labels that the network gave them.

    pixels: (H, W, RGB) uint8. label: the image's, or None. maps: the label maps of this image alone. fixations: with `row`
    and `column` of the view after the saccade. class_names: the name of every label.
    """
    cells = [maps.initial, *((fixation["row"], fixation["column"]) for fixation in fixations)]
    numbers = [row * view.grid + column for row, column in cells]
    labelled_views = []
    for (row, column), received in zip(cells, view_pixels(pixels, view, preprocessing, numbers), strict=True):
        p, top = np.exp(maps.log_probability[0, row, column]), maps.top_label[0, row, column]
        extent = maps.extent[0, row, column]
        truth, correct = (np.nan, None) if label is None else (p[label], top == label)
        labelled_views.append(SeenView(received, extent, class_names[top], p[top], truth, correct))
    return labelled_views


def collect_scanpaths(
    paths: Mapping[str, pd.Series],
    variants: Mapping[str, str],
    maps: LabelMaps,
    label: int | None,
    class_names: Sequence[str],
) -> list[Scanpath]:
    """Collect the scanpaths of one image: those by IGUB, by the label, and by the configured methods' maps of x₀.

    paths: choice of fixations → the image's row, as in `labelmaps.scoring.scanpaths.paths_table`. variants: the variants of
    those choices that are methods of the configuration. maps: the label maps of this image alone. label: the image's, or
    None.

    The others are left out, since each panel takes time to draw.
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
