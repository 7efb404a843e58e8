"""Drawing of a flowchart as SVG when the site is built, so that no browser has to fetch a library for it.

Nodes stand in rows, each below all that lead to it, and in a row in the order of the mean place of their neighbours
(Sugiyama, Tagawa and Toda 1981). An edge over several rows passes each through a place of its own.
"""

import re
from collections import defaultdict
from html import escape
from itertools import pairwise

EDGE = re.compile(r"^\s*(\w+) --> (\w+)\s*$", re.M)
# In pixels: a letter's width, a box's height, the width of an edge's passage, and what is between them.
LETTER, HEIGHT, PASSAGE, GAP_X, GAP_Y = 7.3, 28, 8, 14, 34
SWEEPS = 12


def rank(edges: list[tuple[str, str]]) -> dict[str, int]:
    """Compute the row of each node: the length of the longest path that leads to it.

    Raises `ValueError` where the edges form a cycle.
    """
    before: dict[str, list[str]] = defaultdict(list)
    nodes = dict.fromkeys(node for edge in edges for node in edge)
    for first, second in edges:
        before[second].append(first)
    row: dict[str, int] = {}
    while len(row) < len(nodes):
        ready = [n for n in nodes if n not in row and all(b in row for b in before[n])]
        if not ready:
            raise ValueError(
                f"the flowchart has a cycle through {', '.join(node for node in nodes if node not in row)}"
            )
        row |= {node: max((row[b] + 1 for b in before[node]), default=0) for node in ready}
    return row


def list_chains(edges: list[tuple[str, str]], row: dict[str, int]) -> list[list[str]]:
    """List each edge as the nodes that it passes, one in each row; what is no box is named by the edge and the row."""
    return [
        [first, *(f"{first} {second} {r}" for r in range(row[first] + 1, row[second])), second]
        for first, second in edges
    ]


def width_of(node: str, row: dict[str, int]) -> float:
    """Compute the width of a node's box, or of an edge's passage, in pixels; row: of each box, which a passage has not."""
    return len(node) * LETTER + GAP_X if node in row else PASSAGE


def arrange(chains: list[list[str]], row: dict[str, int]) -> dict[str, float]:
    """Place the nodes of chains beside one another: node → x of its middle, in pixels; row: of each box."""
    rows: dict[int, list[str]] = defaultdict(list)
    beside: dict[str, list[str]] = defaultdict(list)
    for node in dict.fromkeys(node for chain in chains for node in chain):
        rows[row[node] if node in row else int(node.rpartition(" ")[2])].append(node)
    for chain in chains:
        for first, second in pairwise(chain):
            beside[first].append(second)
            beside[second].append(first)
    x: dict[str, float] = {}
    for nodes in rows.values():
        spread(nodes, 0, row, x)
    for _ in range(SWEEPS):
        for nodes in rows.values():
            wish = {node: sum(x[other] for other in beside[node]) / len(beside[node]) for node in nodes}
            nodes.sort(key=wish.__getitem__)
            spread(nodes, sum(wish.values()) / len(nodes), row, x)
    return x


def spread(nodes: list[str], middle: float, row: dict[str, int], x: dict[str, float]) -> None:
    """Set x of the nodes of one row, in their order, around a middle; row: as for `width_of`."""
    widths = [width_of(node, row) for node in nodes]
    left = middle - (sum(widths) + GAP_X * (len(nodes) - 1)) / 2
    for node, width in zip(nodes, widths, strict=True):
        x[node] = left + width / 2
        left += width + GAP_X


def draw(text: str) -> str:
    """Draw a flowchart in Mermaid's language, of which only edges `a --> b` are read, as SVG in the theme's colours."""
    edges = EDGE.findall(text)
    row = rank(edges)
    chains = list_chains(edges, row)
    x = arrange(chains, row)
    left = min(place - width_of(node, row) / 2 for node, place in x.items())
    width = max(place + width_of(node, row) / 2 for node, place in x.items()) - left
    height = max(row.values()) * (HEIGHT + GAP_Y) + HEIGHT
    parts = []
    for chain in chains:
        top = row[chain[0]] * (HEIGHT + GAP_Y)
        path = f"M{x[chain[0]] - left:.0f} {top + HEIGHT}"
        for before, node in pairwise(chain):
            top += HEIGHT + GAP_Y
            x0, x1, bend = x[before] - left, x[node] - left, GAP_Y / 2
            path += f"C{x0:.0f} {top - bend:.0f} {x1:.0f} {top - bend:.0f} {x1:.0f} {top}v{HEIGHT}"
        parts.append(f'<path d="{path.removesuffix(f"v{HEIGHT}")}"/>')
    for node in row:
        x0, y0 = x[node] - left, row[node] * (HEIGHT + GAP_Y)
        side = width_of(node, row)
        parts.append(f'<rect x="{x0 - side / 2:.0f}" y="{y0}" width="{side:.0f}" height="{HEIGHT}" rx="5"/>')
        parts.append(f'<text x="{x0:.0f}" y="{y0 + HEIGHT / 2:.0f}">{escape(node)}</text>')
    title = "; ".join(f"{first} leads to {second}" for first, second in edges)
    size = (
        f'width="{width + 2:.0f}" height="{height + 2:.0f}" viewBox="-1 -1 {width + 2:.0f} {height + 2:.0f}"'
    )
    return f'<div class="graph"><svg role="img" {size}><title>{escape(title)}</title>{"".join(parts)}</svg></div>\n'
