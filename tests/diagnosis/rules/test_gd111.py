"""GD111 bookkeeping-edges."""

from __future__ import annotations

from graphdiag.diagnosis.finding import Verdict
from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "a"), ("a", "b")], inputs=["x"])
TEXT = """
    x Feed
    a/kernel VariableV2
    a/MatMul MatMul x a/kernel
    b/Relu Relu a/MatMul
    IsVariableInitialized IsVariableInitialized a/kernel
    loss/Sub Sub b/Relu
    training/Adam/gradients/MatMul MatMul a/MatMul b/Relu
"""


def test_layers_feed_bookkeeping():
    [finding] = in_graph("GD111", TEXT, LAYERS)
    assert finding.verdict is Verdict.LEFTOVER
    assert finding.edges == (("a", "initialization"), ("a", "training"), ("b", "loss"), ("b", "training"))
    assert finding.message == (
        "4 op edges lead from layers to bookkeeping, which is not part of the model: initialization (1 layer), loss (1 "
        "layer), training (2 layers)."
    )


def test_bookkeeping_is_no_crossing():
    assert in_graph("GD301", TEXT, LAYERS) == []


def test_ops_of_no_layer_are_no_bookkeeping():
    assert in_graph("GD111", "x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul\nlosses_of_mine Sub b/Relu", LAYERS) == []
