"""On screen: which edges of the op graph TensorBoard draws."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph

_MERGED = "graph_1/"


def is_drawn(graph: OpGraph, drawn: DrawnGraph | None, way: Sequence[int]) -> bool:
    """Whether TensorBoard draws a way from op to op.

    Args:
        graph: The op graph.
        drawn: What TensorBoard draws of it; ``None`` where that is not known, and every edge of the graph counts.
        way: Rows of the ops on the way, at least two.

    Returns:
        Whether each op on the way is drawn, and takes a tensor of the one before, or waits for it. What one op leaves
        in a variable, a table or outside of the graph for another is no edge. In the graphs of a trace that holds
        several, TensorBoard draws no control dependencies.
    """
    merged = bool(graph.names) and graph.names[0].startswith(_MERGED)
    if drawn is not None and any(drawn.op_rows[row] < 0 for row in way):
        return False
    return all(_is_edge(graph, source, target, merged) for source, target in pairwise(way))


def _is_edge(graph: OpGraph, source: int, target: int, merged: bool) -> bool:
    return any(
        int(graph.source[edge]) == source and not (merged and graph.output[edge] == CONTROL)
        for edge in range(int(graph.in_edges[target]), int(graph.in_edges[target + 1]))
    )
