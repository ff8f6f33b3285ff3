"""GD201 conceptual-edges-lost: the conceptual graph is a row of boxes without arrows.

What it finds
    Edges of the model that TensorBoard's conceptual graph does not show.

Why it matters
    The user sees layers that nothing joins, and suspects the model.

Cause
    TensorBoard 2.21 reads `inbound_nodes` in the shape that Keras 3 writes. A functional model saved by Keras 2 (all
    of tf_keras, and every older log) loses all its edges; only those inside nested Sequential models stay.

Proof
    The edges that TensorBoard's own reading of the JSON gives (`tensorboard/plugins/graph/keras_util.py`), held
    against the edges that Keras wrote.

Example
    27 of 27 edges of the reference model under tf_keras 2.21; none under Keras 3.

Fix
    Look at the op graph instead (on TensorFlow 2 write one with `tf.summary.trace_on(graph=True)` and
    `tf.summary.trace_export`), or at `graphdiag compare`. The model itself is right.

Reported upstream
    related: tensorboard#6686
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.tensorboard_view import conceptual_edges


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all edges that are lost."""
    view = context.view
    if view is None or view.conceptual is None or context.layers is None:
        return
    shown = conceptual_edges(view.conceptual, context.layers)
    lost = tuple(edge for edge in context.layers.edges if edge not in shown)
    if not lost:
        return
    every = len(context.layers.edges)
    does = "will show" if view.live else "shows"
    yield finding(
        RULE,
        context,
        message=(
            f"TensorBoard's conceptual graph {does} {every - len(lost)} of {every} layer edges: it reads the "
            f"connections in the shape that Keras 3 writes, and this model's are in another."
        ),
        fix="Look at the op graph instead (TensorFlow 2: tf.summary.trace_on, trace_export). The model is right.",
        culprits=("keras",),
        edges=lost,
        counted=False,
    )


RULE = Rule("GD201", "conceptual-edges-lost", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
