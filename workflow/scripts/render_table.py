"""Render a table of results as a page for the report."""

from pathlib import Path

from labelmaps.figures import html_table
from labelmaps.jobs.logs import job
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.files import moved_into_place


def render_table(table: Path, output: Path, title: str, note: str) -> None:
    """Write the CSV file `table` as an HTML page."""
    with moved_into_place(output) as temporary:
        temporary.write_text(html_table.render_table(read_results(table), title, note), encoding="utf-8")


if __name__ == "__main__":
    with job(snakemake.log[0]):
        render_table(
            Path(snakemake.input.table), Path(snakemake.output.page), **dict(snakemake.params.items())
        )
