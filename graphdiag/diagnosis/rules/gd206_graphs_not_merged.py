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

Cure
    Trace one function at a time, under a tag of its own; or save the loaded model again with this TensorFlow.

Reported upstream
    tensorboard#5745
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.case import Case
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.diagnosis.rules.rule import Found, OpenEdges, Rule


def find(case: Case, open_edges: OpenEdges) -> Iterator[Found]:
    """TensorBoard's refusal, if it refuses."""
    if case.picture is None or not case.picture.failure:
        return
    yield Found(
        Finding(
            code=RULE.code,
            rule=RULE.name,
            verdict=RULE.verdict,
            blame=RULE.blame,
            severity=RULE.severity,
            message=f"TensorBoard cannot draw this trace: {case.picture.failure.rstrip('.')}.",
            cure="Trace one function at a time, each under a tag of its own.",
            edges=tuple(case.layers.edges) if case.layers else (),
            counted=False,
        )
    )


RULE = Rule("GD206", "graphs-not-merged", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
