"""Render a table of results as a page for the report."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures import html_table
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.files import moved_into_place


def render_table(*, table: Path, page: Path, title: str, note: str, made_by: dict) -> None:
    """Write the table, which these settings must have made, as an HTML page."""
    content = html_table.render_table(read_results(table, made_by), title, note)
    with moved_into_place(page) as temporary:
        temporary.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    run_script(render_table, snakemake)
