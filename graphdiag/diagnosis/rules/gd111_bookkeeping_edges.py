"""GD111 bookkeeping-edges: layers feed `init`, `save`, `gradients`, `Adam` and the like.

What it finds
    Edges from layers into ops of training, saving and initializing: gradients, optimizer, loss, metrics, savers,
    initializers, `IsVariableInitialized_1` and so on.

Why it matters
    Every layer seems to feed boxes that are in nobody's model. These are ops like any other to TensorFlow, and
    TensorBoard draws them.

Proof
    The ops they lead to lie in the scopes that TensorFlow and Keras make for bookkeeping, and belong to no layer.

Example
    `conv1d_0_0/Relu -> training/Adam/gradients/...`

Fix
    TensorFlow 1: write the log before the model is compiled or trained; an Estimator or a `MonitoredSession` adds its
    ops first, so build the model in a graph of its own and write that. TensorFlow 2: trace a call of the model instead
    of the training step (`tf.summary.trace_on(graph=True)`), and write summaries outside of it. In TensorBoard, take
    the boxes out with "Remove from main graph". `graphdiag repair SOURCE -o LOGDIR` draws one box for each kind.

Reported upstream
    keras#7465
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import is_of_tensorflow_1, is_traced
from graphdiag.diagnosis.outer_scopes import session_scaffold
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all bookkeeping."""
    if not context.crossings.to_roles:
        return
    layers: dict[str, int] = defaultdict(int)
    count = 0
    for (_, role), edges in context.crossings.to_roles.items():
        layers[role] += 1
        count += edges
    kinds = ", ".join(f"{role} ({number} layer{'' if number == 1 else 's'})" for role, number in sorted(layers.items()))
    yield finding(
        RULE,
        context,
        message=(
            f"{count:,} op edge{' leads' if count == 1 else 's lead'} from layers to bookkeeping, which is not part "
            f"of the model: {kinds}."
        ),
        fix=_fix(context),
        culprits=sorted(layers),
        edges=tuple(context.crossings.to_roles),
    )


def _fix(context: DiagnosisContext) -> str:
    roles = {role for _, role in context.crossings.to_roles}
    if context.view is not None and context.view.imagined:
        return "None is needed: a SavedModel holds what loads it."
    if is_traced(context.ops) and roles <= {"summaries"}:
        return "Write the summaries outside of the function that is traced (TensorFlow 2)."
    if is_traced(context.ops):
        return "Trace a call of the model instead of the training step (TensorFlow 2)."
    if session_scaffold(context.ops):
        return (
            "Build the model in a graph of its own, and write that (TensorFlow 1): this session adds its ops before it "
            "writes the graph."
        )
    if is_of_tensorflow_1(context.ops):
        return "Write the graph before the model is trained and saved, when these ops are not there yet (TensorFlow 1)."
    return "None is needed."


RULE = Rule("GD111", "bookkeeping-edges", Verdict.LEFTOVER, Blame.TENSORFLOW, Severity.NOTE, find, __name__, rank=2)
