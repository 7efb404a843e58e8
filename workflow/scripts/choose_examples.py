"""Choose the images that Figure 1 shows, and say of every image how telling it is."""

from pathlib import Path

from labelmaps.data.index import read_index
from labelmaps.jobs.script import run_script
from labelmaps.scoring.examples import measure_images, select_examples, write_examples
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet


def choose_examples(
    *,
    label_maps: Path,
    index: Path,
    scores: list[Path],
    fixations: list[Path],
    examples: list[Path],
    measures: Path,
    chosen: dict[str, str],
) -> None:
    """Write one row per example, and to `measures` one row per image.

    scores, fixations: of the methods to be shown, in one order.
    chosen: the user's own examples, name → image id.
    """
    images = read_index(index)
    ids = images["image"].tolist()
    with open_label_maps(label_maps, images) as file:
        selected, scored = (
            [read_rows(path, ids, file.origin) for path in paths] for paths in (fixations, scores)
        )
        measured = measure_images(images, file.blocks(), selected, scored)
        measured.attrs = file.origin_of_tables
    write_parquet(measures, measured)
    write_examples(examples, select_examples(measured, chosen))


if __name__ == "__main__":
    run_script(choose_examples, snakemake)
