"""GD301 hidden-dependency."""

from __future__ import annotations

import pytest

from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "gate"), ("gate", "a"), ("a", "b")], inputs=["x"])
TEXT = """
    x Feed
    gate/Sigmoid Sigmoid x
    a/MatMul MatMul gate/Sigmoid
    b/Mul Mul a/MatMul gate/Sigmoid
    b/Shape Shape gate/Sigmoid
"""


def test_a_closure_over_another_layers_tensor():
    [finding] = in_graph("GD301", TEXT, LAYERS)
    assert (finding.verdict, finding.blame, finding.severity) == (Verdict.HIDDEN, Blame.MODEL, Severity.ERROR)
    assert (finding.culprits, finding.edges) == (("gate/Sigmoid",), (("gate", "b"),))
    assert finding.carries == ("activation", "shape")
    # What else the layer asks of the same tensor is the same cause.
    assert {evidence.target for evidence in finding.evidence} == {"b/Mul", "b/Shape"}
    assert finding.message.startswith("1 drawn layer edge from gate/Sigmoid carries activations")


@pytest.mark.parametrize(
    "way",
    [
        "b/Greater Greater gate/Sigmoid gate/Sigmoid\nb/Switch Switch a/MatMul b/Greater",  # a bool
        "ArgMax ArgMax gate/Sigmoid\nb/Cast Cast ArgMax",  # an int, through unowned ops
        "b/Enter Enter gate/Sigmoid",  # into a loop
        "b/Mystery NoSuchOp gate/Sigmoid",  # whatever is not known passes everything on
    ],
)
def test_any_way_in(way):
    text = "\n".join(TEXT.strip().splitlines()[:3]) + f"\nb/Relu Relu a/MatMul\n{way}"
    [finding] = in_graph("GD301", text, LAYERS)
    assert finding.edges == (("gate", "b"),)


@pytest.mark.parametrize("carried", ["Shape", "ZerosLike", "Rank"])
def test_what_depends_on_the_shape_alone_is_not_hidden(carried):
    text = TEXT.replace("b/Mul Mul a/MatMul gate/Sigmoid", f"gate/S {carried} gate/Sigmoid\n b/Mul Mul a/MatMul gate/S")
    assert in_graph("GD301", text, LAYERS) == []


def test_an_edge_of_keras_is_not_hidden():
    layers = layer_graph([("x", "gate"), ("gate", "a"), ("a", "b"), ("gate", "b")], inputs=["x"])
    assert in_graph("GD301", TEXT, layers) == []


def test_without_a_layer_graph_nothing_is_called_hidden():
    assert in_graph("GD301", TEXT, None) == []
