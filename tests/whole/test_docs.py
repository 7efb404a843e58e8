"""What the documentation says of rules, files and links is true."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.runs import written_rules
from pipeline.sources import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "config").glob("*.md")])


def test_the_graph_shows_what_snakemake_does_and_every_rule_is_named(tmp_path):
    page = (ROOT / "docs/how_it_works.md").read_text()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), "--rulegraph", "mermaid-js"]
    graph = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", graph)}
    shown = set(re.findall(r"^    (\w+) --> (\w+)$", page, re.M))
    assert len(shown) > 10
    assert shown - edges == set()
    assert {rule for rule in written_rules() if rule not in page} == set()


def anchors(text):
    """The anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_every_error_that_is_explained_is_one_that_can_be_said():
    snakemake = Path(importlib.util.find_spec("snakemake").origin).parent
    folders = [ROOT / "labelmaps", ROOT / "pipeline", ROOT / "rules", snakemake]
    files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".smk")]
    source = re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in files))
    said = re.findall(r"^\| `(.+?)` \|", (ROOT / "docs/troubleshooting.md").read_text(), re.M)
    assert len(said) > 20
    pieces = [piece.strip() for text in said for piece in text.split("…")]
    assert [piece for piece in pieces if piece not in source] == []


def test_every_test_that_a_page_names_is_there():
    page = (ROOT / "docs/faults.md").read_text()
    files = {
        path.relative_to(ROOT / "tests").as_posix(): path for path in (ROOT / "tests").rglob("test_*.py")
    }
    there = {name for path in files.values() for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert set(re.findall(r"[\w/]*test_\w+\.py", page)) - files.keys() == set()
    tests = set(re.findall(r"(?<![\w/])(test_\w+\b)(?!\.py)(…?)", page))
    assert len(tests) > 100
    assert [
        name
        for name, begins in tests
        if not (any(t.startswith(name) for t in there) if begins else name in there)
    ] == []
