"""GD200 edge-not-drawn: the model has an edge that the op graph lacks.

What it finds
    Edges that Keras records between two layers which both have ops, while no tensor goes from the one to the other
    in the op graph.

Why it matters
    TensorBoard shows two boxes that the model links, without an arrow.

Proof
    No path leads from the ops of the one layer to the ops of the other without passing through a third layer.

Example
    A `Lambda` that takes a tensor and never uses it.

Fix
    Look at what the second layer does with its input: it may ignore it, or the log may hold another model.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all edges that are not drawn."""
    replaced = set(context.rerouted)
    edges = tuple(edge for edge in context.undrawn if edge not in replaced)
    if edges:
        listed = some([f"{source} -> {target}" for source, target in edges])
        yield finding(
            RULE,
            context,
            message=f"{len(edges)} layer edge{'' if len(edges) == 1 else 's'} of the model "
            f"{'is' if len(edges) == 1 else 'are'} not in the op graph: {listed}.",
            fix=f"Look at what the second layer does with its input{_or_else(context)}.",
            culprits=sorted({target for _, target in edges}),
            edges=edges,
        )


def _or_else(context: DiagnosisContext) -> str:
    return "" if context.ownership.recorded else "; or the op graph is another model's"


RULE = Rule("GD200", "edge-not-drawn", Verdict.MISSING, Blame.MODEL, Severity.NOTE, find, __name__, rank=-1)
