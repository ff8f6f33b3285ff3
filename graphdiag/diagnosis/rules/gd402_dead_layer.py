"""GD402 dead-layer: a box that leads nowhere.

What it finds
    Boxes that take activations from the model and give nothing back: a layer that was called and whose output was then
    not used; and layers of the model from which no path leads to any of its outputs.

Why it matters
    The box looks like a branch of the model. Its weights are never trained: no gradient reaches them.

Cause
    The layer was called while the model was built, so its ops are in the graph. A functional model only keeps the
    layers on the paths from its inputs to its outputs, in Keras 2 also to what `add_loss` and `add_metric` are given,
    so `model.summary()` does not have it.

Proof
    No path of activations, parameters or handles leads from the box to an op of another layer, of the training or of
    an output.

Example
    `h -> never_used`, and no edge out of `never_used`

Fix
    Remove the call, or use what it gives: hand it to a layer, or make it an output of the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.unowned_scopes import find_leftovers
from graphdiag.keras_facts import LOSS_ENDS
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each dead branch, one for all dead layers of the model."""
    if context.layers is None:
        return
    for group in find_leftovers(context):
        if group.fed_by:
            one = len(group.boxes) == 1
            yield _found(
                context,
                f"{some(group.boxes)} take{'s' if one else ''} activations from {some(group.fed_by)} and lead"
                f"{'s' if one else ''} nowhere: {'it is not a layer' if one else 'they are not layers'} of the "
                f"model.",
                group.boxes,
                group.edges,
            )
    dead = _dead_layers(context)
    if dead:
        one = len(dead) == 1
        yield _found(
            context,
            f"{some(dead)} {'is a layer' if one else 'are layers'} of the model, and no path leads from "
            f"{'it' if one else 'them'} to an output.",
            dead,
            [edge for edge in context.layers.edges if set(edge) & set(dead)],
        )


def _dead_layers(context: DiagnosisContext) -> Sequence[str]:
    """Layers with ops, and without a path to an output, in Keras's order."""
    assert context.layers is not None
    before: dict[str, list[str]] = defaultdict(list)
    for source, target in context.layers.edges:
        before[target].append(source)
    alive = set(context.layers.outputs)
    # What tf_keras's model.add_loss and model.add_metric take is trained, or reported.
    alive |= {id_ for id_, layer in context.layers.layers.items() if layer.class_name in LOSS_ENDS}
    if not alive or not context.layers.edges or context.layers.unrecorded:
        return []
    waiting = list(alive)
    while waiting:
        for source in before[waiting.pop()]:
            if source not in alive:
                alive.add(source)
                waiting.append(source)
    return [
        id_
        for id_, layer in context.layers.layers.items()
        if id_ not in alive and not layer.is_input and id_ not in context.without_ops
    ]


def _found(context: DiagnosisContext, message: str, boxes: Sequence[str], edges: Sequence[Pair]) -> Found:
    fix = "Remove the call, or use its output: hand it to a layer, or make it an output of the model."
    return finding(RULE, context, message, fix, culprits=boxes, edges=edges)


RULE = Rule("GD402", "dead-layer", Verdict.LEFTOVER, Blame.MODEL, Severity.NOTE, find, __name__)
