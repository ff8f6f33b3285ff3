"""GD105 shared-constant: one constant is used by several layers.

What it finds
    Drawn edges over which only a constant flows: a `Const`, or an op computed from constants alone.

Why it matters
    The layer in whose scope the constant was made seems to feed every layer that uses it.

Proof
    No path leads to the tensor from any model input, variable, flag or random op.

Example
    `scale/one -> shift/Sub`

Fix
    Make the constant outside the layers' scopes, or once in each layer.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives a constant to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and edge.carries == Carries.CONSTANT and not context.flow.values[edge.source],
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} a constant, {culprit}: no input, variable, flag or random op "
            f"leads to it."
        ),
        "Make the constant outside the layers' scopes, or once in each layer.",
    )


RULE = Rule("GD105", "shared-constant", Verdict.ARTIFACT, Blame.TENSORFLOW, Severity.WARNING, find, __name__)
