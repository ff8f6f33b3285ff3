"""GD104 control-only: one layer waits for another, and takes nothing from it.

What it finds
    Drawn edges that are control dependencies only (`^name`): TensorBoard draws them dashed.

Why it matters
    They look like data flow when several are bundled. They only order execution, mostly around variables that are
    updated in one place and read in another.

Proof
    A control dependency carries no tensor; the op waited for is not one that is alive or dead by a predicate computed
    from activations; and the two are not both Python functions, which may hand things on where no graph shows it.

Example
    `^encoder/bn/AssignMovingAvg -> encoder_1/bn/ReadVariableOp`

Fix
    None is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_all
from graphdiag.diagnosis.context import DiagnosisContext, is_real
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each layer that others wait for."""
    claims = carrying(open_edges, lambda edge: edge.control and not is_real(edge))
    yield from one_for_all(
        RULE,
        context,
        claims,
        lambda culprit, count: layer_edges(
            count,
            f"is a control dependency only ({culprit}): it orders execution and carries no tensor.",
            f"are control dependencies only ({culprit}): they order execution and carry no tensor.",
        ),
        "None is needed.",
    )


RULE = Rule("GD104", "control-only", Verdict.ARTIFACT, Blame.TENSORFLOW, Severity.WARNING, find, __name__)
