"""``independence``: kept, broken with the shortest chain, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.results.check_report import ContractStatus, Link
from tests.checking.contracts.reports import judged, messages, paths, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on

TOWERS = [["conv1d_0_*", "batchnorm_0_*", "global_max_0"], ["conv1d_1_*", "batchnorm_1_*", "global_max_1"]]


@pytest.mark.parametrize("log", ["keras216_reference", "keras216_reference_fit", "k3_reference_training"])
@pytest.mark.parametrize("graph", ["op", "layer", None])
def test_the_towers_of_the_reference_model_meet_at_the_concatenation_only(log, graph):
    options = {"graph": graph} if graph else {}
    assert judged(report_on(log), "independence", sets=TOWERS, **options).status is ContractStatus.KEPT


def test_the_towers_are_joined_on_screen_by_the_learning_phase():
    outcome = judged(report_on("keras216_reference"), "independence", sets=TOWERS, graph="drawn")
    assert outcome.status is ContractStatus.BROKEN
    assert paths(outcome) == [["batchnorm_0_0", "batchnorm_1_0"]]


def test_a_hidden_dependency_breaks_it_with_the_ops_that_show_it():
    outcome = judged(report_on("keras216_hidden_tensor"), "independence", sets=["gate", ["body", "gated"]])
    assert messages(outcome) == ["gate reaches gated"]
    [violation] = outcome.violations
    assert violation.chain == (
        Link("gate", "gated", known=False, ops=(("gate/Sigmoid", "Sigmoid"), ("gated/mul", "Mul"))),
    )


def test_the_layer_graph_does_not_have_the_hidden_dependency():
    report = report_on("keras216_hidden_tensor")
    assert judged(report, "independence", sets=["gate", ["body", "gated"]], graph="layer").status is ContractStatus.KEPT


def test_it_is_broken_through_layers_in_no_set_by_the_shortest_way():
    edges = [("x", "a"), ("a", "far"), ("far", "farther"), ("farther", "b"), ("a", "near"), ("near", "b"), ("x", "b")]
    outcome = judged(report_of(layers=layer_graph(edges, inputs=["x"])), "independence", sets=["a", "b"])
    assert messages(outcome) == ["a reaches b"]
    assert paths(outcome) == [["a", "near", "b"]]


def test_a_chain_starts_at_the_last_layer_of_its_set_and_passes_through_no_third():
    layers = layer_graph([("a1", "a2"), ("a2", "b"), ("b", "c"), ("a1", "m"), ("m", "c")])
    outcome = judged(report_of(layers=layers), "independence", sets=["a?", "b", "c"])
    assert paths(outcome) == [["a2", "b"], ["a1", "m", "c"], ["b", "c"]]


SHARED = """
x Feed
y Feed
s/MatMul MatMul x
s_1/MatMul MatMul y
a/Relu Relu s/MatMul
b/Relu Relu s_1/MatMul
"""


def test_what_one_tower_gives_a_shared_layer_does_not_come_out_in_the_other():
    layers = layer_graph(
        [("x", "s"), ("y", "s"), ("s", "a"), ("s", "b")], inputs=["x", "y"], calls={"s": 2}, classes={"a": "ReLU"}
    )
    report = report_of(SHARED, layers)
    sets = [["x", "a"], ["y", "b"]]
    assert judged(report, "independence", sets=sets).status is ContractStatus.KEPT
    # The layer graph cannot tell the calls of a layer apart.
    assert paths(judged(report, "independence", sets=sets, graph="layer")) == [["x", "s", "b"], ["y", "s", "a"]]


def test_a_shape_or_a_parameter_breaks_nothing():
    ops = "x Feed\na/Relu Relu x\na/Shape Shape a/Relu\nb/Fill Fill a/Shape x\nb/Relu Relu b/Fill"
    layers = layer_graph([("x", "a"), ("x", "b")], inputs=["x"], classes={"a": "ReLU", "b": "ReLU"})
    assert judged(report_of(ops, layers), "independence", sets=["a", "b"]).status is ContractStatus.KEPT
    assert judged(report_on("keras216_shape_only"), "acyclic").status is ContractStatus.KEPT


def test_an_op_of_no_layer_on_the_way_is_shown():
    ops = "x Feed\na/Relu Relu x\nscaled/mul Mul a/Relu\nb/Relu Relu scaled/mul"
    layers = layer_graph([("x", "a"), ("x", "b")], inputs=["x"], classes={"a": "ReLU", "b": "ReLU"})
    [violation] = judged(report_of(ops, layers), "independence", sets=["a", "b"]).violations
    [link] = violation.chain
    assert [name for name, _ in link.ops] == ["a/Relu", "scaled/mul", "b/Relu"]
    assert not link.known


def test_a_layer_without_ops_takes_its_edges_from_keras():
    ops = "x Feed\na/Relu Relu x\nb/Relu Relu a/Relu"
    layers = layer_graph(
        [("x", "a"), ("a", "drop"), ("drop", "b")], inputs=["x"], classes={"a": "ReLU", "b": "ReLU", "drop": "Dropout"}
    )
    report = report_of(ops, layers)
    assert paths(judged(report, "independence", sets=["a", "drop"])) == [["a", "drop"]]
    assert paths(judged(report, "independence", sets=["drop", "b"])) == [["drop", "b"]]
    assert paths(judged(report, "independence", sets=["x", "drop"])) == [["x", "a", "drop"]]


def test_without_a_layer_graph_scopes_are_layers():
    report = report_of("x Feed\na/Relu Relu x\nb/Relu Relu a/Relu\nc/Relu Relu x")
    assert paths(judged(report, "independence", sets=["a", "b"])) == [["a", "b"]]
    assert judged(report, "independence", sets=["b", "c"]).status is ContractStatus.KEPT


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sets": ["gate", "bodi"]}, "sets[1]: 'bodi' matches nothing; the nearest is 'body'."),
        ({"sets": ["gate", ["g*"]]}, "sets[1]: 'gate' is in sets[0] as well; a layer can be in one of them only."),
        ({"sets": [["class:Dens"], "out"]}, "sets[0]: there is no layer of class 'Dens'; the nearest is 'Dense'."),
    ],
)
def test_sets_that_do_not_fit_the_model(options, reason):
    outcome = judged(report_on("keras216_hidden_tensor"), "independence", **options)
    assert outcome.status is ContractStatus.UNCHECKED
    assert outcome.reason == f"c.toml: {reason}"


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ("op", "c.toml: the source has no op graph."),
        ("drawn", "c.toml: the source has no op graph that TensorBoard draws, so there is no drawn graph."),
    ],
)
def test_a_graph_that_the_source_does_not_have(graph, reason):
    report = report_on("k3_reference_callback")
    outcome = judged(report, "independence", sets=TOWERS, graph=graph)
    assert (outcome.status, outcome.reason) == (ContractStatus.UNCHECKED, reason)
    assert judged(report, "independence", sets=TOWERS).status is ContractStatus.KEPT
