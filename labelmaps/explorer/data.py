"""The explorer's data: what the page holds of the study, of each image, and of each network's and method's results.

Everything here is JSON. Images are embedded as JPEG, and the page's own script draws the views from them as
`labelmaps.resampling.boxes` does.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from PIL import Image

from labelmaps.data.boxes import object_share
from labelmaps.figures import html_table, style
from labelmaps.figures.figure_1 import HEAT
from labelmaps.figures.scanpaths import line_of, name_of
from labelmaps.methods import facts_of
from labelmaps.resampling.taps import Drawing
from labelmaps.scoring.fixations import Arrival, nearest_views
from labelmaps.scoring.pointing import SIZE_BINS, size_bin
from labelmaps.storage.label_map_file import LabelMaps
from labelmaps.views import DrawnView, View

if TYPE_CHECKING:
    from labelmaps.networks.preprocessing import Preprocessing

# A picture's bytes: with 48 of them, and what is said of them, the page stays under 15 MB.
LARGEST_IMAGE_BYTES = 160_000
QUALITIES = 95, 90, 80  # of JPEG, tried in turn
SHRINK = 0.8  # of the sides, where the last is still too large
TOP = 5
# What the summary says of a method on all images, as its table shows it.
MEASURES = ["accuracy_before", "accuracy_after", "gain", "pointing"]


@dataclass(frozen=True)
class EmbeddedImage:
    """An image as the page holds it: a JPEG of some quality, and its pixels (H, W, RGB) uint8 when decoded."""

    jpeg: bytes
    quality: int
    pixels: np.ndarray


def embed_image(pixels: np.ndarray, largest: int = LARGEST_IMAGE_BYTES) -> EmbeddedImage:
    """Compress an image (H, W, RGB) uint8 to at most `largest` bytes, at the best quality that fits.

    It keeps its size where one of the qualities fits, and shrinks otherwise.
    """
    image = Image.fromarray(pixels)
    scale = 1.0
    while True:
        size = [max(round(side * scale), 1) for side in image.size]
        shown = image if scale == 1 else image.resize(size, Image.Resampling.BOX)
        for quality in QUALITIES:
            file = io.BytesIO()
            shown.save(file, "JPEG", quality=quality, subsampling=0)
            if file.tell() <= largest or size == [1, 1]:
                return EmbeddedImage(file.getvalue(), quality, np.array(Image.open(file)))
        scale *= SHRINK


def describe_view(name: str, view: View, options: Mapping) -> dict:
    """Describe a configured view: its name, its options, the size of its grid, and whether the page can draw it exactly."""
    return {
        "name": name,
        "options": ", ".join(f"{key}: {value}" for key, value in options.items()),
        "grid": view.grid,
        "exact": isinstance(view, DrawnView),
    }


def describe_model(name: str, made_by: Mapping[str, Any], preprocessing: "Preprocessing") -> dict:
    """Describe a network for the page.

    made_by: the provenance of its label maps.
    Returns name, architecture, source (of the weights), size (of its input, in pixels) and gray (its mean RGB, from 0 to
    255).
    """
    return {
        "name": name,
        "architecture": made_by["architecture"],
        "source": made_by["weights_source"],
        "size": preprocessing.size,
        "gray": [255 * mean for mean in preprocessing.mean],
    }


def describe_method(variant: str, cue: str) -> dict:
    """Describe a method: its name and unit, its cue, its colour."""
    return {
        "name": style.method_name(variant),
        "cue": cue,
        "colour": style.method_colour(variant),
        "unit": facts_of(variant.split()[0]).unit,
    }


def describe_scanpaths(variant: str) -> dict:
    """Describe a way of choosing one fixation after another: its name and colour, as in the figure of scanpaths."""
    return {"name": name_of(variant), "colour": mpl.colors.to_hex(line_of(variant)["color"])}


def describe_path(path: Mapping) -> dict:
    """Describe a scanpath, a row of its table: its views, and the label of the posterior accumulated until each."""
    return {"views": path["views"].tolist(), "labels": path["labels"].tolist()}


def describe_image(row: pd.Series, name: str, kind: str, network: str, picture: EmbeddedImage) -> dict:
    """Describe an image of the index: what kind of example it is, and of which network; and embed its pixels.

    name: of the case, as from `name_cases`.
    """
    share = object_share([row["boxes"]], np.array([row["width"]]), np.array([row["height"]]))
    (size,) = size_bin(share)
    height, width = picture.pixels.shape[:2]
    return {
        "id": name,
        "image": row["image"],
        "kind": kind,
        "network": network,
        "label": int(row["label"]),
        "width": int(row["width"]),
        "height": int(row["height"]),
        "boxes": row["boxes"].tolist(),
        "share": None if np.isnan(share[0]) else share[0],
        "size": None if pd.isna(size) else SIZE_BINS.index(size),
        "picture": {
            "jpeg": base64.b64encode(picture.jpeg).decode(),
            "quality": picture.quality,
            "width": width,
            "height": height,
        },
    }


def describe_geometry(maps: LabelMaps, view: View, width: int, height: int) -> dict:
    """Describe where the views of an image lie, and how the page draws them; `maps` are the image's."""
    return {
        "centre": _cells(maps.centre[0]).round(6).tolist(),
        "extent": _cells(maps.extent[0]).round(6).tolist(),
        "drawing": asdict(drawing_of(view, int(width), int(height))),
    }


