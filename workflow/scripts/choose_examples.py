"""Choose the images that Figure 1 shows, and write for every image the measures by which they are chosen."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.data.classes import read_classes, short_names
from labelmaps.data.index import name_cases, read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring.examples import measure_images, select_examples, write_examples
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_settings


def choose_examples(
    *,
    label_maps: Path,
    index: Path,
    classes: Path,
    scores: list[Path],
    fixations: list[Path],
    examples: list[Path],
    measures: Path,
    chosen: dict[str, str],
    made_by: dict,
) -> None:
    """Write one row per example to `examples`, and one row per image to `measures`.

    scores, fixations: those of the methods in the figure, in the same order.
    chosen: the user's own examples, name → image id, or `image · class`. made_by: the settings of all files, as from
    `Study.example_settings`.
    """
    images = read_index(index)
    ids = images["image"].tolist()
    tolerance = {"tolerance": made_by["tolerance"]}
    with open_label_maps(label_maps, images) as file:
        check_settings(made_by["look"], file.attributes, label_maps)
        selected, scored = (
            [read_rows(path, ids, file.origin) for path in paths] for paths in (fixations, scores)
        )
        for settings, table, path in zip(made_by["methods"].values(), scored, scores, strict=True):
            check_settings(settings | tolerance, table.attrs, path)
        measured = measure_images(images, file.blocks(), selected, scored)
        measured.attrs = file.origin_of_tables | made_by
    write_parquet(measures, measured)
    cases = name_cases(images, short_names(read_classes(classes)))
    selection = select_examples(measured, chosen, cases)
    selection.attrs = measured.attrs | {"chosen": chosen}
    write_examples(examples, selection)


if __name__ == "__main__":
    run_script(choose_examples, snakemake)
