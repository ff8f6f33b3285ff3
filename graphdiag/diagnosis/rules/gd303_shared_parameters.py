"""GD303 shared-parameters: one layer uses another layer's weights.

What it finds
    Edges of the op graph over which a layer's parameters, or the handle of its variable, go to another layer; and
    variables outside all layers, as a traced function captures them, that several layers read. Of those the layer
    that reads first is named first; in a live model, the layer that tracks the variable. There a layer that reads
    another's variable is found also where activations flow between the two, which Keras knows of. A layer that holds
    the other one as an attribute tracks its variables, too, and is right to use them.

Why it matters
    The weights are tied, and Keras does not know: saving and cloning give two sets of weights, and freezing one
    layer freezes part of another.

Proof
    The tensor is read from a variable of the first layer; no path leads from a model input to it.

Example
    `layers.Lambda(lambda t: tf.matmul(t, embedding.kernel, transpose_b=True))`; `layers.Lambda(lambda t: dense(t))`,
    where `dense` is a layer of the model

Fix
    Write a layer that holds the other one as an attribute, so that Keras tracks it; or use one shared layer.
    Checked with Keras 3.15 and tf_keras 2.21.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphdiag.diagnosis.captured import captured_variables, is_random_state, pairs_of_readers
from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit, with_others_from_there
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Finding, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
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
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} parameters from {culprit} to another layer: the weights are "
            f"shared, and Keras does not know."
        ),
        "Hold the other layer as an attribute of this one, so that Keras tracks it, or use one shared layer.",
    )
    yield from _captured_by_several(context)


def _captured_by_several(context: DiagnosisContext) -> Iterator[Found]:
    """Variables that a traced function captures, and that several layers read: one finding for the same layers."""
    by_pairs: dict[tuple[Pair, ...], list[OpEdge]] = defaultdict(list)
    for handle, readers in captured_variables(context).items():
        pairs = () if is_random_state(context, readers) else pairs_of_readers(context, handle, readers)
        if pairs:
            by_pairs[pairs] += [OpEdge(handle, reader, 0, Carries.PARAMETER) for reader in readers]
    for pairs, reads in by_pairs.items():
        names = [context.ops.names[row] for row in dict.fromkeys(edge.source for edge in reads)]
        takers, variables = [target for _, target in pairs], f"variable{'s' if len(names) > 1 else ''}"
        yield Found(
            Finding(
                code=RULE.code,
                rule=RULE.name,
                verdict=RULE.verdict,
                blame=RULE.blame,
                severity=RULE.severity,
                message=(
                    f"{some(takers)} read{'s' if len(takers) == 1 else ''} {len(names)} {variables} of "
                    f"{pairs[0][0]} ({some(names)}): the weights are shared, and Keras does not know."
                ),
                fix="Hold the other layer as an attribute of this one, so that Keras tracks it; or share one layer.",
                culprits=tuple(names),
                carries=("parameter",),
                edges=pairs,
                evidence=context.evidence(reads),
            )
        )


RULE = Rule("GD303", "shared-parameters", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__)
