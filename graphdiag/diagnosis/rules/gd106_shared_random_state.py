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
    None is needed. Give each layer its own `seed` (Keras 3: its own `SeedGenerator`) if they should be independent;
    numbers that a `Lambda` draws and another one uses, draw in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit
from graphdiag.diagnosis.context import REAL, DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule

_SEED = "None is needed. Give each layer a seed of its own if they should be independent."
_NUMBERS = "None is needed. Draw the numbers in each layer if the layers should be independent."
_RANDOM_LAYERS = re.compile(
    r"(Alpha|Spatial|Gaussian)?Dropout([123]D)?|GaussianNoise|Random\w+|RandAugment|MixUp|CutMix"
)


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives random numbers to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and bool(edge.carries & Carries.RANDOM) and not edge.carries & REAL,
    )
    for by_keras, fix in ((True, _SEED), (False, _NUMBERS)):
        for found in one_for_each_culprit(
            RULE,
            context,
            [claim for claim in claims if _is_made_by_keras(context, claim) is by_keras],
            lambda culprit, count: (
                f"{layer_edges(count, 'carries', 'carry')} random numbers or their seed from {culprit}: no activation "
                f"crosses."
            ),
            fix,
        ):
            yield found if by_keras else replace(found, finding=replace(found.finding, blame=Blame.MODEL))


def _is_made_by_keras(context: DiagnosisContext, claim: tuple[Pair, OpEdge]) -> bool:
    """Whether a layer of Keras's own drew the numbers, and not what a ``Lambda`` or a custom layer runs."""
    (source, _), edge = claim
    if context.layers is None:
        return "seed_generator" in context.ops.names[edge.source]
    layer = context.layers.layers.get(source)
    return layer is not None and _RANDOM_LAYERS.fullmatch(layer.class_name) is not None


RULE = Rule("GD106", "shared-random-state", Verdict.ARTIFACT, Blame.KERAS, Severity.WARNING, find, __name__)
