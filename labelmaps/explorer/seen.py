"""What each network saw of an image, and what the methods made of it, collected for the explorer."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps.data.batches import read_batches
from labelmaps.data.classes import Class, short_names
from labelmaps.data.index import find_cases, has_several_classes, name_cases
from labelmaps.explorer.data import (
    LARGEST_IMAGE_BYTES,
    describe_geometry,
    describe_image,
    describe_map,
    describe_method,
    describe_model,
    describe_path,
    describe_scanpaths,
    describe_summary,
    describe_view,
    describe_views,
    drawing_of,
    embed_image,
    palette,
    used_classes,
)
from labelmaps.figures.views import telling_cells
from labelmaps.inference.view_pixels import draw_views, view_pixels
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.scoring.fixations import Arrival
from labelmaps.scoring.pointing import SIZE_BINS
from labelmaps.scoring.scanpaths import CUES, read_paths
from labelmaps.storage.derived import read_maps, read_rows
from labelmaps.storage.label_map_file import LabelMapFile, open_label_maps
from labelmaps.storage.provenance import REMAKE, check_same_pixels, check_settings, seen_view
from labelmaps.storage.saliency_file import SaliencyMaps
from labelmaps.views import View, create_view


@dataclass(frozen=True)
class MethodResults:
    """What one method made of a network's label maps: the file of its maps, and its tables, one row per image."""

    arrival: Arrival
    saliency: Path
    fixations: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True)
class NetworkResults:
    """The results of a network that looks through a view.

    path: of its label maps. measures: says of each image how telling it is. methods: name → results, of those that the
    network does not do without. scanpaths: way of choosing → one row per image, as from `read_paths`.
    """

    view: View
    preprocessing: Preprocessing
    path: Path
    label_maps: LabelMapFile
    measures: pd.DataFrame
    methods: Mapping[str, MethodResults]
    scanpaths: Mapping[str, pd.DataFrame]


@contextmanager
def open_results(
    index: pd.DataFrame,
    label_maps: Path,
    measures: Path,
    scanpaths: Path,
    saliency: Sequence[Path],
    fixations: Sequence[Path],
    scores: Sequence[Path],
    methods: Mapping[str, Mapping],
    look: Mapping,
    shown: Mapping,
    scanned: Mapping,
    tolerance: float,
) -> Generator[NetworkResults]:
    """Open the results of a network that looks through a view; view and preprocessing are those of its label maps.

    index: its rows. saliency, fixations, scores, methods: of the methods, in one order; of a method, its name → method,
    options and arrival. look, shown, scanned: the settings of the label maps, of the measures, and of the scanpaths.
    tolerance: of the Pointing Game.
    Raises `InputError` for files of other images, another origin or other settings.
    """
    images = index["image"].tolist()
    with open_label_maps(label_maps, index) as file:
        check_settings(look, file.attributes, label_maps)
        made_by, of_methods = file.provenance, {}
        for (name, settings), maps, *paths in zip(methods.items(), saliency, fixations, scores, strict=True):
            tables = [read_rows(path, images, file.origin) for path in paths]
            check_settings({**settings, "tolerance": tolerance}, tables[1].attrs, paths[1])
            of_methods[name] = MethodResults(settings["arrival"], maps, *tables)
        measured = read_rows(measures, images, file.origin)
        check_settings(shown, measured.attrs, measures)
        yield NetworkResults(
            create_view(**seen_view(made_by)),
            Preprocessing(**made_by["preprocessing"]),
            label_maps,
            file,
            measured,
            of_methods,
            read_paths(scanpaths, images, file.origin, scanned),
        )


def collect_data(
    dataset: str,
    index: pd.DataFrame,
    telling: pd.DataFrame,
    networks: Mapping[tuple[str, str], NetworkResults],
    methods: Mapping[str, Mapping],
    summary: pd.DataFrame,
    classes: Sequence[Class],
) -> dict:
    """Collect all that the explorer holds.

    telling: the images to be shown, as from `labelmaps.scoring.examples.choose_telling`. networks: (view, model) → results.
    methods: name → variant and cue. summary: the data set's.
    """
    views, models = (list(dict.fromkeys(names)) for names in zip(*networks, strict=True))
    of_view = {view: networks[view, models[0]] for view in views}
    of_model = {model: networks[views[0], model] for model in models}
    looks = [[networks[view, model] for model in models] for view in views]
    names = short_names(classes)
    scanpaths = list(dict.fromkeys(name for seen in networks.values() for name in seen.scanpaths))
    images = describe_images(index, telling, looks, list(methods), scanpaths, name_cases(index, names))
    return {
        "dataset": dataset,
        "n_images": len(index),
        "unit": "case" if has_several_classes(index) else "image",
        "views": [
            describe_view(view, seen.view, seen.label_maps.provenance["view"])
            for view, seen in of_view.items()
        ],
        "models": [
            describe_model(model, seen.label_maps.provenance, seen.preprocessing)
            for model, seen in of_model.items()
        ],
        "methods": [
            {"id": name} | describe_method(method["variant"], method["cue"])
            for name, method in methods.items()
        ],
        "scanpaths": [
            {"id": name} | describe_scanpaths(name if name in CUES else methods[name]["variant"])
            for name in scanpaths
        ],
        "summary": describe_summary(summary, views, models, list(methods)),
        "images": images,
        "classes": used_classes(images, names),
        "sizes": SIZE_BINS,
        "palette": palette(),
        "largest_picture": LARGEST_IMAGE_BYTES,
    }


