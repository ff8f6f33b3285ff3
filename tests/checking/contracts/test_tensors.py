"""Contracts stand on the tensors that Keras gives: layers that hand their input on, shared layers, calls."""

from __future__ import annotations

import pytest

from graphdiag import compare
from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, TensorEdge
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, paths, report_of
from tests.support.graph_text import FIXTURES
from tests.support.layers import layer_graph

REGULARIZED = "x Feed\nh/MatMul MatMul x\nreg/Mean Mean h/MatMul\nout/MatMul MatMul h/MatMul"


@pytest.fixture
def regularized():
    edges = [("x", "h"), ("h", "reg"), ("reg", "out")]
    layers = layer_graph(edges, inputs=["x"], classes={"reg": "Mine"}, outputs=["out"])
    return report_of(REGULARIZED, layers)


def test_a_path_leads_through_a_layer_that_hands_on_its_input(regularized):
    for options in ({"edges": [["h", "reg"], ["reg", "out"]]}, {"path": ["x", "reg", "out"]}):
        assert judged(regularized, "required", graph="op", **options).status is ContractStatus.KEPT
    outcome = judged(regularized, "independence", sets=["reg", "out"])
    assert paths(outcome) == [["reg", "out"]]


def test_a_layer_that_hands_on_its_input_reaches_an_output(regularized):
    assert judged(regularized, "reachable").status is ContractStatus.KEPT


def test_a_layer_that_computes_and_is_not_used_does_not():
    edges = [("x", "h"), ("h", "reg"), ("reg", "out")]
    report = report_of(REGULARIZED, layer_graph(edges, inputs=["x"], outputs=["out"]))
    assert judged(report, "required", graph="op", edges=[["reg", "out"]]).status is ContractStatus.BROKEN


def test_the_layer_graph_tells_the_calls_of_a_shared_layer_apart():
    names = ["x", "y", "s", "a", "b"]
    layers = {name: Layer(name, name, "Dense", calls=2 if name == "s" else 1) for name in names}
    tensors = (
        TensorEdge(LayerTensor("x", 0, 0), "s", 0, "0"),
        TensorEdge(LayerTensor("y", 0, 0), "s", 1, "0"),
        TensorEdge(LayerTensor("s", 0, 0), "a", 0, "0"),
        TensorEdge(LayerTensor("s", 1, 0), "b", 0, "0"),
    )
    edges = (("x", "s"), ("y", "s"), ("s", "a"), ("s", "b"))
    report = report_of(layers=LayerGraph("model", layers, edges, tensors=tensors))
    sets = [["x", "a"], ["y", "b"]]
    assert judged(report, "independence", sets=sets, graph="layer").status is ContractStatus.KEPT
    outcome = judged(report, "independence", sets=["x", "a"], graph="layer")
    assert paths(outcome) == [["x", "s", "a"]]


def test_a_layer_that_two_models_have_counts_once():
    report = compare(FIXTURES / "models" / "layer_in_two_models_keras3.py")
    weights = {"norm": 16, "normed": 16, "dense_left": 20, "dense_right": 20, "hidden": 20, "head": 10}
    exact = {"parameters": sum(weights.values()), "class:BatchNormalization": 2}
    assert judged(report, "budget", max=exact, min=exact).status is ContractStatus.KEPT
    assert judged(report, "shared", shared=["left/norm", "right/norm"]).status is ContractStatus.KEPT
    assert messages(judged(report, "shared", separate="left/norm")) == ["left/norm is used 2 times"]


def test_a_loop_that_closes_in_the_next_call_is_one_where_that_is_asked_for():
    report = compare(FIXTURES / "models" / "next_call_keras3.py")
    assert judged(report, "acyclic").status is ContractStatus.KEPT
    outcome = judged(report, "acyclic", next_call=True)
    assert messages(outcome) == ["read feeds itself"]
    assert paths(outcome) == [["read", "mid", "write", "read"]]
    # What arrives in the next call depends on it all the same.
    assert judged(report, "independence", sets=["write", "read"]).status is ContractStatus.BROKEN
    assert judged(report, "required", graph="op", path=["write", "read"]).status is ContractStatus.BROKEN
