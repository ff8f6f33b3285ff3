"""``acyclic``: kept, broken with a loop, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, TensorEdge
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, paths, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on


@pytest.mark.parametrize("log", ["keras216_reference", "keras216_siamese", "tfk_nested", "k3_reference_train"])
def test_feed_forward_models(log):
    assert judged(report_on(log), "acyclic").status is ContractStatus.KEPT


def test_tensorboard_draws_a_loop_where_the_model_has_none():
    report = report_on("tf110_series_loop")
    assert judged(report, "acyclic").status is ContractStatus.KEPT
    outcome = judged(report, "acyclic", graph="drawn")
    assert paths(outcome) == [["MatMul_[1-6]", "Relu_[1-6]", "MatMul_[1-6]"]]


def test_the_shortest_loop_of_each_group():
    edges = [("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("d", "y")]
    outcome = judged(report_of(layers=layer_graph(edges)), "acyclic")
    assert messages(outcome) == ["a feeds itself", "d feeds itself"]
    assert paths(outcome) == [["a", "b", "a"], ["d", "e", "d"]]


def test_a_layer_called_on_its_own_output():
    outcome = judged(report_of(layers=layer_graph([("x", "a"), ("a", "a"), ("a", "y")], calls={"a": 2})), "acyclic")
    assert paths(outcome) == [["a", "a"]]


def test_a_layer_called_on_its_own_output_in_the_op_graph():
    ops = "x Feed\ns/Relu Relu x\ns_1/Relu Relu s/Relu\nout/Relu Relu s_1/Relu"
    edges = (("x", "s"), ("s", "s"), ("s", "out"))
    layers = {name: Layer(name, name, "ReLU", calls=2 if name == "s" else 1) for name in ("s", "out")}
    layers = {"x": Layer("x", "x", "InputLayer", is_input=True), **layers}
    tensors = (
        TensorEdge(LayerTensor("x", 0, 0), "s", 0, "0"),
        TensorEdge(LayerTensor("s", 0, 0), "s", 1, "0"),
        TensorEdge(LayerTensor("s", 1, 0), "out", 0, "0"),
    )
    report = report_of(ops, LayerGraph("model", layers, edges, inputs=("x",), tensors=tensors))
    [violation] = judged(report, "acyclic").violations
    assert violation.message == "s feeds itself"
    [link] = violation.chain
    assert link.known
    assert [name for name, _ in link.ops] == ["s/Relu", "s_1/Relu"]


def test_a_loop_in_the_op_graph_shows_its_ops():
    ops = "x Feed\na/MatMul MatMul x\nb/Relu Relu a/MatMul\na/mul Mul b/Relu\nout/Relu Relu a/mul"
    layers = layer_graph([("x", "a"), ("a", "b"), ("a", "out")], inputs=["x"], classes={"b": "ReLU", "out": "ReLU"})
    [violation] = judged(report_of(ops, layers), "acyclic").violations
    there, back = violation.chain
    assert there.known
    assert not back.known
    assert [name for name, _ in back.ops] == ["b/Relu", "a/mul"]


def test_misconfigured():
    with pytest.raises(ConfigError, match=r"^c\.toml: there is no key 'grahp'; the nearest is 'graph'\.$"):
        judged(report_of(layers=layer_graph([("x", "a")])), "acyclic", grahp="op")
