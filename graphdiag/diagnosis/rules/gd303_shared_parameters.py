"""GD303 shared-parameters: one layer uses another layer's weights.

What it finds
    Edges of the op graph over which a layer's parameters, or the handle of its variable, go to another layer; and
    variables outside all layers, as a traced function captures them, that several layers read. Of those the layer
    that reads first is named first.

Why it matters
    The weights are tied, and Keras does not know: saving and cloning give two sets of weights, and freezing one
    layer freezes part of another.

Proof
    The tensor is read from a variable of the first layer; no path leads from a model input to it.

Example
    `layers.Lambda(lambda t: tf.matmul(t, embedding.kernel, transpose_b=True))`

Cure
    Write a layer that holds the other one as an attribute, so that Keras tracks it; or use one shared layer.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.captured import captured_variables, is_random_state, pairs_of_readers
from graphdiag.diagnosis.case import Case
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.diagnosis.flow import Carries
from graphdiag.diagnosis.rules.rule import Found, OpenEdges, Rule
from graphdiag.diagnosis.rules.wording import carrying, layer_edges, one_for_each_culprit, some, with_others_from_there


def find(case: Case, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives parameters to another layer."""
    claims = with_others_from_there(
        open_edges,
        carrying(
            open_edges,
            lambda edge: (
                bool(edge.carries & (Carries.PARAMETER | Carries.HANDLE)) and not edge.carries & Carries.ACTIVATION
            ),
        ),
    )
    yield from one_for_each_culprit(
        RULE,
        case,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} parameters from {culprit} to another layer: the weights are "
            f"shared, and Keras does not know."
        ),
        "Hold the other layer as an attribute of this one, so that Keras tracks it, or use one shared layer.",
    )
    yield from _captured_by_several(case)


def _captured_by_several(case: Case) -> Iterator[Found]:
    """Variables that a traced function captures, and that more than one layer reads."""
    for handle, readers in captured_variables(case).items():
        if is_random_state(case, readers):
            continue
        pairs = pairs_of_readers(case, readers)
        if not pairs:
            continue
        name = case.ops.names[handle]
        yield Found(
            Finding(
                code=RULE.code,
                rule=RULE.name,
                verdict=RULE.verdict,
                blame=RULE.blame,
                severity=RULE.severity,
                message=(
                    f"The variable {name} is read by {pairs[0][0]} and by {some([target for _, target in pairs])}: "
                    f"the weights are shared, and Keras does not know."
                ),
                cure="Hold the other layer as an attribute of this one, so that Keras tracks it; or share one layer.",
                culprits=(name,),
                carries=("parameter",),
                edges=pairs,
                evidence=case.evidence(OpEdge(handle, reader, 0, Carries.PARAMETER) for reader in readers),
            )
        )


RULE = Rule("GD303", "shared-parameters", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__)
