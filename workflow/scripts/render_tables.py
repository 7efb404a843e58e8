"""Render tables of results as pages for the report."""

from pathlib import Path

import begin_job  # noqa: F401 (see there)
from labelmaps.figures.html_table import render_table
from labelmaps.jobs.script import run_script
from labelmaps.storage.csv_tables import read_results
from labelmaps.storage.files import moved_into_place


def render_tables(
    *, tables: list[Path], pages: list[Path], titles: list[str], notes: list[str], made_by: list[dict]
) -> None:
    """Write each table as an HTML page, with its title and note.

    made_by: for each table, the settings with which it must have been made.
    """
    contents = [
        render_table(read_results(table, settings), title, note)
        for table, title, note, settings in zip(tables, titles, notes, made_by, strict=True)
    ]
    for page, content in zip(pages, contents, strict=True):
        with moved_into_place(page) as temporary:
            temporary.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    run_script(render_tables, snakemake)
