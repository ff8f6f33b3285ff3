"""GD204 no-op-graph: there is no op graph to choose, although the callback was told to write one.

What it finds
    Logs with a Keras model and no op graph. For a model itself this is only a note, because the callback is at fault.

Why it matters
    TensorBoard shows the conceptual graph only, and "op graph" is missing from the list.

Cause
    From Keras 3.7 on, the TensorBoard callback writes the conceptual graph only, whatever `write_graph` says: it looks
    for a `function_spec` of the train function, which has been a plain Python function since. That of tf_keras writes
    the op graph after the first batch, and tf_keras calls it then only if a callback asks for that: the progress bar
    does (`verbose=1`), and `write_steps_per_second`; with `verbose=0` or `2` alone there is no op graph. Checked with
    Keras 3.3 and 3.15, and with tf_keras 2.21.

Proof
    The log holds no `graph_def` and no traced graph.

Example
    `keras.callbacks.TensorBoard("logs", write_graph=True)` with Keras 3.7 or newer

Fix
    Give `model.fit` the callback `graphdiag.keras.GraphCallback(LOGDIR)` (Keras 3, tf_keras), which writes both graphs,
    repaired. Or trace a call of the model (TensorFlow 2), in a `tf.function` that did not run before: `model(x)` once,
    so that its variables are there, `call = tf.function(model)`, `tf.summary.trace_on(graph=True)`, `call(x)`,
    `tf.summary.trace_export("model", step=0)`. Checked with TensorFlow 2.21.

Reported upstream
    tensorboard#1961
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fix_code import TRACE_CODE
from graphdiag.diagnosis.fixes import TRACE_A_CALL
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """Whether a log has no op graph. What a live model's callback will write is no matter of the model."""
    view = context.view
    if view is None or view.has_op_graph or view.live:
        return
    yield finding(
        RULE,
        context,
        message=(
            "The log holds no op graph, and TensorBoard fails on the conceptual one: it shows none."
            if view.conceptual_failure
            else "The log holds no op graph: TensorBoard shows the conceptual graph of the Keras model only."
        ),
        fix=_fix(context),
        fix_code=TRACE_CODE,
    )


def _fix(context: DiagnosisContext) -> str:
    """To trace a call, or to train with graphdiag's callback, which is for Keras 3 and tf_keras."""
    version = context.layers.keras_version if context.layers is not None else ""
    # Where no version is on record, as in a log of Keras 3, it is a new one.
    if re.match(r"(1|2\.([0-9]|1[0-5]))\.", version):
        return TRACE_A_CALL
    trace = f"{TRACE_A_CALL[0].lower()}{TRACE_A_CALL[1:]}"
    return f"Train with callbacks=[graphdiag.keras.GraphCallback(LOGDIR)], which writes one; or {trace}"


RULE = Rule("GD204", "no-op-graph", Verdict.MISSING, Blame.KERAS, Severity.NOTE, find, __name__, rank=1)
