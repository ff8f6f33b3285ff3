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

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
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
        where = "" if drawn.names[cycle.parent] == ROOT else f" in {drawn.names[cycle.parent]}"
        yield finding(
            RULE,
            context,
            message=(
                f"The cycle{where} through {some(series)} is not in the op graph: TensorBoard folds "
                f"look-alike nodes into series, and the folded nodes point at each other."
            ),
            fix=(
                "In TensorBoard, ungroup the series (click it, 'Ungroup this series of nodes'), or give each "
                f"pair of ops a name scope of its own. {repaired('under names that are not folded')}"
            ),
            culprits=series,
            rank=2 if cycle.is_behind_the_scenes(drawn) else 0,
            edges=tuple((drawn.names[source], drawn.names[target]) for source, target in cycle.arrows),
        )


RULE = Rule("GD109", "series-loop", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
