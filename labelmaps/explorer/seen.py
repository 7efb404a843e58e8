"""What each network saw of an image, and what the methods made of it, collected for the explorer."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from labelmaps.data.batches import read_batches
from labelmaps.data.classes import Class, short_names
from labelmaps.data.index import find_cases, has_several_classes, name_cases
from labelmaps.explorer.data import (
    LARGEST_IMAGE_BYTES,
    EmbeddedImage,
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


class MethodFiles(NamedTuple):
    """The files of a method's results of a network, and the settings that must have made them (method, options, arrival)."""

    settings: Mapping
    saliency: Path
    fixations: Path
    scores: Path


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
    methods: Mapping[str, MethodFiles],
    look: Mapping,
    shown: Mapping,
    scanned: Mapping,
    tolerance: float,
) -> Generator[NetworkResults]:
    """Open the results of a network that looks through a view; view and preprocessing are those of its label maps.

    index: its rows.
    label_maps, measures, scanpaths: files of the network.
    methods: name → files, of the methods that the network does not do without.
    look, shown, scanned: the settings of the label maps, of the measures, and of the scanpaths.
    tolerance: of the Pointing Game.

    Raises `InputError` for files of other images, another origin or other settings.
    """
    images = index["image"].tolist()
    with open_label_maps(label_maps, index) as file:
        check_settings(look, file.attributes, label_maps)
        made_by, of_methods = file.provenance, {}
        for name, files in methods.items():
            fixations, scores = (
                read_rows(path, images, file.origin) for path in (files.fixations, files.scores)
            )
            check_settings({**files.settings, "tolerance": tolerance}, scores.attrs, files.scores)
            of_methods[name] = MethodResults(files.settings["arrival"], files.saliency, fixations, scores)
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
    looks = [[networks[view, model] for model in models] for view in views]
    names = short_names(classes)
    scanpaths = list(dict.fromkeys(name for seen in networks.values() for name in seen.scanpaths))
    images = describe_images(index, telling, looks, list(methods), scanpaths, name_cases(index, names))
    return {
        "dataset": dataset,
        "n_images": len(index),
        "unit": "case" if has_several_classes(index) else "image",
        "views": [
            describe_view(name, of_view[0].view, of_view[0].label_maps.provenance["view"])
            for name, of_view in zip(views, looks, strict=True)
        ],
        "models": [
            describe_model(name, seen.label_maps.provenance, seen.preprocessing)
            for name, seen in zip(models, looks[0], strict=True)
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


@dataclass(frozen=True)
class Shown:
    """What a network, and the methods that it does not do without, made of the images that are shown, in their order.

    maps, fixations, scores: of each method. paths: of each way of choosing.
    """

    network: NetworkResults
    maps: Mapping[str, SaliencyMaps]
    fixations: Mapping[str, list[dict]]
    scores: Mapping[str, list[dict]]
    paths: Mapping[str, list[dict]]


def read_shown(network: NetworkResults, places: Sequence[int], images: Sequence[str]) -> Shown:
    """Read what a network made of the images at some places of the index, whose ids are `images`.

    Each file is opened and compared with its checksums here, once, and not for every image; so are rows of tables looked up.
    """

    def rows(table: pd.DataFrame) -> list[dict]:
        return table.iloc[places].to_dict("records")

    methods = network.methods.items()
    return Shown(
        network,
        {name: read_maps(method.saliency, places, images, network.label_maps) for name, method in methods},
        {name: rows(method.fixations) for name, method in methods},
        {name: rows(method.scores) for name, method in methods},
        {name: rows(paths) for name, paths in network.scanpaths.items()},
    )


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
    images = telling["image"].tolist()
    shown = [[read_shown(network, places, images) for network in of_view] for of_view in networks]
    decoded = read_batches(index.iloc[places], 1)
    described = []
    for i, (place, (rows, (pixels,))) in enumerate(zip(places, decoded, strict=True)):
        image, picture, example = rows.iloc[0], embed_image(pixels), telling.iloc[i]
        views, answers = [], []
        for of_view in shown:
            geometries, of_networks = zip(
                *(
                    describe_seen(one, i, place, image, pixels, picture, methods, scanpaths)
                    for one in of_view
                ),
                strict=True,
            )
            is_same = all(geometry == geometries[0] for geometry in geometries)  # as of most views
            views.append(geometries[:1] if is_same else geometries)
            answers.append(of_networks)
        of_image = describe_image(image, names[place], example["kind"], example["network"], picture)
        described.append(of_image | {"views": views, "networks": answers})
    return described


def describe_seen(
    shown: Shown,
    i: int,
    place: int,
    image: pd.Series,
    pixels: np.ndarray,
    picture: EmbeddedImage,
    methods: Sequence[str],
    scanpaths: Sequence[str],
) -> tuple[dict, dict]:
    """Describe where the views of an image lie, and what the network and the methods made of it.

    shown: of the network, where the image is the i-th. image: its row of the index, at `place`, with the digest of what was
    read now. pixels, picture: those of the image, and what the page holds of them. methods, scanpaths: the names of all;
    None stands for one that the network does without.
    Raises `InputError` for label maps of other pixels.
    """
    network = shown.network
    digests = network.label_maps.digests[place : place + 1]
    check_same_pixels([image["image"]], [image["digest"]], digests, network.path, REMAKE)
    maps = network.label_maps.read(place, place + 1)
    geometry = describe_geometry(maps, network.view, image["width"], image["height"])
    answers = describe_views(maps, image["label"])
    answers["deviation"] = measure_deviation(network, maps.extent[0], pixels, picture.pixels)
    answers["methods"] = [
        describe_map(
            shown.maps[name].saliency[i],
            shown.maps[name].point[i],
            maps,
            shown.fixations[name][i],
            shown.scores[name][i],
            network.methods[name].arrival,
        )
        if name in network.methods
        else None
        for name in methods
    ]
    answers["scanpaths"] = [
        describe_path(shown.paths[name][i]) if name in shown.paths else None for name in scanpaths
    ]
    return geometry, answers


def measure_deviation(
    network: NetworkResults, extent: np.ndarray, pixels: np.ndarray, embedded: np.ndarray
) -> float:
    """Measure how far views drawn from the embedded image are from those that the network received, in levels of 255.

    extent: (row, column, 4) of the image's views. Returns the mean over x₀ and a view of each ring around it.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.transpose(telling_cells(network.view.grid))
    scale = embedded.shape[1] / width, embedded.shape[0] / height
    drawing = drawing_of(network.view, width, height)
    drawn = draw_views(embedded, extent[rows, columns], drawing, scale, network.preprocessing)
    cells = (rows * network.view.grid + columns).tolist()
    received = view_pixels(pixels, network.view, network.preprocessing, cells)
    return round(float(np.abs(received.astype(np.int16) - drawn).mean()), 2)
