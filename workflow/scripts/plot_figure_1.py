"""Plot the paper's Figure 1 for one image."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import read_batches
from labelmaps.data.classes import read_classes
from labelmaps.data.index import read_index
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.figure_1 import draw_figure_1
from labelmaps.figures.figure_1_data import Example, collect_saccades, collect_views, short_names
from labelmaps.jobs.script import run_script
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.scoring.examples import describe, read_examples
from labelmaps.storage.derived import read_map, read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.provenance import REMAKE, check_same_origin, check_same_pixels, check_settings
from labelmaps.views import create_view


def plot_figure_1(
    *,
    examples: Path,
    index: Path,
    label_maps: Path,
    classes: Path,
    saliency: list[Path],
    fixations: list[Path],
    figures: list[Path],
    example: str,
    methods: list[dict],
    sizes: list[str],
    made_by: dict,
    chosen: dict[str, str],
) -> None:
    """Draw one of the examples in these sizes, in the format of each figure's name.

    saliency, fixations: of the methods to be shown, in the order of `methods`, which gives the variant and the cue of each.
    made_by: the settings of all files, as from `Study.shown`. chosen: the user's own examples, name → image id.
    """
    style.prepare()
    images = read_index(index)
    ids = images["image"].tolist()
    table = read_examples(examples)
    check_settings(made_by | {"chosen": chosen}, table.attrs, examples)
    shown = table[table["example"] == example].iloc[0]
    image = shown["image"]
    if image not in ids:
        raise InputError(f"{examples}: shows {image}, which is not in {index}. Delete it and run again")
    place = ids.index(image)
    ((rows, (pixels,)),) = read_batches(images.iloc[[place]], 1)
    label, boxes = rows.iloc[0][["label", "boxes"]]
    with open_label_maps(label_maps, images) as file:
        check_settings(made_by["look"], file.attributes, label_maps)
        check_same_pixels([image], rows["digest"], file.digests[place : place + 1], label_maps, REMAKE)
        check_same_origin(file.origin, table.attrs, examples)
        maps, origin, provenance = file.read(place, place + 1), file.origin, file.provenance
        salient = [read_map(path, place, image, file) for path in saliency]
    view, preprocessing = create_view(**provenance["view"]), Preprocessing(**provenance["preprocessing"])
    tables = [read_rows(path, ids, origin) for path in fixations]
    for settings, points, path in zip(made_by["methods"].values(), tables, fixations, strict=True):
        check_settings(settings, points.attrs, path)
    selected = [points.iloc[place] for points in tables]
    class_names = short_names(read_classes(classes))
    before, *after = collect_views(pixels, label, maps, selected, view, preprocessing, class_names)
    saccades = collect_saccades(methods, salient, selected, after, class_names)
    network = f"{provenance['architecture']} ({provenance['weights_source']})"
    grid = f"{provenance['view']['family']}, {view.grid} × {view.grid} fixations"
    notes = [describe(shown), network, grid, image]
    content = Example(pixels, boxes, class_names[label], before, saccades, notes)
    style.draw(lambda width: draw_figure_1(content, width), figures, sizes)


if __name__ == "__main__":
    run_script(plot_figure_1, snakemake)
