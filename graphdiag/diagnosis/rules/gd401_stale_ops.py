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
    first BatchNormalization or Dropout holds the learning phase of both.

Proof
    No path of activations, parameters or handles leads from these boxes to an op of the model, nor back. Copies of one
    layer do not read one another's variables.

Example
    `dense_1`, `batch_normalization_1` beside a model of `dense_2`, `batch_normalization_2`

Cure
    Start every model in a clean graph: call `keras.backend.clear_session()` (Keras 2.0 and newer;
    `tf.keras.backend.clear_session()` in TensorFlow 1.4 and newer) before it is built, or build it under
    `with tf.Graph().as_default():`. Checked with Keras 2.1.6 and tf.keras on TensorFlow 1.10.

Reported upstream
    keras#7294
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.boxes import Box, boxes_of, split_by_variables
from graphdiag.diagnosis.case import Case, Pair
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.diagnosis.rules.rule import Found, OpenEdges, Rule
from graphdiag.diagnosis.rules.wording import some
from graphdiag.diagnosis.strangers import find_leftovers
from graphdiag.graphs.op_graph import CONTROL


def find(case: Case, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all boxes of other models, one for all copies of this one."""
    if case.layers is None:
        return
    stale = [group for group in find_leftovers(case) if not group.fed_by]
    if stale:
        boxes = [box for group in stale for box in group.boxes]
        one = len(boxes) == 1
        yield _found(
            f"{len(boxes)} box{'' if one else 'es'} ({some(boxes, 6)}) belong{'s' if one else ''} to no layer of the "
            f"model: it neither feeds nor needs {'it' if one else 'them'}. Another model was built in the same graph.",
            boxes,
            sorted({edge for group in stale for edge in group.edges}),
        )
    firsts, copies = _copies(case)
    if copies:
        scopes = [box.scope for box in copies]
        yield _found(
            f"{some(scopes, 6)} {'is a further copy' if len(copies) == 1 else 'are further copies'} of layers of the "
            f"model, with weights of {'its' if len(copies) == 1 else 'their'} own: a model of the same names was built "
            f"in the same graph, earlier or later.",
            scopes,
            _between(case, firsts, copies),
        )


def _copies(case: Case) -> tuple[list[Box], list[Box]]:
    """The boxes of layers of which there are several, each with its own variables: first ones and others."""
    firsts: list[Box] = []
    others: list[Box] = []
    without_variables: list[Sequence[Box]] = []
    for unit, boxes in boxes_of(case).items():
        if len(boxes) < 2:
            continue
        groups = split_by_variables(case, boxes)
        if len(groups) > 1:
            firsts += groups[0]
            others += [box for group in groups[1:] for box in group]
        elif not groups and len(boxes) > _calls(case, unit):
            without_variables.append(boxes)
    if others:
        # A Dropout has nothing to tell its copies apart by; it was copied with the rest.
        for boxes in without_variables:
            firsts.append(boxes[0])
            others += boxes[1:]
    return firsts, others


def _calls(case: Case, unit: str) -> int:
    assert case.layers is not None
    layer = case.layers.layers.get(unit) or case.layers.nested.get(unit)
    return layer.calls if layer else 1


def _between(case: Case, firsts: Sequence[Box], others: Sequence[Box]) -> Sequence[Pair]:
    """The drawn edges from one copy to the other."""
    first_of = {row: box.scope for box in firsts for row in box.rows}
    other_of = {row: box.scope for box in others for row in box.rows}
    found = set()
    for mine, theirs in ((first_of, other_of), (other_of, first_of)):
        for row, scope in mine.items():
            for edge in range(int(case.ops.in_edges[row]), int(case.ops.in_edges[row + 1])):
                source = int(case.ops.source[edge])
                if source in theirs and case.ops.output[edge] != CONTROL:
                    found.add((theirs[source], scope))
    return sorted(found)


def _found(message: str, boxes: Sequence[str], edges: Sequence[Pair]) -> Found:
    return Found(
        Finding(
            code=RULE.code,
            rule=RULE.name,
            verdict=RULE.verdict,
            blame=RULE.blame,
            severity=RULE.severity,
            message=message,
            cure=(
                "Call keras.backend.clear_session() before the model is built (Keras 2, tf.keras), or build it under "
                "'with tf.Graph().as_default():'."
            ),
            culprits=tuple(boxes),
            edges=tuple(edges),
        )
    )


RULE = Rule("GD401", "stale-ops", Verdict.LEFTOVER, Blame.KERAS, Severity.NOTE, find, __name__)