def drawing_of(view: View, width: int, height: int) -> Drawing:
    """Return how the page draws views: as the family says, or else by sampling their extents."""
    return view.drawing(width, height) if isinstance(view, DrawnView) else Drawing((0, 0, width, height))


def describe_views(maps: LabelMaps, label: int) -> dict:
    """Describe the network's labels at each fixation of one image, cell by cell; `label` is the image's.

    top: the TOP most probable labels, that of the unrounded logits first, and their probabilities. given: the probability
    of the image's label.
    """
    log_p, first = _cells(maps.log_probability[0]), maps.top_label[0].ravel()
    ranking = log_p.copy()
    ranking[np.arange(len(first)), first] = np.inf
    top = np.argsort(-ranking, axis=1, kind="stable")[:, :TOP]
    p = np.exp(log_p.astype(float))
    return {
        "labels": top.tolist(),
        "p": _rounded(np.take_along_axis(p, top, axis=1)),
        "given": _rounded(p[:, label]),
    }


def describe_map(
    saliency: np.ndarray,
    point: np.ndarray,
    maps: LabelMaps,
    fixation: Mapping,
    score: Mapping,
    arrival: Arrival,
) -> dict:
    """Describe a method's map of one image, its fixation, and the outcome.

    saliency: (row, column); point: (row, column, 2), x, y that each cell stands for, in original pixels. maps: the image's.
    fixation, score: its rows in the method's tables. arrival: which view a cell leads to, as in `find_fixations`.
    """
    centre = maps.centre[:1]
    is_grid = point.shape == centre.shape[1:] and np.array_equal(point, centre[0])
    described = {
        "rows": saliency.shape[0],
        "columns": saliency.shape[1],
        "saliency": [float(str(value)) for value in saliency.ravel()],
        "view": int(fixation["row"]) * centre.shape[2] + int(fixation["column"]),
        "x": float(fixation["x"]),
        "y": float(fixation["y"]),
        "tie": bool(fixation["tie"]),
        "dead": bool(fixation["dead"]),
        "own_label": None if pd.isna(score["own_label"]) else int(score["own_label"]),
        "before": bool(score["correct_before"]),
        "after": bool(score["correct_after"]),
        "pointing": score["pointing"],
    }
    if not is_grid:  # the cells are no fixations: which points they stand for, and which views are theirs
        described["point"] = _cells(point).round(6).tolist()
        if arrival == "nearest":
            described["views"] = nearest_views(_cells(point), centre).tolist()
    return described


def describe_summary(
    summary: pd.DataFrame, views: Sequence[str], models: Sequence[str], methods: Sequence[str]
) -> list:
    """List each method's results on all images, [view][model][method]: its measures, as text, and numbers of images.

    A measure is written as in the report's table, with its interval: "61.3 [56.4, 65.9]". None where a network does without
    a method.
    """
    text, numbers = html_table.readable(summary), ["n_images", "n_pointing"]
    rows = {name: text[f"{name.replace('_', ' ')} (%)"] for name in MEASURES} | dict(summary[numbers].items())
    keys = summary[["view", "model", "method"]].itertuples(index=False, name=None)
    found = dict(zip(keys, pd.DataFrame(rows).astype(object).to_dict("records"), strict=True))
    return [[[found.get((view, model, method)) for method in methods] for model in models] for view in views]


def palette() -> list[str]:
    """Return the 256 colours of maps from low to high, each as `#rrggbb`: those of `labelmaps.figures.figure_1`."""
    return [mpl.colors.to_hex(colour) for colour in mpl.colormaps[HEAT](np.arange(256))]


def used_classes(images: Sequence[dict], names: Sequence[str]) -> dict[int, str]:
    """Return the names of the labels that appear on the page."""
    used = {image["label"] for image in images}
    for image in images:
        for networks in image["networks"]:
            for network in networks:
                used |= {label for labels in network["labels"] for label in labels}
                used |= {m["own_label"] for m in network["methods"] if m and m["own_label"] is not None}
                used |= {label for path in network["scanpaths"] if path for label in path["labels"]}
    return {label: names[label] for label in sorted(used)}


def _cells(grid: np.ndarray) -> np.ndarray:
    """Flatten (row, column, …) to (cell, …), row by row."""
    return grid.reshape(-1, *grid.shape[2:])


def _rounded(probability: np.ndarray) -> list:
    """Round to six significant digits."""
    return [_rounded(p) if np.ndim(p) else float(f"{p:.6g}") for p in probability]
