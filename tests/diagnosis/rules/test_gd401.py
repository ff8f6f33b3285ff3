"""GD401 stale-ops."""

from __future__ import annotations

import pytest

from graphdiag.diagnosis.finding import Verdict
from tests.diagnosis.found import in_graph, in_log
from tests.support.layers import layer_graph
from tests.support.reports import report_on

ONE = layer_graph([("x", "h")], inputs=["x"])


def test_another_model_in_the_same_graph():
    [finding] = in_log("GD401", "keras216_two_models_in_one_graph")
    assert finding.culprits == ("dense_1", "batch_normalization_1", "dropout_1", "dense_2")
    # The earlier model owns the learning phase, and so it seems to feed the later one.
    assert {
        ("batch_normalization_1", "batch_normalization_2"),
        ("batch_normalization_1", "dropout_2"),
        ("input_1", "dense_1"),
        ("dense_1", "batch_normalization_1"),
    } <= set(finding.edges)
    assert finding.verdict is Verdict.LEFTOVER
    assert report_on("keras216_two_models_in_one_graph").summary.artifact == 0


def test_a_copy_with_the_same_names():
    [finding] = in_log("GD401", "keras216_two_models_same_names")
    assert finding.culprits == ("h_1", "bn_1", "out_1", "drop_1")
    assert finding.edges == (("bn", "bn_1"), ("bn", "drop_1"))


def test_a_clean_graph_is_the_fix():
    assert in_log("GD401", "keras216_two_models_cleared") == []


def test_what_leads_to_a_layer_is_not_stale():
    text = "x Feed\ny Feed\nother/kernel VariableV2\nother/MatMul MatMul y other/kernel\nh/Add Add x other/MatMul"
    assert in_graph("GD401", text, ONE) == []
    assert len(in_graph("GD401", text.replace("x other/MatMul", "x x"), ONE)) == 1


def test_what_a_function_gives_back_is_not_stale():
    text = "x Argument\ny Argument\nh/Relu Relu x\nother/Relu Relu y\nother/output _Retval other/Relu"
    assert in_graph("GD401", text, ONE) == []


def test_what_updates_a_variable_from_outside_is_not_stale():
    text = """
        x Argument
        count Handle
        y Argument
        h/Relu Relu x
        mean/Sum Sum y
        mean/Add AssignAddVariableOp count mean/Sum
    """
    assert in_graph("GD401", text, ONE) == []


@pytest.mark.parametrize(
    "log",
    [
        "keras216_siamese",  # a template, which gives its variables to the calls
        "keras216_reference_fit",  # losses, metrics and gradients
        "k3_reference_train",
        "keras216_shape_only_dynamic",
        "keras216_dead_layer",  # fed by the model: GD402's
    ],
)
def test_nothing_is_stale(log):
    assert in_log("GD401", log) == []


@pytest.mark.parametrize(("second", "copies"), [("w", []), ("v", [("h_1",)])])
def test_calls_that_read_one_variable_by_ops_of_no_layer_are_not_copies(second, copies):
    text = f"""
        x Argument
        w Handle
        v Handle
        h/Read ReadVariableOp w
        h/Mul Mul x h/Read
        h_1/Read ReadVariableOp {second}
        h_1/Mul Mul h/Mul h_1/Read
    """
    found = in_graph("GD401", text, ONE, {"x": "x", "h/Mul": "h", "h_1/Mul": "h"})
    assert [finding.culprits for finding in found] == copies
