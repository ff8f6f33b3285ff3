"""What TensorBoard draws, as a page: the picture, and what was pulled out of the main graph and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.errors import GraphdiagError
from graphdiag.graphs.drawn_graph import ROOT, DrawnGraph
from graphdiag.phrases import counted, some
from graphdiag.render.html.plain_page import framed, plain_page
from graphdiag.render.html.text import text
from graphdiag.render.pictures.drawn import to_dot
from graphdiag.render.pictures.graphviz import to_svg

_SHOWN = 20
"""Names in a line."""


def to_html(drawn: DrawnGraph, source: str, depth: int = 1, expand: Sequence[str] = ()) -> str:
    """The drawn graph as a page.

    Args:
        drawn: The drawn graph.
        source: What it was drawn of.
        depth: As for `to_dot`.
        expand: As for `to_dot`.

    Returns:
        HTML that makes no network requests and runs no script. Without Graphviz it has no picture, and says so.

    Raises:
        UsageError: ``expand`` names a node that is not there.
    """
    dot = to_dot(drawn, depth, expand)
    try:
        picture = framed(to_svg(dot, source, {}))
    except GraphdiagError as error:
        picture = f"<p>{text(str(error))}</p>"
    root = drawn.root
    answer = (
        f"TensorBoard draws {counted(len(root.core), 'node')} and {counted(len(root.core_edges), 'arrow')} in the main "
        "graph."
    )
    rows = (
        f"<tr><th>source</th><td>{text(source)}</td></tr><tr><th>ops</th><td>{drawn.node(ROOT).cardinality:,}</td></tr>"
    )
    parts = [f"<h1>{answer}</h1>", f"<table>{rows}</table>", picture, *_beside(drawn)]
    return plain_page(f"graphdiag draw: {source}", parts)


def _beside(drawn: DrawnGraph) -> Iterator[str]:
    """What stands beside the main graph, and why."""
    root = drawn.root
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name in (*root.out_extract, *root.in_extract):
        by_reason[root.extractions[name].why].append(name)
    reasons = [f"{why}: {some(names, shown=_SHOWN)}" for why, names in by_reason.items()]
    for title, lines in (("Auxiliary nodes", reasons), ("Functions", root.library)):
        if lines:
            listed = "".join(f"<li>{text(line)}</li>" for line in lines)
            yield f"<section><h2>{title}</h2><ul>{listed}</ul></section>"
