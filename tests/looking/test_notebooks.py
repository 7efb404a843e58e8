"""The notebook on one image runs, and shows what is stored in it."""

import json

import pytest

from helpers.notebooks import cells_of, kinds, run
from pipeline.sources import ROOT

NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


@pytest.mark.slow
def test_the_notebook_on_one_image_runs_and_shows_what_it_stores(monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    cells = cells_of(ROOT / "docs/one_image.ipynb")
    assert kinds(run(cells)) == kinds(cell["outputs"] for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_stored_as_they_were_run_and_are_small(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert len(NOTEBOOKS) == 2
    assert notebook["nbformat"] == 4
    cells = cells_of(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
    assert path.stat().st_size < 400_000
