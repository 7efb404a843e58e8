"""What the documentation says of rules, files and links is true."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from helpers.runs import written_rules
from pipeline.sources import ROOT

PAGES = sorted(
    path for folder in (".", "docs", "config", "benchmarks") for path in (ROOT / folder).glob("*.md")
)


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


def rooms():
    """What a map of the code must name: folders at the top, rooms, modules that stand alone, rules, folders of tests."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    top = {
        f"{path.name}/"
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in ignored
    }
    of_library = {
        f"{path.parent.relative_to(ROOT / 'labelmaps')}/" for path in ROOT.glob("labelmaps/**/__init__.py")
    }
    of_pipeline = {f"{path.parent.name}/" for path in ROOT.glob("pipeline/*/__init__.py")}
    modules = {path.name for folder in ("labelmaps", "pipeline") for path in (ROOT / folder).glob("[!_]*.py")}
    rules = {path.name for path in ROOT.glob("rules/*.smk")}
    tests = {path.parent.name for path in ROOT.glob("tests/*/*.py")}
    return (top | of_library | of_pipeline | modules | rules | tests) - {"./"}


def test_the_map_names_every_room_and_no_other():
    page = (ROOT / "docs/how_it_works.md").read_text()
    sections = page.split("\n## How the code is laid out\n")[1]
    assert rooms() - set(re.findall(r"`([\w./]+)`", sections)) == set()
    cells = "".join(re.findall(r"^\| (`[^|]+`) \|", sections, re.M))
    beside = {"Snakefile", "begin_job.py"}
    assert set(re.findall(r"`([\w./]+)`", cells)) - rooms() == beside


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
    files.append(ROOT / "begin_job.py")
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


def test_github_tries_each_python_that_the_package_accepts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first, end = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups())
    job = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["ci"]
    matrix = job["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(first, end)]
    assert {entry["python"] for entry in matrix["include"]} == set(
        matrix["python"][1:-1]
    )  # the ends run whole
    assert f"Python 3.{first} to 3.{end - 1}" in (ROOT / "CONTRIBUTING.md").read_text()


def test_each_target_of_make_explains_itself_and_is_a_command_that_works_without():
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
    targets = re.findall(r"^([a-z]+):(.*)$", makefile, re.M)
    assert len(targets) > 8
    assert [name for name, text in targets if not re.fullmatch(r" ## [A-Z].{20,100}", text)] == []
    assert {name for name, _ in targets} == set(re.search(r"^\.PHONY: (.+)$", makefile, re.M)[1].split())
    commands = re.findall(r"^\t([^@\n]+)$", makefile, re.M)
    assert [command for command in commands if command not in page + (ROOT / "README.md").read_text()] == []
