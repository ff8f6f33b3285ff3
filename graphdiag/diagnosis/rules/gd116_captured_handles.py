"""GD116 captured-handles: a crowd of `..._resource` boxes around a closed box.

What it finds
    Traced functions whose variables stand at the root as arguments, outside of the layers' boxes, where so many of them
    lead into the model's box that TensorBoard moves it to "Auxiliary Nodes".

Why it matters
    The picture is one closed box, or none, among dozens of boxes with long names. The weights seem to lie outside of
    the layers that have them.

Cause
    A `tf.function` takes each variable that it uses as an argument: the variable's handle. Arguments lie at the root,
    in no name scope. A training step also takes the optimizer's slots, the step counter and the metrics' totals.

Proof
    Each is an argument of type resource, and the ops that read it tell whose it is.

Example
    `step_scope_net_1_inner_1_cast_readvariableop_resource`

Fix
    `graphdiag repair SOURCE -o LOGDIR` puts each handle into the box of the layer that reads it. To be without the
    optimizer's, trace a call of the model instead of the training step (TensorFlow 2): `tf.function(model)` between
    `tf.summary.trace_on(graph=True)` and `tf.summary.trace_export`. Checked with TensorFlow 2.21 and Keras 3.15.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.handles import captured_handles
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import counted, some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all handles of a log."""
    view = context.view
    if view is None or view.drawn is None or view.live or view.imagined:
        return
    handles = captured_handles(context)
    moved = view.boxes_moved_for(handles.readers)
    if not moved:
        return
    names = [*handles.of_model, *handles.of_training]
    message = (
        f"{counted(len(names), 'box', 'boxes')} ({some(names, 2)}) "
        + f"{'is a variable' if len(names) == 1 else 'are variables'} that the traced function takes as "
        f"arguments, so they stand at the root"
    )
    if handles.of_training and handles.of_model:
        message += (
            f": {counted(len(handles.of_model), 'weight')} of the model, and {len(handles.of_training)} of the "
            f"optimizer and the like (slots, counters)"
        )
    beside = view.drawn.root.extractions
    box = moved[0]
    extraction = view.drawn.root.extractions[box]
    message += (
        f". {handles.readers[box]} of them lead into {box}; TensorBoard moved it to 'Auxiliary Nodes' for that "
        f"({extraction.why}){', and them with it' if all(name in beside for name in names) else ''}."
    )
    trace = (
        " Trace a call of the model instead of the training step to be without the optimizer's (TensorFlow 2)."
        if handles.of_training
        else ""
    )
    yield finding(
        RULE,
        context,
        message,
        f"{repaired('with each handle in the box of its layer')}{trace}",
        culprits=names[:20],
    )


RULE = Rule("GD116", "captured-handles", Verdict.MISPLACED, Blame.TENSORFLOW, Severity.NOTE, find, __name__)
