"""GD108 misplaced-ops."""

from __future__ import annotations

import pytest

from graphdiag.diagnosis.finding import Blame
from tests.diagnosis.found import in_graph, in_log
from tests.support.layers import layer_graph

CHAIN = layer_graph([("x", "first"), ("first", "second")], inputs=["x"])


def test_raw_ops_outside_of_the_group_of_their_layers():
    [finding] = in_log("GD108", "tf22_tf39398")
    assert finding.culprits == ("AddV2", "AddV2_1")
    assert finding.edges == (("Model", "AddV2"), ("Model", "AddV2_1"))
    assert finding.blame is Blame.KERAS


def test_a_layer_with_a_name_in_the_group_is_the_fix():
    assert in_log("GD108", "tf22_add_in_group") == []


def test_variables_in_the_box_of_the_layer_before():
    findings = in_log("GD108", "tf110_layers_apart")
    assert [finding.culprits for finding in findings] == [
        (f"{box}/kernel", f"{box}/bias") for box in ("dense", "dense_1", "dense_2")
    ]
    assert [finding.edges for finding in findings] == [
        (("dense", "dense_1"),),
        (("dense_1", "dense_2"),),
        (("dense_2", "dense_3"),),
    ]
    assert {finding.blame for finding in findings} == {Blame.TENSORFLOW}


def test_names_of_their_own_are_the_fix():
    assert in_log("GD108", "tf110_layers_named") == []


def test_layers_in_the_box_of_a_layer_with_whose_name_theirs_begin():
    findings = in_log("GD108", "keras216_slash_names")
    assert [finding.edges for finding in findings] == [
        (("conv1/conv", "conv1"), ("conv1/bn", "conv1"), ("conv1/relu", "conv1")),
        (("block/1/conv", "block"), ("block/1/bn", "block"), ("block/1", "block")),
        (("pool/gap", "pool"), ("pool/fc", "pool")),
    ]
    assert findings[0].culprits == ("conv1/conv", "conv1/bn", "conv1/relu")


def test_a_scope_that_is_entered_again():
    text = "x Feed\nfirst/MatMul MatMul x\nfirst/Mul Mul first/MatMul\nsecond/Add Add first/Mul"
    owners = {"x": "x", "first/MatMul": "first", "first/Mul": "second", "second/Add": "second"}
    [finding] = in_graph("GD108", text, CHAIN, owners)
    assert (finding.culprits, finding.edges) == (("first/Mul",), (("second", "first"),))
    assert finding.blame is Blame.MODEL


def test_a_layer_that_is_called_inside_another():
    text = "x Feed\nfirst/MatMul MatMul x\nsecond/first/MatMul MatMul first/MatMul\nsecond/Add Add second/first/MatMul"
    owners = {"x": "x", "first/MatMul": "first", "second/first/MatMul": "first", "second/Add": "second"}
    [finding] = in_graph("GD108", text, CHAIN, owners)
    assert (finding.culprits, finding.edges) == (("second/first",), (("first", "second"),))


def test_a_later_call_that_has_the_name_of_another_layer_is_at_home():
    layers = layer_graph([("x", "dense"), ("dense", "dense_1")], inputs=["x"], calls={"dense": 2})
    text = "x Feed\ndense/MatMul MatMul x\ndense_1/MatMul MatMul dense/MatMul\ndense_1_1/MatMul MatMul dense_1/MatMul"
    owners = {"x": "x", "dense/MatMul": "dense", "dense_1/MatMul": "dense", "dense_1_1/MatMul": "dense_1"}
    assert in_graph("GD108", text, layers, owners) == []


@pytest.mark.parametrize(
    "log",
    [
        "keras216_reference",  # the learning phase lies in the box of the layer that asked for it: GD101's
        "keras216_names_collide",
        "keras216_siamese",
        "tfk_nested",
        "tf110_mnist_171",  # optimizers' slots lie in the boxes of their variables
        "tf110_shared_scope_9545",
    ],
)
def test_everything_is_where_it_belongs(log):
    assert in_log("GD108", log) == []
