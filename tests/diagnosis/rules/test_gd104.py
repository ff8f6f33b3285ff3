"""GD104 control-only."""

from __future__ import annotations

from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
TEXT = """
    x Feed
    a/MatMul MatMul x
    a/Assert Assert a/MatMul
    b/Relu Relu a/MatMul
    c/Relu Relu b/Relu ^a/Assert
    c/Neg Neg c/Relu ^a/MatMul
"""


def test_one_layer_waits_for_another():
    [finding] = in_graph("GD104", TEXT, LAYERS)
    assert (finding.edges, finding.carries) == ((("a", "c"),), ("control",))
    assert finding.culprits == ("a/Assert", "a/MatMul")
    assert all(evidence.control and evidence.output == -1 for evidence in finding.evidence)
    assert finding.message.startswith("1 drawn layer edge is a control dependency only")


def test_a_tensor_beside_it_is_no_control_dependency():
    text = TEXT.replace("c/Neg Neg c/Relu", "c/Neg Add c/Relu a/MatMul")
    [finding] = in_graph("GD301", text, LAYERS)
    assert finding.edges == (("a", "c"),)


def test_waiting_for_a_branch_tells_its_predicate():
    # TensorFlow 1 makes ops of a branch wait for the switch: whether they run tells what the predicate was.
    text = """
        x Feed
        a/Less Less x x
        a/Switch Switch x a/Less
        a/switch_t Identity a/Switch:1
        b/Relu Relu x
        c/one Const ^a/switch_t
        c/Add Add b/Relu c/one
    """
    layers = layer_graph([("x", "a"), ("x", "b"), ("b", "c")], inputs=["x"])
    assert in_graph("GD104", text, layers) == []
    [finding] = in_graph("GD301", text, layers)
    assert finding.edges == (("a", "c"),)


def test_what_waits_through_a_noop_beside_the_graph_is_not_drawn():
    # TensorBoard takes every NoOp at the root out of the layout: no arrow leads from a to c.
    text = """
        x Feed
        a/MatMul MatMul x
        a/Assert Assert a/MatMul
        b/Relu Relu a/MatMul
        NoOp NoOp ^a/Assert ^b/Relu
        c/Relu Relu b/Relu
        c/Identity Identity c/Relu ^NoOp
    """
    assert in_graph("GD104", text, LAYERS) == []
    [finding] = in_graph("GD104", text.replace("NoOp NoOp", "late/NoOp NoOp").replace("^NoOp", "^late/NoOp"), LAYERS)
    assert finding.edges == (("a", "c"),)


def test_a_branch_behind_a_noop_tells_its_predicate():
    text = """
        x Feed
        a/Less Less x x
        a/Switch Switch x a/Less
        a/switch_t Identity a/Switch:1
        b/Relu Relu x
        NoOp NoOp ^a/switch_t
        c/one Const ^NoOp
        c/Add Add b/Relu c/one
    """
    layers = layer_graph([("x", "a"), ("x", "b"), ("b", "c")], inputs=["x"])
    [finding] = in_graph("GD301", text, layers)
    assert finding.edges == (("a", "c"),)
