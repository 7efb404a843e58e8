"""Choose the images that Figure 1 shows, and say of every image how telling it is."""

from pathlib import Path

from labelmaps.data.index import read_index
from labelmaps.jobs.logs import job
from labelmaps.scoring import examples
from labelmaps.storage.derived import read_rows
from labelmaps.storage.label_map_file import open_label_maps
from labelmaps.storage.parquet import write_parquet
from labelmaps.storage.provenance import check_same_images


def choose_examples(
    label_maps: Path,
    index: Path,
    scores: list[Path],
    fixations: list[Path],
    output: Path,
    measured: Path,
    chosen: dict[str, str],
) -> None:
    """Write one row per example, and to `measured` one row per image.

    scores, fixations: of the methods to be shown, in one order.
    chosen: the user's own examples, name → image id.
    """
    images = read_index(index)
    ids = images["image"].tolist()
    with open_label_maps(label_maps) as file:
        check_same_images(ids, file.images, label_maps)
        selected, scored = (
            [read_rows(path, ids, file.origin) for path in paths] for paths in (fixations, scores)
        )
        measures = examples.measure_images(images, file.blocks(), selected, scored)
        measures.attrs["label_maps"] = file.integrity
    write_parquet(measured, measures)
    examples.write_examples(output, examples.choose_examples(measures, chosen))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        choose_examples(
            Path(snakemake.input.label_maps),
            Path(snakemake.input.index),
            [Path(path) for path in snakemake.input.scores],
            [Path(path) for path in snakemake.input.fixations],
            Path(snakemake.output.examples),
            Path(snakemake.output.measures),
            **dict(snakemake.params.items()),
        )
