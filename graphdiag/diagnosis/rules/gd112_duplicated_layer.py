"""GD112 duplicated-layer: one layer is drawn as several boxes.

What it finds
    Layers and nested models that stand on screen more than once: a box for each call (`encoder`, `encoder_1`), and, for
    a nested model of Keras 1 and 2, one more drawing of its layers on placeholders of their own.

Why it matters
    The picture has more layers than the model, and a chain of boxes that starts at a placeholder the model does not
    have. Weights seem to exist twice; they do not.

Cause
    TensorFlow makes name scopes unique: the second call of `encoder` opens `encoder_1`. A nested Sequential or
    functional model was built by calling its layers once, on its own inputs; those ops (the template) stay in the
    graph beside the ops of the calls.

Proof
    The boxes read the same variables. Where a layer has no variables, the model calls it as often as it has boxes.

Example
    `encoder`, `encoder_1`, and the template's `enc_a`, `enc_bn`, `enc_b`

Fix
    None is needed: count the boxes as one. The template goes away when a call of the model is traced
    (`tf.summary.trace_on(graph=True)`, `tf.summary.trace_export`); checked with TensorFlow 2.2, and with Keras 3.15 and
    tf_keras 2.21 on TensorFlow 2.21. Where the whole graph is written (Keras 2.1 and tf.keras on TensorFlow 1.10, the
    callback of TensorFlow 2.2), write the nested part as a layer of your own that calls its layers in `call`: such a
    layer has no template; checked with all three.

Reported upstream
    tensorflow#9545
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.call_scopes import CallScope, call_scopes_of, split_by_variables
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired, traced_instead
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.rules.gd107_reused_layer import find_reuses
from graphdiag.keras_facts import has_weights
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each layer or nested model that has several boxes."""
    if context.layers is None:
        # Without a layer graph only shared variables tell that two boxes are one layer.
        for _, _, reuses in find_reuses(context):
            arrows = sorted((arrow.source, arrow.target) for arrow, _ in reuses)
            ends = dict.fromkeys(end for arrow in arrows for end in arrow)
            numbers = context.ops.scopes.numbers
            calls = [end for end in ends if context.computing_scopes[numbers[end]]]
            yield _found(context, calls, [], [], "tensorflow")
        return
    for unit, boxes in call_scopes_of(context).items():
        if len(boxes) < 2:
            continue
        groups = split_by_variables(context, boxes)
        weights = "There is one set of weights." if groups else _without_variables(context, unit)
        if not groups and len(boxes) <= _calls(context, unit):
            groups = [boxes]
        for group in groups:
            if len(group) > 1:
                calls = [box.scope for box in group if not box.template]
                template = [box for box in group if box.template]
                places = [box.scope for box in template]
                chain = _chain(context, template)
                yield _found(context, calls, places, chain, "keras", unit=unit, weights=weights)


def _is_placeholder(context: DiagnosisContext, name: str) -> bool:
    row = context.ops.index.get(name)
    return row is not None and context.ops.types[row] == "Placeholder"


def _without_variables(context: DiagnosisContext, unit: str) -> str:
    """What to say of weights where the boxes read no variable: a frozen graph has none."""
    assert context.layers is not None
    layer = context.layers.layers.get(unit)
    if layer is None or layer.parameters or (layer.parameters is None and has_weights(layer.class_name)):
        return ""
    return "They have no weights."


def _calls(context: DiagnosisContext, unit: str) -> int:
    assert context.layers is not None
    layer = context.layers.layers.get(unit) or context.layers.nested.get(unit)
    return layer.calls if layer else 1


def _chain(context: DiagnosisContext, template: Sequence[CallScope]) -> Sequence[Pair]:
    """The drawn edges of a template: between its boxes, and from its own placeholders."""
    scope_of = {row: box.scope for box in template for row in box.rows}
    edges: dict[Pair, None] = {}
    for row, scope in scope_of.items():
        for edge in range(int(context.ops.in_edges[row]), int(context.ops.in_edges[row + 1])):
            source = int(context.ops.source[edge])
            # A placeholder stands at the root by itself, and is nobody's: it is not an input of the model.
            is_feed = context.ops.types[source] == "Placeholder" and context.ownership.owner(source) is None
            before = scope_of.get(source, context.ops.names[source] if is_feed else scope)
            if before != scope and context.ops.output[edge] >= 0:
                edges.setdefault((before, scope))
    return sorted(edges)


def _found(
    context: DiagnosisContext,
    calls: Sequence[str],
    template: Sequence[str],
    edges: Sequence[Pair],
    blame: str,
    *,
    unit: str = "",
    weights: str = "There is one set of weights.",
) -> Found:
    one = len(calls) == 1
    of = f"the layer {unit}" if unit else "one layer"
    message = f"{some(calls, 6)} {'is the call' if one else 'are calls'} of {of}"
    if template:
        message += (
            f", and {some(template, 6)} {'is' if len(template) == 1 else 'are'} the template from which it was built: "
            f"the same layers once more"
        )
        if any(_is_placeholder(context, source) for source, _ in edges):
            message += ", on placeholders of their own"
    return finding(
        RULE,
        context,
        blame=Blame(blame),
        message=f"{message}. {weights}".rstrip(),
        fix=(
            "None is needed: count the boxes as one."
            + (traced_instead(context.ops, "has no template") if template else "")
            + f" {repaired('with one box for each layer')}"
        ),
        culprits=(*template, *calls),
        edges=edges,
    )


RULE = Rule("GD112", "duplicated-layer", Verdict.MISPLACED, Blame.KERAS, Severity.NOTE, find, __name__, rank=1)
