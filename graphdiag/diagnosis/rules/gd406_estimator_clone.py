"""GD406 estimator-clone: the graph is an Estimator's own, not the one in which the model was built.

What it finds
    Graphs of an `Estimator`, or of a `MonitoredSession` with an input pipeline, as they make them: a `global_step`,
    `report_uninitialized_variables`, and a pipeline in the place of the model's inputs.

Why it matters
    The inputs of the model are not there; in their place stands `IteratorGetNext`, or a queue. Boxes that nobody made
    (`report_uninitialized_variables`, `group_deps`, `save`) crowd the picture.

Cause
    An Estimator calls its `model_fn` in a graph of its own. `model_to_estimator` clones the Keras model there, on the
    tensors of the `input_fn`: an `InputLayer` makes no placeholder then.

Proof
    The ops that such a session makes, and the op of the pipeline from which the layers take their input.

Example
    `IteratorGetNext -> lower/MatMul`, and no placeholder for the input `x`

Fix
    None is needed. To see the model without its surroundings, write the graph of the Keras model itself, in a graph of
    its own (TensorFlow 1.15): `with tf.Graph().as_default() as graph:`, build the model, then
    `tf.compat.v1.summary.FileWriter(logdir, graph)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.outer_scopes import hands_over_inputs, session_scaffold
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for the whole graph."""
    ops = context.ops
    scaffold = session_scaffold(ops)
    if not scaffold:
        return
    sources = ops.rows_of_types(hands_over_inputs)
    fed = _fed(context, sources)
    if not fed:
        return
    names = [ops.names[row] for row in sources]
    message = (
        f"A session with its own scaffold made this graph, as an Estimator does (global_step, "
        f"{scaffold}): {some(names)} feed{'s' if len(names) == 1 else ''} {some(fed)}."
    )
    if context.layers is not None:
        absent = [id_ for id_ in context.layers.inputs if id_ in context.without_ops]
        if absent:
            message += (
                f" The model is a clone on those tensors: its input{'' if len(absent) == 1 else 's'} {some(absent)} "
                f"{'is' if len(absent) == 1 else 'are'} not in the graph."
            )
    elif not any(op_type in FEEDS for op_type in ops.types):
        message += " No placeholder stands for what the layers take."
    yield finding(
        RULE,
        context,
        message,
        "None is needed. To see the model alone, build it in a graph of its own, and write that.",
        culprits=names[:20],
    )


def _fed(context: DiagnosisContext, sources: Sequence[int]) -> Sequence[str]:
    """The layers that take what a pipeline hands over."""
    ops = context.ops
    order, offsets = ops.by_source
    found: dict[str, None] = {}
    for row in sources:
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            owner = context.ownership.owner(int(ops.target[edge]))
            if owner is not None and ops.output[edge] != CONTROL:
                found.setdefault(owner)
    return list(found)


RULE = Rule("GD406", "estimator-clone", Verdict.LEFTOVER, Blame.TENSORFLOW, Severity.NOTE, find, __name__, rank=1)
