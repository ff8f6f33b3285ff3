"""Names of ops that no drawing could show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graphdiag.errors import SourceError

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.serialized_graph import SerializedGraph

DEEPEST = 200
"""Scopes around an op. Models have up to about 20; each scope is a box within a box for all that comes after."""


def check_depth(where: str, graph_defs: Sequence[GraphDef]) -> None:
    """Refuse graphs whose scopes are nested beyond all use.

    Args:
        where: What the error calls the source.
        graph_defs: Its graphs.

    Raises:
        SourceError: An op, of the graph or of a library function, lies deeper than `DEEPEST`.
    """
    from graphdiag.graphs.serialized_graph import unparsed

    for graph in unparsed(graph_defs):
        for name in _deepest(graph):
            if name.count("/") > DEEPEST:
                raise SourceError(
                    f"{where}: the op {name[:40]!r}... lies in {name.count('/'):,} name scopes, and at most {DEEPEST} "
                    "can be read; give the ops shorter names."
                )


def _deepest(graph: GraphDef | SerializedGraph) -> Iterator[str]:
    """The names to check: of the ops at most the first that lies too deep, of functions' bodies all."""
    from graphdiag.graphs.serialized_graph import around_nodes, nodes_of

    nodes = nodes_of(graph)
    if len(nodes):
        yield nodes.names[int((nodes.depths > DEEPEST).argmax())]
    for function in around_nodes(graph).library.function:
        yield from (node.name for node in function.node_def)
