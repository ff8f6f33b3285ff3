"""GD109 series-loop: a feed-forward model has a cycle on screen.

What it finds
    Cycles among the boxes of one level that hold a series node, where the op graph has no such cycle.

Why it matters
    The picture shows a loop where the model has none.

Cause
    TensorBoard folds five or more look-alike nodes whose names differ in a number alone (`MatMul_1` to `MatMul_6`)
    into one series node. Two such series whose members alternate then point at each other.

Proof
    The ops in the boxes form no cycle in the op graph; ungrouped, the boxes do not either.

Example
    `MatMul_[1-6] -> Relu_[1-6] -> MatMul_[1-6]`

Fix
    In TensorBoard, click a series node and choose "Ungroup this series of nodes". In the code, put each pair into a
    name scope of its own: `with tf.name_scope("hidden_1"):` (TensorFlow 1 and 2).

Reported upstream
    tensorflow#171
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.drawn_graph import ROOT, SERIES, DrawnGraph
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each set of boxes that TensorBoard's grouping ties into a cycle."""
    drawn = context.view.drawn if context.view else None
    if drawn is None:
        return
    ops_of: Mapping[int, Sequence[int]] | None = None
    parents = sorted({drawn.shown_in[row] for row, kind in enumerate(drawn.types) if kind == SERIES})
    for parent in parents:
        edges = _edges(drawn, parent)
        for cycle in _cycles(edges):
            series = [drawn.names[row] for row in cycle if drawn.types[row] == SERIES]
            if not series:
                continue
            ops_of = ops_of or _ops_of(drawn)
            if _real(context, drawn, cycle, ops_of):
                continue
            where = "" if drawn.names[parent] == ROOT else f" in {drawn.names[parent]}"
            members = set(cycle)
            yield finding(
                RULE,
                context,
                message=(
                    f"The cycle{where} through {some(series)} is not in the op graph: TensorBoard folds "
                    f"look-alike nodes into series, and the folded nodes point at each other."
                ),
                fix=(
                    "In TensorBoard, ungroup the series (click it, 'Ungroup this series of nodes'), or give each "
                    "pair of ops a name scope of its own."
                ),
                culprits=series,
                edges=tuple(
                    (drawn.names[source], drawn.names[target])
                    for source, targets in edges.items()
                    for target in targets
                    if source in members and target in members
                ),
            )


def _edges(drawn: DrawnGraph, parent: int) -> Mapping[int, Sequence[int]]:
    """The arrows of one level that carry tensors."""
    found: dict[int, list[int]] = {}
    columns = drawn.metaedges
    for edge in drawn.edge_numbers(parent):
        if columns.regular[edge]:
            found.setdefault(int(columns.source[edge]), []).append(int(columns.target[edge]))
    return found


def _cycles(edges: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """The strongly connected components of more than one node."""
    import networkx as nx

    graph = nx.DiGraph((source, target) for source, targets in edges.items() for target in targets)
    return sorted(sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)


def _real(
    context: DiagnosisContext, drawn: DrawnGraph, cycle: Sequence[int], ops_of: Mapping[int, Sequence[int]]
) -> bool:
    """Whether the ops in the boxes form a cycle in the op graph."""
    import networkx as nx

    ops = context.ops
    rows = {op for row in drawn.inside(cycle) for op in ops_of.get(row, ())}
    graph = nx.DiGraph()
    for row in rows:
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source = int(ops.source[edge])
            if source in rows and ops.output[edge] != CONTROL:
                graph.add_edge(source, row)
    return not nx.is_directed_acyclic_graph(graph)


def _ops_of(drawn: DrawnGraph) -> Mapping[int, Sequence[int]]:
    """The ops that each row of the drawn graph draws."""
    found: dict[int, list[int]] = {}
    for op, row in enumerate(drawn.op_rows):
        found.setdefault(row, []).append(op)
    return found


RULE = Rule("GD109", "series-loop", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
