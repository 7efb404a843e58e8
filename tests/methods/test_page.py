"""docs/methods.md says of each method what its module states, with an equation, a source and a picture."""

import re

import pytest

from labelmaps import methods
from labelmaps.methods import facts_of
from labelmaps.modules import load_module, module_names, option_names
from pipeline.sources import ROOT

PAGE = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
CUES = {"cued": "yes", "uncued": "no", "baseline": "no, a baseline"}
PASSES = {"label maps": "49", "glimpse": "1"}
INPUTS = {"label maps": "label maps", "glimpse": "x₀"}


def test_the_table_lists_each_method_with_its_facts():
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\) \| (.+) \|$", PAGE, re.M)
    assert [name for name, _, _ in rows] == [anchor for _, anchor, _ in rows]
    assert {name for name, _, _ in rows} == set(module_names(methods))
    for name, _, cells in rows:
        facts = facts_of(name)
        expected = [facts.name, CUES[facts.cue], INPUTS[facts.input], PASSES[facts.input]]
        if facts.cue == "baseline":
            expected[2:] = ["nothing", "1"]
        assert cells.split(" | ") == expected


@pytest.mark.parametrize("name", module_names(methods))
def test_a_method_has_a_section_with_equation_picture_options_and_source(name):
    section = PAGE.split(f"\n### {name}\n")[1].split("\n## ")[0].split("\n### ")[0]
    module = load_module(methods, name)
    assert "```math\n" in section
    assert f"](methods/{name}.webp)" in section
    assert [option for option in option_names(module.saliency) if f"`{option}`" not in section] == []
    stated = re.findall(r"arXiv [\d.]+|doi [\d./a-z]+", " ".join(module.__doc__.split()))
    assert [source for source in stated if source.rstrip(".") not in section] == []
