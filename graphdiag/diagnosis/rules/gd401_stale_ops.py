"""GD401 stale-ops: ops of a model that was built earlier in the same graph.

What it finds
    Boxes that belong to no layer of the model, that nothing in the model needs and that nothing in the model feeds; and
    second copies of the model's layers, with weights of their own.

Why it matters
    TensorBoard shows more boxes than the model has layers, and arrows between two models that have nothing to do with
    each other.

Cause
    In TensorFlow 1, and with Keras 1 and 2 on it, every model is built in the same default graph, and nothing is ever
    taken out of it. The log holds the whole graph. The earlier model may also own what both use: with Keras 2.1 its
    first BatchNormalization or Dropout holds the learning phase of both. A traced function may compute something beside
    the model, too.

Proof
    No path of activations, parameters or handles leads from these boxes to an op of the model, nor back. Copies of one
    layer do not read one another's variables.

Example
    `dense_1`, `batch_normalization_1` beside a model of `dense_2`, `batch_normalization_2`

Fix
    Start every model in a clean graph: call `keras.backend.clear_session()` (Keras 2.0 and newer;
    `tf.keras.backend.clear_session()` in TensorFlow 1.4 and newer) before it is built, or build it under
    `with tf.Graph().as_default():`. Checked with Keras 2.1.6 and tf.keras on TensorFlow 1.10.

Reported upstream
    keras#7294
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.call_scopes import CallScope, find_copies
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import is_traced
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.traces import graphs_of
from graphdiag.diagnosis.unowned_scopes import find_leftovers
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all boxes of other models, one for all copies of this one."""
    if context.layers is None:
        return
    # The graphs of a trace stand side by side, and were no one's default graph.
    traced = set(graphs_of(context.ops))
    stale = [
        group
        for group in find_leftovers(context)
        if not group.fed_by and not all(box.partition("/")[0] in traced for box in group.boxes)
    ]
    if stale:
        boxes = [box for group in stale for box in group.boxes]
        one = len(boxes) == 1
        yield _found(
            context,
            f"{len(boxes)} box{'' if one else 'es'} ({some(boxes, 6)}) belong{'s' if one else ''} to no layer of the "
            f"model: it neither feeds nor needs {'it' if one else 'them'}. {_made(context, boxes)}",
            boxes,
            sorted({edge for group in stale for edge in group.edges}),
        )
    firsts, copies = find_copies(context)
    if copies:
        scopes = [box.scope for box in copies]
        yield _found(
            context,
            f"{some(scopes, 6)} {'is a further copy' if len(copies) == 1 else 'are further copies'} of layers of the "
            f"model, with weights of {'its' if len(copies) == 1 else 'their'} own: a model of the same names was built "
            f"in the same graph, earlier or later.",
            scopes,
            _between(context, firsts, copies),
        )


def _made(context: DiagnosisContext, boxes: Sequence[str]) -> str:
    """How boxes came into the graph."""
    one = len(boxes) == 1
    if is_traced(context.ops):
        return f"The function that was traced computes {'it' if one else 'them'} beside the model."
    scopes = tuple(f"{box}/" for box in boxes)
    ops = zip(context.ops.names, context.ops.types, strict=True)
    if any(op_type in VARIABLES for name, op_type in ops if name.startswith(scopes)):
        return "Another model was built in the same graph."
    return f"{'It was' if one else 'They were'} built in the same graph."


def _between(context: DiagnosisContext, firsts: Sequence[CallScope], others: Sequence[CallScope]) -> Sequence[Pair]:
    """The drawn edges from one copy to the other."""
    first_of = {row: box.scope for box in firsts for row in box.rows}
    other_of = {row: box.scope for box in others for row in box.rows}
    found = set()
    for mine, theirs in ((first_of, other_of), (other_of, first_of)):
        for row, scope in mine.items():
            for edge in range(int(context.ops.in_edges[row]), int(context.ops.in_edges[row + 1])):
                source = int(context.ops.source[edge])
                if source in theirs and context.ops.output[edge] != CONTROL:
                    found.add((theirs[source], scope))
    return sorted(found)


def _found(context: DiagnosisContext, message: str, boxes: Sequence[str], edges: Sequence[Pair]) -> Found:
    return finding(
        RULE,
        context,
        message=message,
        fix=(
            "Trace a call of the model alone (TensorFlow 2)."
            if is_traced(context.ops)
            else "Call keras.backend.clear_session() before the model is built (Keras 2, tf.keras), or build it under "
            "'with tf.Graph().as_default():'."
        ),
        culprits=boxes,
        edges=edges,
    )


RULE = Rule("GD401", "stale-ops", Verdict.LEFTOVER, Blame.KERAS, Severity.NOTE, find, __name__)
