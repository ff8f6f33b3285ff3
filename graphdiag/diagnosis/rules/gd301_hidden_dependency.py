"""GD301 hidden-dependency: activations flow between two layers, and Keras does not know.

What it finds
    Edges of the op graph over which activations flow from one layer to another that is not among its successors in
    the layer graph. Whatever could not be proved harmless is reported here as well.

Why it matters
    The dependency is real: saving, cloning, slicing or quantizing the model will not carry it, and
    `model.summary()` and `plot_model` will never show it.

Proof
    A path leads from the value of a model input through the first layer to the tensor that crosses.

Example
    `gate = layers.Dense(8)(x); layers.Lambda(lambda t: t * gate)(y)`: `gate` goes in by the closure.

Fix
    Give the tensor to the layer as an input: `layers.Lambda(lambda ts: ts[0] * ts[1])([y, gate])`, or write a layer
    whose `call` takes both. Checked with Keras 2.1.6, Keras 3.15 and tf_keras 2.21.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.claims import carrying, layer_edges, one_for_each_culprit, with_others_from_there
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op whose activations go to layers that Keras does not know of."""
    claims = with_others_from_there(
        open_edges, carrying(open_edges, lambda edge: bool(edge.carries & Carries.ACTIVATION))
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        claims,
        lambda culprit, count: (
            f"{layer_edges(count)} from {culprit} {'carries' if count == 1 else 'carry'} activations, and the model "
            f"has no such edge{'' if count == 1 else 's'}: the dependency is real and hidden from Keras."
        ),
        "Give the tensor to the layer as an input instead of closing over it.",
    )


RULE = Rule("GD301", "hidden-dependency", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__)
