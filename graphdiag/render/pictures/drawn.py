"""The drawn graph in the DOT language, for Graphviz.

Names may hold anything, so they are never identifiers: a node is called by its number, and its name is a quoted label.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pydot

from graphdiag.graphs.drawn_graph import META, OP, ROOT, DrawnGraph, Metaedge
from graphdiag.render.pictures.dot_text import quoted
from graphdiag.render.text.drawn_tree import expanded

_SHAPES = {META: "box", OP: "ellipse"}


def to_dot(drawn: DrawnGraph, depth: int = 1, expand: Sequence[str] = ()) -> str:
    """The drawn graph as DOT.

    Args:
        drawn: The drawn graph.
        depth: How many levels to show: 1 is what TensorBoard shows before anything is expanded.
        expand: Names of nodes to expand besides, with all that is around them.

    Returns:
        A ``digraph``. A metanode or series that is expanded is a cluster, others are boxes; auxiliary nodes and library
        functions stand in clusters of their own, the former with the reason. Edges are those left on screen: dashed
        when there are control edges only, with the number of base edges where there are several.

    Raises:
        UsageError: ``expand`` names a node that is not there.
    """
    graph = pydot.Dot("drawn", graph_type="digraph", rankdir="BT", compound="true")
    levels = _Levels(drawn, depth, expanded(drawn, expand))
    root = drawn.root
    for name in root.core:
        levels.add(graph, name, 1)
    auxiliary = [*root.out_extract, *root.in_extract]
    for title, names in (("Auxiliary nodes", auxiliary), ("Functions", root.library)):
        if names:
            cluster = _cluster(title.split()[0].lower(), title)
            graph.add_subgraph(cluster)
            for name in names:
                reason = root.extractions.get(name)
                levels.add(cluster, name, 1, f"\n{reason.why}" if reason else "")
    shown = set(root.core_edges)
    for edge in drawn.edges():
        if (edge.source, edge.target) in shown:
            graph.add_edge(levels.edge(edge))
    return str(graph.to_string())


class _Levels:
    """Adds nodes to a graph, and what is in them as far as it is to be seen."""

    def __init__(self, drawn: DrawnGraph, depth: int, opened: Collection[str]) -> None:
        self.drawn = drawn
        self.depth = depth
        self.opened = opened
        self.clusters: set[str] = set()

    def add(self, graph: pydot.Graph, name: str, level: int, note: str = "") -> None:
        """Add a node or, where it is expanded, a cluster with its inside."""
        drawn = self.drawn
        node = drawn.node(name)
        within = node.parent if node.parent and node.parent != ROOT else ""
        label = (name.removeprefix(f"{within}/") if within else name) + note
        if node.type == OP or not (level < self.depth or name in self.opened):
            shape = _SHAPES.get(node.type, "box3d")
            graph.add_node(pydot.Node(self._id(name), label=quoted(label), shape=shape))
            return
        self.clusters.add(name)
        cluster = _cluster(self._id(name), label)
        graph.add_subgraph(cluster)
        # Edges end at nodes only: this one stands for the cluster, at whose border Graphviz clips them.
        cluster.add_node(pydot.Node(self._id(name), label=quoted(""), shape="point", style="invis"))
        for child in drawn.children(name):
            self.add(cluster, child, level + 1)
        for edge in drawn.edges(name):
            if edge.source in drawn and edge.target in drawn:
                cluster.add_edge(self.edge(edge))

    def edge(self, edge: Metaedge) -> pydot.Edge:
        """A metaedge."""
        drawn = pydot.Edge(self._id(edge.source), self._id(edge.target))
        if edge.regular + edge.control > 1:
            drawn.set("label", quoted(str(edge.regular + edge.control)))
        if not edge.regular:
            drawn.set("style", "dashed")
        if edge.source in self.clusters:
            drawn.set("ltail", f"cluster_{self._id(edge.source)}")
        if edge.target in self.clusters:
            drawn.set("lhead", f"cluster_{self._id(edge.target)}")
        return drawn

    def _id(self, name: str) -> str:
        return f"n{self.drawn.index[name]}"


def _cluster(name: str, label: str) -> pydot.Subgraph:
    return pydot.Subgraph(f"cluster_{name}", label=quoted(label))
