"""GD102 shared-flag: one small feed is read by several layers.

What it finds
    Drawn edges from one layer to others over which only a flag flows: a scalar that is fed from outside and is no
    input of the model, such as `phase_train`, `keep_prob`, or the `*_trainable` switches of TensorFlow 2.2.

Why it matters
    The box in which the flag happens to lie seems to feed every box that reads it.

Proof
    The tensor is computed from scalar feeds alone; it depends on no input of the model and on no variable.

Example
    `stem/phase_train -> block_3/cond/Switch`

Fix
    Make the placeholder before the first layer, outside every name scope; or pass a Python bool, which leaves no op.

Reported upstream
    As GD101: tensorboard#1514
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives a flag to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and bool(edge.carries & Carries.FLAG) and not edge.carries & ~Carries.FLAG,
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'comes', 'come')} from {culprit}, a flag: it is computed from scalar feeds that "
            f"are not inputs of the model, so no activation crosses."
        ),
        "Make the flag's placeholder before the first layer, outside every name scope, or pass a Python bool.",
    )


RULE = Rule("GD102", "shared-flag", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
