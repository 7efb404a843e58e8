"""Plot the paper's Figure 1 for one image."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelmaps import views
from labelmaps.data.batches import read_batches
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.figure_1 import Example, Saccade, SeenView, figure_1, short_names
from labelmaps.inference.view_pictures import picture_views
from labelmaps.jobs.logs import job
from labelmaps.networks.preprocessing import Preprocessing, preprocessing_of
from labelmaps.scoring.examples import describe, read_examples
from labelmaps.storage.derived import read_map, read_rows
from labelmaps.storage.label_map_file import LabelMaps, open_label_maps
from labelmaps.storage.provenance import check_same_images
from labelmaps.views import ViewFamily


def plot_figure_1(
    examples: Path,
    index: Path,
    label_maps: Path,
    classes: Path,
    saliency: list[Path],
    fixations: list[Path],
    outputs: list[Path],
    example: str,
    view: dict,
    model: dict,
    methods: list[dict],
    sizes: list[str],
) -> None:
    """Draw one of the examples in these sizes, in the format of each output's name.

    saliency, fixations: of the methods to be shown, in the order of `methods`, which gives the variant and the cue of each.
    view and model: as in the settings.
    """
    style.prepare()
    images = read_index(index)
    ids = images["image"].tolist()
    table = read_examples(examples)
    chosen = table[table["example"] == example].iloc[0]
    image = chosen["image"]
    if image not in ids:
        raise InputError(f"{examples}: shows {image}, which is not in {index}. Delete it and run again")
    at = ids.index(image)
    ((rows, (pixels,)),) = read_batches(images.iloc[[at]], 1)
    label, boxes = rows.iloc[0][["label", "boxes"]]
    with open_label_maps(label_maps) as file:
        check_same_images(ids, file.images, label_maps)
        maps, origin = file.read(at, at + 1), file.origin
    selected = [read_rows(path, ids, origin).iloc[at] for path in fixations]
    class_names = short_names(read_classes(classes))
    family = views.create(**view)
    before, *after = look(pixels, label, maps, selected, family, preprocessing_of(model), class_names)
    salient = [read_map(path, at, image, origin) for path in saliency]
    saccades = [
        Saccade(
            style.method_name(method["variant"]),
            method["cue"],
            shown.saliency[0],
            shown.point[0],
            fixation["x"],
            fixation["y"],
            fixation["dead"],
            None if pd.isna(fixation["own_label"]) else class_names[fixation["own_label"]],
            seen,
        )
        for method, shown, fixation, seen in zip(methods, salient, selected, after, strict=True)
    ]
    network = f"{model['architecture']} ({origin['weights_source']})"
    fixation_points = f"{view['family']}, {family.grid} × {family.grid} fixations"
    notes = [describe(chosen), network, fixation_points, image]
    shown = Example(pixels, boxes, class_names[label], before, saccades, notes)
    style.draw(lambda width: figure_1(shown, width), outputs, sizes)


def look(
    pixels: np.ndarray,
    label: int,
    maps: LabelMaps,
    fixations: list[pd.Series],
    family: ViewFamily,
    preprocessing: Preprocessing,
    class_names: list[str],
) -> list[SeenView]:
    """What the network received of one image, and said, at x₀ and at each fixation; `maps` are that image's."""
    cells = [maps.initial, *((fixation["row"], fixation["column"]) for fixation in fixations)]
    numbers = [row * family.grid + column for row, column in cells]
    seen = []
    for (row, column), view in zip(cells, picture_views(pixels, family, preprocessing, numbers), strict=True):
        p, top = np.exp(maps.log_probability[0, row, column]), maps.top_label[0, row, column]
        extent = maps.extent[0, row, column]
        seen.append(SeenView(view, extent, class_names[top], p[top], p[label], top == label))
    return seen


if __name__ == "__main__":
    with job(snakemake.log[0]):
        plot_figure_1(
            Path(snakemake.input.examples),
            Path(snakemake.input.index),
            Path(snakemake.input.label_maps),
            Path(snakemake.input.classes),
            [Path(path) for path in snakemake.input.saliency],
            [Path(path) for path in snakemake.input.fixations],
            [Path(path) for path in snakemake.output],
            **dict(snakemake.params.items()),
        )
