"""GD206 graphs-not-merged: "Cannot combine GraphDefs of different versions".

What it finds
    A trace that holds several function graphs whose producers differ.

Why it matters
    TensorBoard shows an error instead of the graph.

Cause
    TensorBoard merges the graphs of one tag, and refuses to when `versions.producer` is not the same in all.

Proof
    The producers, as the log holds them.

Example
    One function traced in the process, another one loaded from a SavedModel that an older TensorFlow wrote.

Fix
    Trace one function at a time, under a tag of its own; or save the loaded model again with this TensorFlow.

Reported upstream
    tensorboard#5745
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """TensorBoard's refusal, if it refuses."""
    if context.view is None or not context.view.failure:
        return
    yield finding(
        RULE,
        context,
        message=f"TensorBoard cannot draw this trace: {context.view.failure.rstrip('.')}.",
        fix="Trace one function at a time, each under a tag of its own.",
        edges=tuple(context.layers.edges) if context.layers else (),
        counted=False,
    )


RULE = Rule("GD206", "graphs-not-merged", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
