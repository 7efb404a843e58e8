"""Build the explorer: one page that shows some images through every network, view and method."""

from contextlib import ExitStack
from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.classes import read_classes, short_names
from labelmaps.data.index import name_cases, read_index
from labelmaps.explorer.page import render_explorer
from labelmaps.explorer.seen import MethodFiles, collect_data, open_results
from labelmaps.jobs.script import run_script
from labelmaps.scoring.examples import choose_telling
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.files import moved_into_place


def build_explorer(
    *,
    index: Path,
    classes: Path,
    summary: Path,
    measures: list[Path],
    label_maps: list[Path],
    saliency: list[Path],
    fixations: list[Path],
    scores: list[Path],
    scanpaths: list[Path],
    explorer: Path,
    dataset: str,
    networks: list[tuple[str, str]],
    methods: dict[str, dict],
    done: list[list[str]],
    chosen: dict[str, str],
    n_images: int,
    made_by: dict,
    shown: list[dict],
    scanned: dict,
) -> None:
    """Write the explorer as one HTML file.

    networks: view and model of each of `measures`, `label_maps` and `scanpaths`.
    methods: name → variant and cue. done: the names of each network's methods, whose files `saliency`, `fixations` and
    `scores` hold, network by network.
    chosen: the user's own examples, name → image id. n_images: the number of images on the page.
    made_by, shown, scanned: the settings of all files, as from `Study.score_settings`; of each of `measures`, as from
    `Study.example_settings`; and of the scanpaths, as from `Study.scanpath_settings_of_networks`.
    """
    images = read_index(index)
    names, results = read_classes(classes), {}
    with ExitStack() as stack:
        files = iter(zip(saliency, fixations, scores, strict=True))
        for i, (view, model) in enumerate(networks):
            results[view, model] = stack.enter_context(
                open_results(
                    images,
                    label_maps[i],
                    measures[i],
                    scanpaths[i],
                    {method: MethodFiles(made_by["methods"][method], *next(files)) for method in done[i]},
                    made_by["networks"][i],
                    shown[i],
                    scanned["networks"][i],
                    made_by["tolerance"],
                )
            )
        by_network = {f"{model} through {view}": seen.measures for (view, model), seen in results.items()}
        telling = choose_telling(images, by_network, chosen, n_images, name_cases(images, short_names(names)))
        data = collect_data(dataset, images, telling, results, methods, read_results(summary, made_by), names)
    with moved_into_place(explorer) as temporary:
        temporary.write_text(render_explorer(data), encoding="utf-8")


if __name__ == "__main__":
    run_script(build_explorer, snakemake)
