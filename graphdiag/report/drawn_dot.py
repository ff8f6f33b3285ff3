"""The drawn graph for Graphviz: metanodes as clusters."""

from __future__ import annotations

import pydot

from graphdiag.graphs.drawn_graph import META, OP, ROOT, SERIES, DrawnGraph


def to_dot(drawn: DrawnGraph, depth: int = 1) -> str:
    """The drawn graph in the DOT language.

    Names are written as numbered nodes with quoted labels, so that no name can be taken for DOT.

    Args:
        drawn: The drawn graph.
        depth: How many levels of boxes to open: 1 draws the boxes of the root closed.

    Returns:
        One digraph; extracted nodes are grey, series double-lined, control edges dashed.
    """
    graph = pydot.Dot("drawn", graph_type="digraph", rankdir="BT", compound="true")
    graph.set_node_defaults(shape="box", style="rounded", fontname="Helvetica", fontsize="10")
    extracted = {*drawn.root.in_extract, *drawn.root.out_extract}
    anchors: dict[str, str] = {}

    def add(name: str, into: pydot.Graph, level: int) -> None:
        number = drawn.index[name]
        node = drawn.node(name)
        children = drawn.children(name) if node.type in (META, SERIES) and level < depth else []
        if children:
            cluster = pydot.Cluster(f"c{number}", label=_quoted(name), style="rounded", color="gray60")
            for child in children:
                add(child, cluster, level + 1)
            anchors[name] = anchors[children[0]]
            into.add_subgraph(cluster)  # type: ignore[arg-type]  # pydot's own class for this
            return
        label = f"{name}\n{node.op or ''}" if node.type == OP else f"{name}\n{node.cardinality:,} ops"
        into.add_node(
            pydot.Node(
                f"n{number}",
                label=_quoted(label),
                peripheries="2" if node.type == SERIES else "1",
                color="gray60" if name in extracted else "black",
                fontcolor="gray40" if name in extracted else "black",
            )
        )
        anchors[name] = f"n{number}"

    for name in drawn.children(ROOT):
        add(name, graph, 1)
    for parent in [ROOT, *(name for name in drawn.names[: len(drawn)] if name != ROOT and name in anchors)]:
        for edge in drawn.edges(parent):
            if edge.source in anchors and edge.target in anchors:
                count = edge.regular + edge.control
                graph.add_edge(
                    pydot.Edge(
                        anchors[edge.source],
                        anchors[edge.target],
                        style="solid" if edge.regular else "dashed",
                        label=str(count) if count > 1 else "",
                    )
                )
    text: str = graph.to_string()
    return text


def _quoted(text: str) -> str:
    """A DOT string: quotes and backslashes escaped, line ends as DOT writes them."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
    return f'"{escaped}"'