def describe_images(
    index: pd.DataFrame,
    telling: pd.DataFrame,
    networks: Sequence[Sequence[NetworkResults]],
    methods: Sequence[str],
    scanpaths: Sequence[str],
    names: Sequence[str],
) -> list[dict]:
    """Describe each telling image, and what the networks, [view][model], and the methods made of it.

    scanpaths: the ways of choosing. names: what each row of the index is called, as from `name_cases`.
    """
    places = find_cases(index, telling)
    decoded = read_batches(index.iloc[places], 1)
    chosen, described = telling["image"].tolist(), []
    # Each file is opened and compared with its checksums once, and not for every image.
    with_maps = [
        [
            (
                network,
                {
                    name: read_maps(method.saliency, places, chosen, network.label_maps)
                    for name, method in network.methods.items()
                },
            )
            for network in of_view
        ]
        for of_view in networks
    ]
    kinds = telling["kind"], telling["network"]
    for i, ((rows, (pixels,)), place, kind, of_network) in enumerate(
        zip(decoded, places, *kinds, strict=True)
    ):
        image, embedded = rows.iloc[0], embed_image(pixels)
        seen = [
            [
                describe_seen(network, maps, i, image, place, pixels, embedded.pixels, methods, scanpaths)
                for network, maps in of_view
            ]
            for of_view in with_maps
        ]
        described.append(
            describe_image(image, kind, of_network, embedded)
            | {"id": names[place]}
            | {"views": [_without_repeats([geometry for geometry, _ in of_view]) for of_view in seen]}
            | {"networks": [[answers for _, answers in of_view] for of_view in seen]}
        )
    return described


def _without_repeats(geometries: Sequence[dict]) -> Sequence[dict]:
    """Return the geometry of each network's views, or only the first where all are alike, as of most views they are."""
    return geometries if any(geometry != geometries[0] for geometry in geometries) else geometries[:1]


def describe_seen(
    network: NetworkResults,
    salient: Mapping[str, SaliencyMaps],
    i: int,
    image: pd.Series,
    place: int,
    pixels: np.ndarray,
    embedded: np.ndarray,
    methods: Sequence[str],
    scanpaths: Sequence[str],
) -> tuple[dict, dict]:
    """Describe where the views of an image lie, and what the network and the methods made of it.

    salient: maps of the network's methods, of which this image's are the i-th. image: its row of the index, at `place`, with
    the digest of what was read now. pixels: the image's; embedded: those of the image that the page holds. methods: their
    names, and scanpaths: of the ways of choosing; None stands for one that the network does without. Raises `InputError` for
    label maps of other pixels.
    """
    digests = network.label_maps.digests[place : place + 1]
    check_same_pixels([image["image"]], [image["digest"]], digests, network.path, REMAKE)
    maps = network.label_maps.read(place, place + 1)
    geometry = describe_geometry(maps, network.view, image["width"], image["height"])
    answers = describe_views(maps, image["label"])
    answers["deviation"] = measure_deviation(network, maps.extent[0], pixels, embedded)
    answers["methods"] = []
    for name in methods:
        if name not in network.methods:
            answers["methods"].append(None)
            continue
        method, found = network.methods[name], salient[name]
        rows = method.fixations.iloc[place], method.scores.iloc[place]
        answers["methods"].append(
            describe_map(found.saliency[i], found.point[i], maps, *rows, method.arrival)
        )
    paths = [network.scanpaths.get(name) for name in scanpaths]
    answers["scanpaths"] = [None if rows is None else describe_path(rows.iloc[place]) for rows in paths]
    return geometry, answers


def measure_deviation(
    network: NetworkResults, extent: np.ndarray, pixels: np.ndarray, embedded: np.ndarray
) -> float:
    """Measure how far views drawn from the embedded image are from those that the network received, in levels of 255.

    extent: (row, column, 4) of the image's views. Returns the mean over x₀ and a view of each ring around it.
    """
    height, width = pixels.shape[:2]
    cells = telling_cells(network.view.grid)
    numbers = [row * network.view.grid + column for row, column in cells]
    boxes = np.stack([extent[cell] for cell in cells])
    scale = embedded.shape[1] / width, embedded.shape[0] / height
    drawing = drawing_of(network.view, width, height)
    drawn = draw_views(embedded, boxes, drawing, scale, network.preprocessing)
    received = view_pixels(pixels, network.view, network.preprocessing, numbers)
    return round(float(np.abs(received.astype(int) - drawn).mean()), 2)
