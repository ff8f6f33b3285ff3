"""GD106 shared-random-state: a seed or random numbers made in one layer are used in another.

What it finds
    Drawn edges over which only random numbers flow, or what seeds them.

Why it matters
    Two Dropouts seem to feed each other. They share where their randomness comes from.

Proof
    The tensor depends on random ops, constants, flags and shapes; no path leads to it from the values of a model
    input, nor from a variable.

Example
    `dropout/seed_generator/Add -> dropout_1/stateless_random_uniform`

Fix
    None is needed. Give each layer its own `seed` (Keras 3: its own `SeedGenerator`) if they should be independent.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit
from graphdiag.diagnosis.context import REAL, DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives random numbers to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and bool(edge.carries & Carries.RANDOM) and not edge.carries & REAL,
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} random numbers or their seed from {culprit}: no activation "
            f"crosses."
        ),
        "None is needed. Give each layer a seed of its own if they should be independent.",
    )


RULE = Rule("GD106", "shared-random-state", Verdict.ARTIFACT, Blame.KERAS, Severity.WARNING, find, __name__)
