"""GD109 series-loop: a feed-forward model has a cycle on screen.

What it finds
    Cycles among the boxes of one level that hold a series node, where the op graph has no such cycle.

Why it matters
    The picture shows a loop where the model has none.

Cause
    TensorBoard folds five or more look-alike nodes whose names differ in a number alone (`MatMul_1` to `MatMul_6`)
    into one series node. Two such series whose members alternate then point at each other; one series whose members
    stand before and after another node is joined to it in both directions.

Proof
    The ops in the boxes form no cycle in the op graph; ungrouped, the boxes do not either.

Example
    `MatMul_[1-6] -> Relu_[1-6] -> MatMul_[1-6]`

Fix
    In TensorBoard, click a series node and choose "Ungroup this series of nodes". Where your own code makes the ops,
    put each pair into a name scope of its own: `with tf.name_scope("hidden_1"):` (TensorFlow 1 and 2). In a Keras layer
    or an optimizer that is not for you to do. `graphdiag repair SOURCE -o LOGDIR` writes a graph without series.

Reported upstream
    tensorflow#171
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.drawn_cycles import DrawnCycle
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.drawn_graph import ROOT
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each set of boxes that TensorBoard's grouping ties into a cycle."""
    drawn = context.view.drawn if context.view else None
    if drawn is None:
        return
    for cycle in context.drawn_cycles:
        series = cycle.series(drawn)
        if not series:
            continue
        hidden = cycle.is_behind_the_scenes(drawn)
        where = "" if drawn.names[cycle.parent] == ROOT else f" in {drawn.names[cycle.parent]}"
        folded = [_short(name) for name in series]
        others = [_short(drawn.names[row]) for row in cycle.rows if drawn.names[row] not in series]
        if len(series) == 1:
            how = (
                f"TensorBoard folds look-alike nodes into the series {folded[0]}, which holds ops from before and from "
                f"after {some(others)}"
            )
        else:
            how = "TensorBoard folds look-alike nodes into series, and the folded nodes point at each other"
        own = "" if hidden else _own_scopes(context, cycle)
        better = "" if hidden else f" {repaired('under names that are not folded')}"
        yield finding(
            RULE,
            context,
            message=f"The cycle{where} through {some([*folded, *others])} is not in the op graph: {how}.",
            fix=f"In TensorBoard, ungroup the series (click it, 'Ungroup this series of nodes'){own}.{better}",
            culprits=series,
            rank=2 if hidden else 0,
            edges=tuple((drawn.names[source], drawn.names[target]) for source, target in cycle.arrows),
        )


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _own_scopes(context: DiagnosisContext, cycle: DrawnCycle) -> str:
    """What the user's code can do, where it may have made the ops: not in bookkeeping, and not in a layer."""
    rows = [op for members in cycle.ops.values() for op in members]
    if any(row in context.ownership.roles for row in rows):
        return ""
    if context.layers is not None and any(context.ownership.owner(row) is not None for row in rows):
        return ""
    return ", or, where your code makes the ops, give each pair of them a name scope of its own"


RULE = Rule("GD109", "series-loop", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
