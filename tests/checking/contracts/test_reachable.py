"""``reachable``: kept, broken, and misconfigured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphdiag.errors import ConfigError
from graphdiag.results.check_report import ContractStatus
from tests.checking.contracts.reports import judged, messages, report_of
from tests.support.layers import layer_graph
from tests.support.reports import report_on

OPS = "x Feed\ny Feed\na/Relu Relu x\nb/Relu Relu a/Relu\nside/Relu Relu a/Relu"
CLASSES = {"a": "ReLU", "b": "ReLU", "side": "ReLU"}


def layers(*edges, outputs=("b",)):
    return replace(layer_graph(edges, inputs=["x", "y"], classes=CLASSES), outputs=outputs)


@pytest.mark.parametrize(
    "log", ["keras216_reference", "k3_augmentation_inference", "k3_siamese_training", "tfk_nested"]
)
@pytest.mark.parametrize("graph", ["op", "layer"])
def test_models_without_dead_ends(log, graph):
    assert judged(report_on(log), "reachable", graph=graph).status is ContractStatus.KEPT


@pytest.mark.parametrize("graph", ["op", "layer"])
def test_dead_ends_and_unused_inputs(graph):
    report = report_of(OPS, layers(("x", "a"), ("a", "b"), ("a", "side"), ("y", "side")))
    outcome = judged(report, "reachable", graph=graph)
    assert outcome.status is ContractStatus.BROKEN
    assert messages(outcome) == ["side reaches no output", "the input y is not used"]


def test_a_path_that_only_the_op_graph_has():
    ops = f"{OPS}\nadd/add AddV2 b/Relu side/Relu y"
    graph = layers(("x", "a"), ("a", "b"), ("a", "side"), ("y", "add"), ("b", "add"), outputs=("add",))
    report = report_of(ops, graph)
    assert judged(report, "reachable").status is ContractStatus.KEPT
    assert messages(judged(report, "reachable", graph="layer")) == ["side reaches no output"]


def test_outputs_that_are_not_known():
    outcome = judged(report_of(layers=layer_graph([("x", "a")])), "reachable")
    assert outcome.reason == "c.toml: the source does not say which layers give the model's outputs."


def test_misconfigured():
    with pytest.raises(ConfigError, match=r"^c\.toml: graph: must be one of layer, op, and is 'drawn'\.$"):
        judged(report_of(layers=layer_graph([("x", "a")])), "reachable", graph="drawn")
