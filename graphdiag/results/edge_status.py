"""What an edge between two layers is, in words: one list for every picture; each has a look of its own for it."""

from __future__ import annotations

from dataclasses import dataclass

from graphdiag.diagnosis.finding import Verdict
from graphdiag.results.layer_edges import LayerEdge


@dataclass(frozen=True)
class EdgeStatus:
    """What an edge is.

    Attributes:
        id: One word, as ``artifact``; also the class of the elements that show it.
        label: What a legend calls it.
        about: What it means, as a clause without a full stop.
    """

    id: str
    label: str
    about: str


MODEL = EdgeStatus("model", "in your model", "Keras has the edge, and nothing is wrong with it")
OP_GRAPH = EdgeStatus(
    "op_graph",
    "op graph only",
    "no finding is about it: a mask, a way through layers without ops, or a rule that was left out",
)
SCOPES = EdgeStatus(
    "scopes",
    "between name scopes",
    "no finding is about it: activations or parameters flow, unless a rule was left out",
)
MISSING = EdgeStatus("missing", "missing", "your model has the edge, TensorBoard does not draw it")
ARTIFACT = EdgeStatus("artifact", "artifact", "drawn, and proved that no activation flows")
HIDDEN = EdgeStatus("hidden", "hidden", "activations or parameters flow, and your model has no such edge")
_OF_VERDICT = {Verdict.HIDDEN: HIDDEN, Verdict.ARTIFACT: ARTIFACT, Verdict.MISSING: MISSING}


def status_of(edge: LayerEdge, *, recorded: bool) -> EdgeStatus:
    """The status of an edge of the layer-level diff.

    Args:
        edge: The edge.
        recorded: Whether there is a layer graph; else its ends are name scopes.
    """
    if edge.verdict is not None:
        return _OF_VERDICT[edge.verdict]
    if edge.in_model:
        return MODEL
    return OP_GRAPH if recorded else SCOPES
