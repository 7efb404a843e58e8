"""Build the explorer: one page on which to look at telling images through every network, view and method."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from labelmaps.data.batches import read_batches
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.explorer import data as explorer
from labelmaps.figures.figure_1 import short_names
from labelmaps.figures.views import telling_cells
from labelmaps.inference.view_pictures import draw_views, picture_views
from labelmaps.jobs.logs import job
from labelmaps.networks.preprocessing import Preprocessing, preprocessing_of
from labelmaps.scoring.examples import choose_telling
from labelmaps.scoring.pointing import SIZE_BINS
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.derived import read_map, read_rows
from labelmaps.storage.files import moved_into_place
from labelmaps.storage.label_map_file import LabelMapFile, open_label_maps
from labelmaps.storage.provenance import check_same_images
from labelmaps.views import ViewFamily, create


class Method(NamedTuple):
    """What one method made of a network's label maps: the file of its maps, and its tables, one row per image."""

    arrival: str
    saliency: Path
    fixations: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True)
class Network:
    """A network that looks through a view, what it said, and what the methods made of it."""

    family: ViewFamily
    preprocessing: Preprocessing
    label_maps: LabelMapFile
    methods: Sequence[Method]


def build_explorer(
    index: Path,
    classes: Path,
    summary: Path,
    measures: list[Path],
    label_maps: list[Path],
    saliency: list[Path],
    fixations: list[Path],
    scores: list[Path],
    page: list[Path],
    output: Path,
    dataset: str,
    views: dict[str, dict],
    models: dict[str, dict],
    methods: dict[str, dict],
    chosen: dict[str, str],
    images: int,
) -> None:
    """Write the page.

    measures, label_maps: through the first view all networks, through the second all, and so on; saliency, fixations and
    scores likewise, and of each network all methods. page: its template, its style, then its scripts. views, models: name →
    the settings, and of models their `source`; methods: name → variant, cue and arrival; chosen: the user's own examples,
    name → image id; images: how many are shown.
    """
    all_images = read_index(index)
    ids = all_images["image"].tolist()
    names = [(view, model) for view in views for model in models]
    made = zip(saliency, fixations, scores, strict=True)
    measured, described = {}, []
    with ExitStack() as stack:
        networks = {}
        for (view, model), path, measure in zip(names, label_maps, measures, strict=True):
            file = stack.enter_context(open_label_maps(path))
            check_same_images(ids, file.images, path)
            measured[f"{model} through {view}"] = read_rows(measure, ids, file.origin)
            of_methods = [
                Method(method["arrival"], maps, *(read_rows(table, ids, file.origin) for table in tables))
                for method, (maps, *tables) in zip(methods.values(), islice(made, len(methods)), strict=True)
            ]
            networks[view, model] = Network(
                create(**views[view]), preprocessing_of(models[model]), file, of_methods
            )
        telling = choose_telling(all_images, measured, chosen, images)
        rows = [ids.index(image) for image in telling["image"]]
        decoded = read_batches(all_images.iloc[rows], 1)
        for (_, (pixels,)), at, example in zip(decoded, rows, telling.itertuples(), strict=True):
            image = all_images.iloc[at]
            picture = explorer.embed_picture(pixels)
            looks = [
                [look(networks[view, model], image, at, pixels, picture.pixels) for model in models]
                for view in views
            ]
            described.append(
                explorer.describe_image(image, example.kind, example.network, picture)
                | {"views": [of_models[0][0] for of_models in looks]}
                | {"networks": [[said for _, said in of_models] for of_models in looks]}
            )
    class_names = short_names(read_classes(classes))
    data = {
        "dataset": dataset,
        "n_images": len(ids),
        "views": [explorer.describe_view(name, create(**view), view) for name, view in views.items()],
        "models": [
            explorer.describe_model(name, model, preprocessing_of(model)) for name, model in models.items()
        ],
        "methods": [
            explorer.describe_method(method["variant"], method["cue"]) for method in methods.values()
        ],
        "summary": explorer.describe_summary(read_results(summary), list(views), list(models), list(methods)),
        "images": described,
        "classes": explorer.used_classes(described, class_names),
        "sizes": SIZE_BINS,
        "palette": explorer.palette(),
        "largest_picture": explorer.LARGEST_PICTURE,
    }
    template, stylesheet, *code = (path.read_text(encoding="utf-8") for path in page)
    with moved_into_place(output) as temporary:
        temporary.write_text(explorer.page(data, template, stylesheet, "".join(code)), encoding="utf-8")


def look(
    network: Network, image: pd.Series, at: int, pixels: np.ndarray, picture: np.ndarray
) -> tuple[dict, dict]:
    """Where the views of an image lie, and what the network and the methods said of it, as the page has them.

    at: its row in the index. pixels: the image's; picture: those of the picture that the page holds instead.
    """
    maps = network.label_maps.read(at, at + 1)
    geometry = explorer.describe_geometry(maps, network.family, image["width"], image["height"])
    said = explorer.describe_views(maps, image["label"])
    said["deviation"] = measure_deviation(network, maps.extent[0], pixels, picture)
    said["methods"] = []
    for method in network.methods:
        found = read_map(method.saliency, at, image["image"], network.label_maps.origin)
        rows = method.fixations.iloc[at], method.scores.iloc[at]
        said["methods"].append(
            explorer.describe_map(found.saliency[0], found.point[0], maps, *rows, method.arrival)
        )
    return geometry, said


def measure_deviation(network: Network, extent: np.ndarray, pixels: np.ndarray, picture: np.ndarray) -> float:
    """How far views drawn from the picture are from those that the network received, on average, in levels of 255.

    The mean is over x₀ and a view of each ring around it.
    """
    height, width = pixels.shape[:2]
    cells = telling_cells(network.family.grid)
    numbers = [row * network.family.grid + column for row, column in cells]
    boxes = np.stack([extent[cell] for cell in cells])
    scale = picture.shape[1] / width, picture.shape[0] / height
    drawing = explorer.drawing_of(network.family, width, height)
    drawn = draw_views(picture, boxes, drawing, scale, network.preprocessing)
    received = picture_views(pixels, network.family, network.preprocessing, numbers)
    return round(float(np.abs(received.astype(int) - drawn).mean()), 2)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        build_explorer(
            Path(snakemake.input.index),
            Path(snakemake.input.classes),
            Path(snakemake.input.summary),
            *(
                [Path(path) for path in snakemake.input[name]]
                for name in ("measures", "label_maps", "saliency", "fixations", "scores", "page")
            ),
            Path(snakemake.output.explorer),
            **dict(snakemake.params.items()),
        )
