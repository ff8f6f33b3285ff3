"""GD102 shared-flag: one small feed is read by several layers.

What it finds
    Drawn edges from one layer to others over which only a flag flows: a scalar that is fed from outside and is not
    an input of the model, such as `phase_train`, `keep_prob`, or the `*_trainable` switches of TensorFlow 2.2.

Why it matters
    The box in which the flag happens to lie seems to feed every box that reads it.

Proof
    The tensor is computed from scalar feeds alone; it depends on no input of the model and on no variable. Without a
    layer graph it is not known which feeds are inputs; a scalar counts as a flag where other feeds, or an input
    pipeline, bring data.

Example
    `stem/phase_train -> block_3/cond/Switch`

Fix
    Make the placeholder before the first layer, outside every name scope; or pass a Python bool, which leaves no op.
    What a layer computes from the flag is for that layer: compute it where it is used.

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
from graphdiag.phrases import some

_PLACEHOLDER = "Make the flag's placeholder before the first layer, outside every name scope, or pass a Python bool."
_COMPUTED = "Compute the flag outside of the layers, or in each layer that uses it."


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives a flag to another layer."""
    claims = carrying(
        open_edges,
        lambda edge: not edge.control and bool(edge.carries & Carries.FLAG) and not edge.carries & ~Carries.FLAG,
    )
    for fed, fix in ((True, _PLACEHOLDER), (False, _COMPUTED)):
        yield from one_for_each_culprit(
            RULE,
            context,
            [claim for claim in claims if _is_fed(context, claim[1].source) is fed],
            lambda culprit, count: (
                f"{layer_edges(count, 'comes', 'come')} from {culprit}, a flag: {_what(context, culprit)}, so no "
                f"activation crosses."
            ),
            fix,
        )


def _is_fed(context: DiagnosisContext, row: int) -> bool:
    """Whether an op is a feed itself, or hands one on that lies in the same layer."""
    of_op = context.ownership.of_op
    return any(feed == row or of_op[feed] == of_op[row] for feed in context.feeds_of(row))


def _what(context: DiagnosisContext, culprit: str) -> str:
    """What a flag is computed from."""
    row = context.ops.index[culprit]
    feeds = [context.ops.names[feed] for feed in sorted(context.feeds_of(row))]
    one = len(feeds) == 1
    known = context.layers is not None
    inputs = f" that {'is not an input' if one else 'are not inputs'} of the model" if known else ""
    if feeds == [culprit]:
        return f"a scalar feed{inputs}"
    return f"it is computed from {some(feeds)} alone, {'a scalar feed' if one else 'scalar feeds'}{inputs}"


RULE = Rule("GD102", "shared-flag", Verdict.ARTIFACT, Blame.MODEL, Severity.WARNING, find, __name__)
