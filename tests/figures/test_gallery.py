"""docs/gallery.md shows the figure of each rule that plots one, with the command that makes it."""

import re

from helpers.runs import written_rules
from pipeline.sources import ROOT
from website.pictures import GALLERY, RUN

PAGE = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")


def test_each_rule_that_plots_has_a_picture_and_a_command():
    commands = re.findall(r"^uv run snakemake (\S+)", PAGE, re.M)
    assert len(commands) == PAGE.count("\n![")
    named = " ".join(commands)
    figures = {rule.removeprefix("plot_") for rule in written_rules() if rule.startswith("plot_")}
    assert len(figures) > 10
    assert {figure for figure in figures if figure not in named} == set()


def test_each_picture_that_is_drawn_is_shown_with_the_command_of_its_figure():
    for name, figure in GALLERY.items():
        section = PAGE.split(f"](gallery/{name}.webp)")[1].split("\n## ")[0]
        assert f"uv run snakemake {RUN.parents[1]}/figures/{figure} " in section
