"""The graphs on which contracts hold, and the paths in them."""

from __future__ import annotations

import pytest

from graphdiag.checking.contracts.contract_graph import contract_graph
from graphdiag.errors import ConfigError
from graphdiag.results.document import from_dict
from tests.checking.contracts.reports import report_of
from tests.support.graph_text import LOGS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

NAMES_COLLIDE = {"k3_dropout_collide_training", "keras216_names_collide"}
"""Two layers of one name count as one in Keras's own graph, so it has paths that no tensor takes."""


def reach(graph, layers):
    return {(source, target) for target in layers for source in graph.reaching([target]) if source in layers}


@pytest.mark.parametrize("log", sorted(path.parent.name for path in LOGS.glob("*/model.json")))
def test_paths_on_the_op_graph_are_kerass_and_those_that_are_hidden(log):
    report = report_on(log)
    if report.op_graph is None:
        with pytest.raises(ConfigError, match="the source has no op graph"):
            contract_graph(report, "op")
        return
    layers = report.layer_graph.layers
    on_ops, in_keras = reach(contract_graph(report, "op"), layers), reach(contract_graph(report, "layer"), layers)
    if log not in NAMES_COLLIDE:
        assert in_keras <= on_ops
    hidden = [edge for finding in report.findings if finding.code == "GD301" for edge in finding.edges]
    explained = set(in_keras)
    for source, target in hidden:
        before = {left for left, right in in_keras if right == source} | {source}
        after = {right for left, right in in_keras if left == target} | {target}
        explained |= {(left, right) for left in before for right in after}
    assert on_ops <= explained


def test_the_path_through_the_fewest_layers_then_the_fewest_ops():
    ops = """
        x Feed
        a/Relu Relu x
        b/Relu Relu a/Relu
        c/Long1 Relu a/Relu
        c/Long2 Relu c/Long1
        c/Long3 Relu c/Long2
        d/Relu Relu b/Relu
        e/Add AddV2 d/Relu c/Long3
    """
    layers = layer_graph([("x", "a"), ("a", "b"), ("a", "c"), ("b", "d"), ("d", "e"), ("c", "e")], inputs=["x"])
    [path] = contract_graph(report_of(ops, layers)).paths(["a"], ["e"])
    assert [link.target for link in path] == ["c", "e"]
    assert [name for name, _ in path[1].ops] == ["c/Long3", "e/Add"]


def test_a_saved_report_knows_its_layers_only():
    saved = from_dict(report_on("keras216_hidden_tensor").to_dict())
    assert ("x", "body") in contract_graph(saved, "layer").direct
    with pytest.raises(ConfigError, match="a saved report does not say what flows from op to op"):
        contract_graph(saved)
