"""GD114 replica-copy: the model once more, for another device.

What it finds
    Scopes that repeat the model for a second device (`replica_1` of a `MirroredStrategy`, `tower_1`, `clone_1`), and
    the `group_deps` boxes that wait for the updates of all replicas.

Why it matters
    The picture has each layer several times, and heaps of `NoOp` boxes that seem to belong to the model.

Cause
    Data-parallel training builds the same model once for each device, and keeps the copies of each weight equal. Each
    group of updates gets a `NoOp` that waits for all of them.

Proof
    Nearly all ops of the scope stand in the first replica under the same names and with the same types.

Example
    `lower/MatMul` and `replica_1/lower/MatMul`

Fix
    Look at one replica and count its boxes as one with the others. To see the model once, write the graph from a run
    without the strategy; in TensorBoard, take the other boxes out with "Remove from main graph".
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.replicas import find_replicas
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all replicas."""
    replicas = find_replicas(context.ops)
    if not replicas:
        return
    first = replicas[0]
    inside = first.boxes(context.ops)
    owners = set(context.ownership.owners)
    boxes = [box for box in inside if f"{first.of}/{box}".lstrip("/") in owners] or inside
    device, weights = first.device(context.ops), first.weights(context.ops)
    scopes = [replica.scope for replica in replicas]
    one = len(scopes) == 1
    message = f"{some(scopes)} repeat{'s' if one else ''} {some(boxes, 4)}"
    message += f" of {first.of}" if first.of and not _is_whole_graph(first.of) else ""
    message += ": the same model, built once more"
    message += f" for {device}" if one and device else ""
    message += {"copies": ", with copies of the weights", "same": ", on the same weights", "": ""}[weights] + "."
    waits = _waits(context)
    if waits:
        listed = some(waits) if len(waits) < 4 else f"{waits[0]} to {waits[-1]}"
        message += (
            f" {listed} {'is a NoOp' if len(waits) == 1 else 'are NoOps'} that only wait"
            f"{'s' if len(waits) == 1 else ''} for other ops, and compute"
            f"{'s' if len(waits) == 1 else ''} nothing."
        )
    yield finding(
        RULE,
        context,
        message,
        "None is needed: look at one replica. To see the model once, write the graph of a run on one device.",
        culprits=[*scopes, *waits][:20],
    )


def _is_whole_graph(scope: str) -> bool:
    """Whether a scope is that of a whole graph of a trace, and not of a replica."""
    return scope.startswith("graph_") and "/" not in scope


def _waits(context: DiagnosisContext) -> list[str]:
    """The boxes at the root that hold NoOps called ``group_deps``."""
    found: dict[str, None] = {}
    for row in context.ops.rows_of_types("NoOp".__eq__):
        outer = context.ops.names[row].partition("/")[0]
        if outer.startswith("group_deps"):
            found.setdefault(outer)
    return list(found)


RULE = Rule("GD114", "replica-copy", Verdict.MISPLACED, Blame.TENSORFLOW, Severity.NOTE, find, __name__)
