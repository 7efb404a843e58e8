"""Flowcharts as SVG: rows by the longest path, places without overlap, every node and edge drawn."""

import re
from itertools import pairwise

import pytest

from pipeline.sources import ROOT
from website.graph import EDGE, arrange, draw, list_chains, rank, width_of


def test_a_node_stands_below_all_that_lead_to_it():
    assert rank([("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")]) == {"a": 0, "d": 0, "b": 1, "c": 2}
    with pytest.raises(ValueError, match="cycle through b, c"):
        rank([("a", "b"), ("b", "c"), ("c", "b")])


def test_an_edge_over_several_rows_passes_each():
    edges = [("a", "b"), ("b", "c"), ("a", "c")]
    assert list_chains(edges, rank(edges)) == [["a", "b"], ["b", "c"], ["a", "a c 1", "c"]]


def test_the_workflows_boxes_do_not_overlap_and_all_edges_are_drawn():
    page = (ROOT / "docs/how_it_works.md").read_text()
    chart = page.split("```mermaid\n")[1].split("```")[0]
    edges = EDGE.findall(chart)
    row = rank(edges)
    x = arrange(list_chains(edges, row), row)
    for r in set(row.values()):
        sides = sorted((x[n] - width_of(n, row) / 2, x[n] + width_of(n, row) / 2) for n in row if row[n] == r)
        assert all(right <= left for (_, right), (left, _) in pairwise(sides))
    svg = draw(chart)
    assert svg.count("<path") == len(edges) > 20
    assert set(re.findall(r"<text[^>]*>(\w+)</text>", svg)) == set(row)
    assert "\n\n" not in svg  # it is one block of HTML in Markdown
