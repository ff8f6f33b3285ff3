"""Names of ops that no drawing could show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
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
        for names in _names(graph):
            if max(map(str.count, names, repeat("/")), default=0) > DEEPEST:
                name = next(name for name in names if name.count("/") > DEEPEST)
                raise SourceError(
                    f"{where}: the op {name[:40]!r}... lies in {name.count('/'):,} name scopes, and at most {DEEPEST} "
                    "can be read; give the ops shorter names."
                )


def _names(graph: GraphDef | SerializedGraph) -> Iterator[Sequence[str]]:
    from graphdiag.graphs.serialized_graph import around_nodes, nodes_of

    yield nodes_of(graph).names
    for function in around_nodes(graph).library.function:
        yield [node.name for node in function.node_def]
