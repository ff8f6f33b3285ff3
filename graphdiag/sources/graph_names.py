"""Names of ops that no drawing could show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from graphdiag.errors import SourceError

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

DEEPEST = 200
"""Scopes around an op. Models have up to about 20; each scope is a box within a box for all that comes after."""


def check_depth(where: str, graph_defs: Iterable[GraphDef]) -> None:
    """Refuse graphs whose scopes are nested beyond all use.

    Args:
        where: What the error calls the source.
        graph_defs: Its graphs.

    Raises:
        SourceError: An op, of the graph or of a library function, lies deeper than `DEEPEST`.
    """
    for graph_def in graph_defs:
        for name in _names(graph_def):
            if name.count("/") > DEEPEST:
                raise SourceError(
                    f"{where}: the op {name[:40]!r}... lies in {name.count('/'):,} name scopes, and at most {DEEPEST} "
                    "can be read; give the ops shorter names."
                )


def _names(graph_def: GraphDef) -> Iterator[str]:
    yield from (node.name for node in graph_def.node)
    for function in graph_def.library.function:
        yield from (node.name for node in function.node_def)
