"""GD203 empty-op-graph: "The graph is empty".

What it finds
    A log whose op graph has no op.

Why it matters
    TensorBoard offers the graph and shows nothing.

Cause
    The callback of TensorFlow 2.0 to 2.3 wrote the graph that was the default one when training began: with eager
    execution an empty one, as for functional models in TensorFlow 2.2 whose train function had not been traced yet. A
    trace is empty where everything that ran between `trace_on` and `trace_export` had run before: TensorFlow records a
    `tf.function`, and each op, only when it runs for the first time.

Proof
    The log holds a `graph_def` of zero nodes.

Example
    `tf.keras.callbacks.TensorBoard(write_graph=True)` in TensorFlow 2.2

Fix
    Trace a call of the model (TensorFlow 2), in a `tf.function` that did not run before: `model(x)` once, so that its
    variables are there, `call = tf.function(model)`, `tf.summary.trace_on(graph=True)`, `call(x)`,
    `tf.summary.trace_export("model", step=0)`. Checked with TensorFlow 2.21. Where the log holds the Keras model,
    `graphdiag repair SOURCE -o LOGDIR` writes its conceptual graph.

Reported upstream
    tensorboard#1961, tensorboard#3672
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fix_code import TRACE_CODE
from graphdiag.diagnosis.fixes import TRACE_A_CALL
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """Whether the op graph is there and empty."""
    if context.view is None or not context.view.has_op_graph or len(context.ops):
        return
    tag = context.view.tag
    if tag:
        message = (
            f"The trace {tag!r} holds no op: TensorBoard shows 'The graph is empty'. What ran between trace_on and "
            f"trace_export, if anything, had run before; TensorFlow records a tf.function when it first runs."
        )
    else:
        message = "The op graph has no op: TensorBoard shows 'The graph is empty'."
    yield finding(
        RULE,
        context,
        message=message,
        fix=TRACE_A_CALL,
        fix_code=TRACE_CODE,
        blame=Blame.TENSORFLOW if tag or context.layers is None else None,
        edges=tuple(context.layers.edges) if context.layers else (),
    )


RULE = Rule("GD203", "empty-op-graph", Verdict.MISSING, Blame.KERAS, Severity.NOTE, find, __name__, rank=-1)
