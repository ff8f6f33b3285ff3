"""GD203 empty-op-graph: "The graph is empty".

What it finds
    A log whose op graph has no op.

Why it matters
    TensorBoard offers the graph and shows nothing.

Cause
    The callback of TensorFlow 2.0 to 2.3 wrote the graph that was the default one when training began: with eager
    execution an empty one, as for functional models in TensorFlow 2.2 whose train function had not been traced yet.

Proof
    The log holds a `graph_def` of zero nodes.

Example
    `tf.keras.callbacks.TensorBoard(write_graph=True)` in TensorFlow 2.2

Fix
    Trace a call of the model (TensorFlow 2): `tf.summary.trace_on(graph=True)`, call a `tf.function` around the model,
    then `tf.summary.trace_export("model", step=0)`.

Reported upstream
    tensorboard#1961, tensorboard#3672
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """Whether the op graph is there and empty."""
    if context.view is None or not context.view.has_op_graph or len(context.ops):
        return
    yield finding(
        RULE,
        context,
        message="The log holds an op graph of zero ops: TensorBoard shows 'The graph is empty'.",
        fix="On TensorFlow 2 trace a call of the model: tf.summary.trace_on(graph=True), call, trace_export(...).",
        edges=tuple(context.layers.edges) if context.layers else (),
    )


RULE = Rule("GD203", "empty-op-graph", Verdict.MISSING, Blame.KERAS, Severity.NOTE, find, __name__)
