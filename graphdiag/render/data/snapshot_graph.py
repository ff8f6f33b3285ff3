"""The layers of a snapshot as networkx, and as files of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.render.data.graph_files import to_node_link
from graphdiag.render.data.graphml import to_graphml

if TYPE_CHECKING:
    import networkx as nx

    from graphdiag.picture_style import PictureStyle


def to_json(snapshot: Snapshot, _: PictureStyle) -> str:
    """The snapshot as ``graphdiag snapshot`` writes it."""
    return snapshot.to_text()


def graphml(snapshot: Snapshot, _: PictureStyle) -> str:
    """The layers, as `to_networkx` gives them, in GraphML."""
    return to_graphml(to_networkx(snapshot))


def node_link(snapshot: Snapshot, _: PictureStyle) -> str:
    """The layers, as `to_networkx` gives them, in node-link JSON."""
    return to_node_link(to_networkx(snapshot))


def to_networkx(snapshot: Snapshot) -> nx.DiGraph:
    """The layers as a ``networkx.DiGraph``.

    Returns:
        Nodes are layer ids with ``name``, ``class_name``, ``calls``, ``output_shape`` and ``parameters``.
    """
    import networkx as nx

    graph = nx.DiGraph(model=snapshot.model_name)
    for layer in snapshot.layers.values():
        graph.add_node(
            layer.id,
            name=layer.name,
            class_name=layer.class_name,
            calls=layer.calls,
            output_shape=layer.output_shape,
            parameters=layer.parameters,
        )
    graph.add_edges_from(snapshot.edges)
    return graph
