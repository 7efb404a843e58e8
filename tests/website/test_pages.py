"""The site's sources: links lead to sources, what is linked has a page, notebooks and docstrings become Markdown."""

import json

import pytest
import yaml

from pipeline.sources import ROOT
from website import pages
from website.check import find_faults


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("README.md", "index.md"),
        ("docs/files.md", "files.md"),
        ("config/README.md", "config/README.md"),
        ("docs/figure_1.png", "figure_1.png"),
        ("config/imagenet.yaml", "config/imagenet.yaml.md"),
        (".github/workflows/ci.yml", "github/workflows/ci.yml.md"),
        ("labelmaps/data/formats", "api/data.md"),
        ("labelmaps/methods/igub.py", "labelmaps/methods/igub.py.md"),
        ("tests", None),
        ("docs/absent.md", None),
    ],
)
def test_a_file_is_shown_by_one_source(target, source):
    assert pages.source_of(target) == source


def test_links_lead_to_sources_outside_code_alone():
    text = "[a](../README.md#limits) [b](files.md) ![c](figure_1.png) [d](https://x.org) [e](#f) [g](absent.md)\n"
    text += "```text\n[a](../README.md)\n```\n[h](../labelmaps/views)\n"
    translated, linked = pages.translate(text, "docs/python.md")
    assert translated == (
        "[a](index.md#limits) [b](files.md) ![c](figure_1.png) [d](https://x.org) [e](#f) [g](absent.md)\n"
        "```text\n[a](../README.md)\n```\n[h](api/views.md)\n"
    )
    assert linked == ["README.md", "docs/files.md", "docs/figure_1.png", "labelmaps/views"]
    assert pages.translate("[a](../docs/files.md)", "config/README.md")[0] == "[a](../files.md)"


def test_each_page_and_room_has_its_place_in_the_navigation():
    nav = yaml.safe_load((ROOT / "website/site.yml").read_text())["nav"]
    entries = {title: entry for item in pages.navigation(nav) for title, entry in item.items()}
    assert entries["Start"] == "index.md"
    assert {"scoring": "api/scoring.md"} in entries["API"]
    with pytest.raises(ValueError, match=r"add .*docs/methods.md"):
        pages.navigation([item for item in nav if "Science" not in item])
    with pytest.raises(ValueError, match=r"docs/absent.md is not there"):
        pages.navigation([*nav, {"Absent": "docs/absent.md"}])


def test_a_notebook_is_its_texts_its_code_and_its_outputs():
    outputs = [
        {"output_type": "stream", "text": ["one\n", "two\n"]},
        {
            "output_type": "execute_result",
            "data": {"text/plain": ["a table"], "text/html": ["<table></table>"]},
        },
        {"output_type": "display_data", "data": {"image/png": "aGk=\n", "text/plain": ["<Figure>"]}},
        {"output_type": "execute_result", "data": {"text/plain": ["7"]}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": ["1 + 1"], "outputs": outputs},
        {"cell_type": "code", "source": [], "outputs": []},
    ]
    assert pages.show_notebook(json.dumps({"cells": cells})) == (
        "# Title\ntext\n\n`````python\n1 + 1\n`````\n\n`````text\none\ntwo\n`````\n\n"
        '<div class="output"><table></table></div>\n\n'
        "![Output of the cell above](data:image/png;base64,aGk=)\n\n`````text\n7\n`````\n"
    )


def test_dead_links_and_what_is_fetched_from_elsewhere_are_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text('<h2 id="there">x</h2><img src="../b.png"><a href="..">up</a>')
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<a href="a/#there"></a><a href="a/#gone"></a><a href="c/">c</a><a href="https://x.org/">x</a>'
        '<link rel="stylesheet" href="https://fonts.x.org/f.css"><script src="//cdn.x.org/s.js"></script>'
        '<link rel="canonical" href="https://here.org/"><a href="../outside.html"></a>'
    )
    (tmp_path.parent / "outside.html").write_text("")
    assert find_faults(tmp_path) == [
        "index.html: fetches https://fonts.x.org/f.css from elsewhere",
        "index.html: fetches //cdn.x.org/s.js from elsewhere",
        "index.html: a/#gone leads nowhere",
        "index.html: c/ leads nowhere",
        "index.html: ../outside.html leads nowhere",
    ]
