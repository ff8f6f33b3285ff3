"""GD200 edge-not-drawn."""

from __future__ import annotations

from graphdiag.diagnosis.finding import Verdict
from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph


def test_a_tensor_that_is_taken_and_not_used():
    layers = layer_graph([("x", "a"), ("x", "b"), ("a", "c"), ("b", "c")], inputs=["x"])
    text = "x Feed\na/Relu Relu x\nb/Relu Relu x\nc/Neg Neg a/Relu"
    [finding] = in_graph("GD200", text, layers)
    assert finding.verdict is Verdict.MISSING
    assert (finding.edges, finding.culprits) == ((("b", "c"),), ("c",))
    assert finding.message == "1 layer edge of the model is not in the op graph: b -> c."


def test_an_edge_through_ops_of_nobody_is_drawn():
    layers = layer_graph([("x", "a"), ("a", "c")], inputs=["x"])
    assert in_graph("GD200", "x Feed\na/Relu Relu x\nadd Add a/Relu\nc/Neg Neg add", layers) == []


def test_an_edge_through_a_layer_without_ops_is_drawn():
    layers = layer_graph([("x", "a"), ("a", "drop"), ("drop", "c")], inputs=["x"])
    assert in_graph("GD200", "x Feed\na/Relu Relu x\nc/Neg Neg a/Relu", layers) == []
