"""Write a data set's index, and the list of the images that it excludes."""

from pathlib import Path
from time import perf_counter

import begin_job  # noqa: F401 (see there)
from labelmaps.data import indexing
from labelmaps.data.index import write_excluded, write_index
from labelmaps.jobs.logs import log_rate
from labelmaps.jobs.script import run_script


def index_dataset(
    *,
    index: Path,
    excluded: Path,
    images: str | None,
    boxes: str | None,
    table: str | None,
    voc: str | None,
    subset: str,
    coco: str | None,
    parquet: str | None,
    webdataset: str | None,
    columns: dict[str, str | list[str]] | None,
    classes: str,
    origin_of_classes: str,
    verify: str,
    expect_images: int | None,
    max_excluded: float,
    box_format: str,
    check_boxes: bool,
    min_matched: float,
    threads: int,
) -> None:
    """Index the data set that the settings describe, and write the index and the excluded images.

    Arguments are those of `labelmaps.data.indexing.index_dataset`, but for `origin_of_classes`: "assumed" if neither the
    settings nor the data set name the classes, else "given".
    """
    begun = perf_counter()
    rows, left_out = indexing.index_dataset(
        classes,
        images,
        boxes,
        table,
        voc=voc,
        subset=subset,
        coco=coco,
        parquet=parquet,
        webdataset=webdataset,
        columns=columns,
        are_classes_assumed=origin_of_classes == "assumed",
        verify=verify,
        expect_images=expect_images,
        max_excluded=max_excluded,
        box_format=box_format,
        check_boxes=check_boxes,
        min_matched=min_matched,
        workers=threads,
    )
    log_rate(rows["image"].nunique() + len(left_out), perf_counter() - begun, "cpu")
    write_index(index, rows)
    write_excluded(excluded, left_out)


if __name__ == "__main__":
    run_script(index_dataset, snakemake)
