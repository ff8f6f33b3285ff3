"""The three graphs as files that networkx reads back: GraphML, and the node-link JSON of networkx and d3.

JSON holds any name as it is. XML 1.0 cannot, and what shows GraphML shows names as they are; so in GraphML what cannot
be seen is written out, as in all other formats, and no two names become one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphdiag.errors import UsageError
from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.render.data.graphml import to_graphml

if TYPE_CHECKING:
    import networkx as nx

    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.report import Report


def graphml_of_layers(report: Report, _: PictureStyle) -> str:
    """The layer-level diff, as `Report.to_networkx` gives it, in GraphML."""
    return to_graphml(report.to_networkx())


def graphml_of_ops(report: Report, _: PictureStyle) -> str:
    """The op graph, as `op_level` gives it, in GraphML."""
    return to_graphml(op_level(report))


def graphml_of_drawn(report: Report, _: PictureStyle) -> str:
    """The drawn graph, as `drawn_level` gives it, in GraphML."""
    return to_graphml(drawn_level(report))


def node_link_of_layers(report: Report, _: PictureStyle) -> str:
    """The layer-level diff, as `Report.to_networkx` gives it, in node-link JSON."""
    return to_node_link(report.to_networkx())


def node_link_of_ops(report: Report, _: PictureStyle) -> str:
    """The op graph, as `op_level` gives it, in node-link JSON."""
    return to_node_link(op_level(report))


def node_link_of_drawn(report: Report, _: PictureStyle) -> str:
    """The drawn graph, as `drawn_level` gives it, in node-link JSON."""
    return to_node_link(drawn_level(report))


def op_level(report: Report) -> nx.MultiDiGraph:
    """The op graph.

    Args:
        report: The report.

    Returns:
        `OpGraph.to_networkx`, and on every node ``owner`` (id of the layer) and ``role`` (what an op of no layer is
        for, as ``initialization``); ``""`` for none. The bodies of library functions are not in it.

    Raises:
        UsageError: The report has no op graph.
    """
    ops, ownership = report.op_graph, report.ownership
    if ops is None:
        raise UsageError("the source has no op graph, so it cannot be written; graphml and node-link hold the layers.")
    graph = ops.to_networkx()
    for row, name in enumerate(ops.names):
        attributes = graph.nodes[name]
        attributes["owner"] = (ownership.owner(row) if ownership else None) or ""
        attributes["role"] = ownership.roles.get(row, "") if ownership else ""
    return graph


def drawn_level(report: Report) -> nx.DiGraph:
    """The drawn graph, all levels in one.

    Args:
        report: The report.

    Returns:
        Nodes are all nodes of TensorBoard's hierarchy, the root ``__root__`` too, with ``type``, ``op`` (``""`` where
        there is none), ``cardinality``, ``parent`` (``""`` for the root), ``place`` as `DrawnGraph.to_networkx` has
        it, and ``ghost``: whether TensorBoard names the node and has none. Edges are all metaedges with ``level`` (the
        node in which the arrow is drawn), ``regular``, ``control``, ``reference`` (numbers of base edges) and
        ``shown``: whether the arrow is left after extraction.

    Raises:
        UsageError: The report has no drawn graph.
    """
    import networkx as nx

    drawn = report.drawn_graph
    if drawn is None:
        raise UsageError(
            "TensorBoard draws no op graph here, so it cannot be written; graphml and node-link hold the layers."
        )
    root = drawn.root
    places = {
        **dict.fromkeys(root.in_extract, "in_extract"),
        **dict.fromkeys(root.out_extract, "out_extract"),
        **dict.fromkeys(root.library, "library"),
    }
    graph = nx.DiGraph()
    shown_in, cardinalities = drawn.shown_in.tolist(), drawn.cardinalities.tolist()
    for row, name in enumerate(drawn.names):
        parent = shown_in[row]
        within = drawn.names[parent] if parent >= 0 else ""
        graph.add_node(
            name,
            type=drawn.types[row],
            op=drawn.ops[row] or "",
            cardinality=cardinalities[row],
            parent=within,
            place=places.get(name, "core") if within == ROOT else "core",
            ghost=name in drawn.ghosts,
        )
    shown = set(root.core_edges)
    arrows = drawn.metaedges
    columns = (arrows.parent, arrows.source, arrows.target, arrows.regular, arrows.control, arrows.reference)
    for parent, source, target, *numbers in zip(*(column.tolist() for column in columns), strict=True):
        level, ends = drawn.names[parent], (drawn.names[source], drawn.names[target])
        graph.add_edge(
            *ends,
            level=level,
            **dict(zip(("regular", "control", "reference"), numbers, strict=True)),
            shown=level != ROOT or ends in shown,
        )
    return graph


def to_node_link(graph: nx.DiGraph) -> str:
    """A graph as JSON that ``networkx.node_link_graph(data, edges="edges")`` reads back to an equal graph.

    One line for each node and edge. Written here, for networkx has called the key of the edges by two names.
    """
    multigraph = graph.is_multigraph()
    edges = graph.edges(keys=True, data=True) if multigraph else graph.edges(data=True)
    keys = ("source", "target", "key") if multigraph else ("source", "target")
    parts = {
        "directed": json.dumps(True),
        "multigraph": json.dumps(multigraph),
        "graph": json.dumps(graph.graph),
        "nodes": _listed([{**attributes, "id": node} for node, attributes in graph.nodes(data=True)]),
        "edges": _listed([{**attributes, **dict(zip(keys, ends, strict=True))} for *ends, attributes in edges]),
    }
    return "{" + ",\n ".join(f'"{key}": {value}' for key, value in parts.items()) + "}\n"


def _listed(items: list[dict[str, Any]]) -> str:
    return "[" + ",\n  ".join(map(json.dumps, items)) + "]"
