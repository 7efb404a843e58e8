"""Plot the paper's Figure 1 for each of a network's examples."""

from functools import partial
from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.batches import read_batches
from labelmaps.data.classes import read_classes, short_names
from labelmaps.data.index import find_cases, name_cases, read_index
from labelmaps.errors import InputError
from labelmaps.figures import style
from labelmaps.figures.figure_1 import draw_figure_1
from labelmaps.figures.figure_1_data import (
    Example,
    collect_saccades,
    collect_scanpaths,
    collect_views,
)
from labelmaps.jobs.script import run_script
from labelmaps.networks.preprocessing import Preprocessing
from labelmaps.scoring.examples import describe, read_examples
from labelmaps.scoring.scanpaths import read_paths
from labelmaps.storage.derived import read_maps, read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.provenance import (
    REMAKE,
    check_same_origin,
    check_same_pixels,
    check_settings,
    seen_view,
)
from labelmaps.views import create_view, name_view


def plot_figure_1(
    *,
    examples: Path,
    scanpaths: Path,
    index: Path,
    label_maps: Path,
    classes: Path,
    saliency: list[Path],
    fixations: list[Path],
    figures: list[Path],
    names: list[str],
    methods: list[dict],
    sizes: list[str],
    made_by: dict,
    scanned: dict,
    variants: dict[str, str],
    chosen: dict[str, str],
) -> None:
    """Draw the examples of these names in these sizes, in the format of each figure's name.

    saliency, fixations: those of the methods in the figure, in the order of `methods`, which holds each one's variant and
    cue.
    figures: the same number for each of `names`, in their order; those of one example as for `style.draw`.
    made_by: the settings of all files, as from `Study.example_settings`. scanned: those of the scanpaths, as from
    `Study.scanpath_settings`.
    variants: the methods on x₀ among these, name → variant. chosen: the user's own examples, name → image id.

    Raises `InputError` if an example is not in the index, or if a file was made from other images or with other settings.
    """
    style.prepare()
    images = read_index(index)
    ids = images["image"].tolist()
    table = read_examples(examples)
    check_settings(made_by | {"chosen": chosen}, table.attrs, examples)
    shown = table.set_index("example", drop=False).loc[names]
    try:
        places = find_cases(images, shown)
    except KeyError as case:
        image = case.args[0][0]
        raise InputError(
            f"{examples}: contains {image}, which is not in {index}. Delete {examples} and run again"
        ) from case
    decoded = list(read_batches(images.iloc[places], 1))
    class_names, contents = short_names(read_classes(classes)), []
    names_of_cases = name_cases(images, class_names)
    with open_label_maps(label_maps, images) as file:
        check_settings(made_by["look"], file.attributes, label_maps)
        for place, image, (rows, _) in zip(places, shown["image"], decoded, strict=True):
            digests = file.digests[place : place + 1]
            check_same_pixels([image], rows["digest"], digests, label_maps, REMAKE)
        check_same_origin(file.origin, table.attrs, examples)
        tables = [read_rows(path, ids, file.origin) for path in fixations]
        for settings, points, path in zip(made_by["methods"].values(), tables, fixations, strict=True):
            check_settings(settings, points.attrs, path)
        view = create_view(**seen_view(file.provenance))
        preprocessing = Preprocessing(**file.provenance["preprocessing"])
        network = f"{file.provenance['architecture']} ({file.provenance['weights_source']})"
        paths = read_paths(scanpaths, ids, file.origin, scanned)
        salient = [read_maps(path, places, shown["image"].tolist(), file) for path in saliency]
        for i, (rows, (pixels,)) in enumerate(decoded):
            label, boxes = rows.iloc[0][["label", "boxes"]]
            maps = file.read(places[i], places[i] + 1)
            selected = [points.iloc[places[i]] for points in tables]
            before, *after = collect_views(pixels, label, maps, selected, view, preprocessing, class_names)
            saccades = collect_saccades(methods, salient, i, selected, after, class_names)
            notes = [describe(shown.iloc[i]), network, name_view(view), names_of_cases[places[i]]]
            rows_of_paths = {name: rows.iloc[places[i]] for name, rows in paths.items()}
            drawn = collect_scanpaths(rows_of_paths, variants, maps, label, class_names)
            contents.append(Example(pixels, boxes, class_names[label], before, saccades, notes, drawn))
    each = len(figures) // len(contents)
    for i, content in enumerate(contents):
        style.draw(partial(draw_figure_1, content), figures[i * each : (i + 1) * each], sizes)


if __name__ == "__main__":
    run_script(plot_figure_1, snakemake)
