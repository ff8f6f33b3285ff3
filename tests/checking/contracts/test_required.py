"""``required``: kept, broken, and misconfigured."""

from __future__ import annotations

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on

EDGES = [("x", "a_1"), ("a_1", "b"), ("b", "add"), ("x", "add"), ("add", "out")]


@pytest.fixture
def residual():
    return report_of(layers=layer_graph(EDGES, inputs=["x"]))


def test_edges_and_a_path_that_exist(residual):
    options = {"edges": [["x", "add"], ["a_*", "b"]], "path": ["x", "b", "out"]}
    assert judged(residual, "required", **options).status is ContractStatus.KEPT


def test_a_lost_skip_connection_is_named_with_what_is_there_instead(residual):
    outcome = judged(residual, "required", edges=[["a_*", "add"]])
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == ["there is no edge a_* -> add; add takes its input from b, x"]


def test_each_layer_of_a_path_reaches_the_next(residual):
    outcome = judged(residual, "required", path=["x", "add", "b"])
    assert messages(outcome) == ["add does not reach b; b takes its input from a_1"]


def test_of_several_layers_one_pair_is_enough(residual):
    assert judged(residual, "required", edges=[["*", "out"]]).status is ContractStatus.KEPT


def test_what_keras_does_not_know_is_no_edge_unless_the_op_graph_is_meant():
    report = report_on("keras216_hidden_tensor")
    edges = [["gate", "gated"]]
    assert judged(report, "required", edges=edges).status is ContractStatus.BROKEN
    assert judged(report, "required", edges=edges, graph="op").status is ContractStatus.KEPT


def test_an_edge_that_only_keras_has_is_not_there_on_the_op_graph():
    ops = "x Feed\na/Relu Relu x\nb/Relu Relu x"
    layers = layer_graph([("x", "a"), ("a", "b")], inputs=["x"], classes={"a": "ReLU", "b": "ReLU"})
    report = report_of(ops, layers)
    for options in ({"edges": [["a", "b"]]}, {"path": ["a", "b"]}):
        assert judged(report, "required", **options).status is ContractStatus.KEPT
        assert judged(report, "required", graph="op", **options).status is ContractStatus.BROKEN
    # Where it must not be, it is taken to be there.
    assert judged(report, "independence", sets=["a", "b"]).status is ContractStatus.BROKEN


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "c.toml: one of the keys 'edges' and 'path' is needed."),
        ({"edges": [["x"]]}, "c.toml: edges[0]: must have at least 2 entries."),
        (
            {"edges": [["x", "a_1", "b"]]},
            "c.toml: edges[0]: must have two entries: from, to. A longer way is a 'path'.",
        ),
        ({"edges": "x"}, "c.toml: edges: must be a list, and is 'x'."),
        ({"path": ["x"]}, "c.toml: path: must have at least 2 entries."),
    ],
)
def test_options_of_the_wrong_form(residual, options, message):
    with pytest.raises(ConfigError) as caught:
        judged(residual, "required", **options)
    assert str(caught.value) == message


def test_a_layer_that_is_not_there(residual):
    outcome = judged(residual, "required", edges=[["x", "ad"]])
    assert outcome.reason == "c.toml: edges[0][1]: 'ad' matches nothing; the nearest is 'add'."
