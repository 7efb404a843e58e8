"""Render a table of results as a page for the report."""

from pathlib import Path

from labelmaps.figures import html_table
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.files import moved_into_place


def render_table(*, table: Path, page: Path, title: str, note: str) -> None:
    """Write the table as an HTML page."""
    with moved_into_place(page) as temporary:
        temporary.write_text(html_table.render_table(read_results(table), title, note), encoding="utf-8")


if __name__ == "__main__":
    run_script(render_table, snakemake)
