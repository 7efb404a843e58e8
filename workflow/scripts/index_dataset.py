"""Write a data set's index, and the list of the images that it leaves out."""

from labelmaps.data import indexing
from labelmaps.data.index import write_excluded, write_index
from labelmaps.jobs.logs import job


def index_dataset(
    index_path: str,
    excluded_path: str,
    *,
    images: str | None,
    boxes: str | None,
    table: str | None,
    classes: str,
    verify: str,
    expect_images: int | None,
    max_excluded: float,
    workers: int,
) -> None:
    """Index the data set that the settings describe (see `labelmaps.data.indexing`) into two files."""
    index, excluded = indexing.index_dataset(
        classes,
        images,
        boxes,
        table,
        verify=verify,
        expect_images=expect_images,
        max_excluded=max_excluded,
        workers=workers,
    )
    write_index(index_path, index)
    write_excluded(excluded_path, excluded)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        index_dataset(
            snakemake.output.index,
            snakemake.output.excluded,
            workers=snakemake.threads,
            **dict(snakemake.params.items()),
        )
