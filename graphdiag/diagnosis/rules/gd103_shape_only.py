"""GD103 shape-only: only the dimensions of a tensor cross, never its values.

What it finds
    Drawn edges over which only a shape flows: the output of `Shape`, `Size` or `Rank`, or something computed from
    such outputs alone, as a resize to another tensor's size, or a reshape to a dynamic batch size. Also edges from a
    tensor that is computed to an op that takes nothing of it but its rank, or a shape that is fixed.

Why it matters
    An early layer seems to feed a late one. What it gives is how large its tensor is.

Proof
    No path leads from the values of a model input to the tensor; every path goes through an op that reads
    dimensions.

Example
    `down/Relu -> resize_like/Shape`: the shape is taken inside the second layer, so the edge that is drawn carries
    the tensor itself; there graphdiag reports what the second layer uses of it only if Keras lacks the edge.
    `down/Shape -> resize_like/ResizeNearestNeighbor` is the plain case.

Fix
    None is needed. Where the dimensions are known when the model is built, use the static shape
    (`tensor.shape`), which leaves no op.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some

_SHAPE_AND_FLAGS = Carries.SHAPE | Carries.FLAG


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives a shape to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and bool(edge.carries & Carries.SHAPE) and not edge.carries & ~_SHAPE_AND_FLAGS,
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} only {_what(context, culprit, claims)}: dimensions cross, "
            f"values do not."
        ),
        "None is needed. Where the dimensions are known when the model is built, tensor.shape leaves no op.",
    )
    # A shape that is fixed, or a rank, is a constant, though the tensor that has it is computed.
    fixed = carrying(
        open_edges,
        lambda edge: not edge.control and edge.carries == Carries.CONSTANT and bool(context.flow.values[edge.source]),
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        fixed,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} only {_fixed(context, culprit, fixed)} of {culprit}, which does "
            f"not depend on any input; its values do not cross."
        ),
        "None is needed. What is known when the model is built, tensor.shape and tensor.shape.rank give without an op.",
    )


def _what(context: DiagnosisContext, culprit: str, claims: OpenEdges) -> str:
    """Whose shape crosses: the culprit's own, or that of the tensors whose dimensions the culprit gives."""
    row = context.ops.index[culprit]
    flag = any(edge.carries & Carries.FLAG for _, edge in claims if edge.source == row)
    said = f"the shape of {culprit}"
    if context.flow.values[row] & int(Carries.SHAPE):
        measured = [context.ops.names[tensor] for tensor in _measured(context, row)]
        said = f"the shape of {some(measured)} (by {culprit})" if measured else f"a shape, from {culprit}"
    return f"{said} and a flag" if flag else said


def _measured(context: DiagnosisContext, row: int) -> Sequence[int]:
    """The ops whose dimensions an op gives: what the ops that measure take, on the way back from it."""
    ops = context.ops
    found: dict[int, None] = {}
    waiting, seen = [row], {row}
    while waiting:
        current = waiting.pop()
        measures = op_specs().get(ops.types[current], UNKNOWN).kind is Kind.SHAPE_OF
        for edge in range(int(ops.in_edges[current]), int(ops.in_edges[current + 1])):
            source = int(ops.source[edge])
            if ops.output[edge] == CONTROL:
                continue
            if measures:
                found.setdefault(source)
            elif source not in seen and context.flow.values[source] & int(Carries.SHAPE):
                seen.add(source)
                waiting.append(source)
    return list(found)


def _fixed(context: DiagnosisContext, culprit: str, claims: OpenEdges) -> str:
    """What the ops take that a tensor goes to: its rank, its shape, or either."""
    takers = {context.ops.types[edge.target] for _, edge in claims if context.ops.names[edge.source] == culprit}
    return "the rank" if takers == {"Rank"} else "the shape" if "Rank" not in takers else "the shape and the rank"


RULE = Rule("GD103", "shape-only", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
