"""GD404 dead-end: a box that leads nowhere, and may.

What it finds
    Boxes of the root that take activations and feed nothing: losses whose gradients are in the graph, and the ends of a
    graph without a layer graph.

Why it matters
    The box looks as if its link to the training were missing.

Cause
    The gradient of a loss is computed from the ops on the way to the loss, and begins with ones of the loss's shape. It
    does not read the loss's value, so the loss itself feeds nothing; a training loop fetches it to print it. What a
    model returns feeds nothing either: a graph does not mark its outputs.

Proof
    No op takes a tensor of the box. For a loss: there are gradients of what it is computed from.

Example
    `parts -> loss`, and `parts -> optimizer`

Fix
    None is needed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.arrays import distinct
from graphdiag.graphs.drawn_graph import META, ROOT
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some

_GRADIENTS = re.compile(r"gradients(?:_[0-9]+)?|gradient_tape")


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all losses that feed nothing."""
    view = context.view
    if view is None or view.drawn is None or context.layers is not None:
        return
    if "loss" not in context.ownership.roles.values():
        return
    ends = _ends(context)
    losses = [box for box, before in ends.items() if before]
    if not losses:
        return
    one = len(losses) == 1
    before = list(dict.fromkeys(source for box in losses for source in ends[box]))
    yield finding(
        RULE,
        context,
        f"{some(losses)} feed{'s' if one else ''} nothing, and {'it need' if one else 'they need'} not: gradients are "
        f"computed from the ops before a loss ({some(before)}), and do not read its value.",
        "None is needed: a loss is the end of the graph.",
        culprits=losses,
        edges=[(source, box) for box in losses for source in ends[box]],
    )


def _ends(context: DiagnosisContext) -> dict[str, Sequence[str]]:
    """The boxes of the root without an arrow out, each with the boxes before it that have gradients."""
    view = context.view
    assert view is not None
    assert view.drawn is not None
    drawn = view.drawn
    roles = context.ownership.roles
    losses = view.boxes_of([row for row, role in roles.items() if role == "loss"])
    before: dict[str, list[str]] = defaultdict(list)
    feeding = set()
    for arrow in drawn.edges(ROOT):
        if arrow.regular:
            before[arrow.target].append(arrow.source)
            feeding.add(arrow.source)
    with_gradients = _with_gradients(context)
    found: dict[str, Sequence[str]] = {}
    for box in drawn.children(ROOT):
        if box in feeding or box not in before or box not in losses or drawn.types[drawn.index[box]] != META:
            continue
        found[box] = [source for source in before[box] if source in with_gradients]
    return found


def _with_gradients(context: DiagnosisContext) -> set[str]:
    """Boxes of the root whose ops have gradients: ops in a scope of gradients take their tensors."""
    assert context.view is not None
    ops = context.ops
    in_gradients = ops.scopes.within(_GRADIENTS.fullmatch)[ops.scopes.of_op]
    sources = ops.source[in_gradients[ops.target] & (ops.output != CONTROL)]
    return context.view.boxes_of(distinct(sources).tolist())


RULE = Rule("GD404", "dead-end", Verdict.LEFTOVER, Blame.TENSORFLOW, Severity.NOTE, find, __name__)
