"""Which tensor an op edge is about."""

from __future__ import annotations

import pytest

from graphdiag import compare
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.finding import Evidence
from graphdiag.execution.tensors import ALL_OUTPUTS, Tensors
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import LOGS, graph_def
from tests.support.layers import layer_graph

TEXT = """
x Feed
a/split Split x
a/abs Abs a/split:1
b/abs Abs a/split:1
b/shape Shape a/abs
between Abs a/split
b/neg Neg between
handle Handle
a/read ReadVariableOp handle
b/call PartitionedCall handle
"""


@pytest.fixture(scope="module")
def context():
    return analyze(from_graph_def(graph_def(TEXT)), layer_graph([("x", "a"), ("a", "b")], inputs=["x"]))


def on(context, source, target, target_type="Abs", output=0, through=(), control=False):
    found = Tensors(context).on(Evidence(source, "", target, target_type, output, control, through))
    return found, [(context.ops.names[row], slot) for row, slot in found.outputs]


def test_a_direct_edge_is_about_the_tensor_on_it(context):
    found, outputs = on(context, "a/split", "b/abs", output=1)
    assert (found.taker, outputs, found.writers) == ("b", [("a/split", 1)], ())


def test_what_arrives_is_looked_at_not_what_sets_out(context):
    _, outputs = on(context, "a/split", "b/neg", "Neg", through=("between",))
    assert outputs == [("between", 0)]


def test_what_only_measures_is_judged_by_what_it_gives(context):
    _, outputs = on(context, "a/abs", "b/shape", "Shape")
    assert outputs == [("b/shape", ALL_OUTPUTS)]


def test_a_handle_is_judged_by_what_is_read_with_it(context):
    _, outputs = on(context, "handle", "a/read", "ReadVariableOp")
    assert outputs == [("a/read", ALL_OUTPUTS)]
    found, outputs = on(context, "handle", "b/call", "PartitionedCall")
    assert outputs == []
    assert found.reason == "handle is a handle, and b/call does more than read what is behind it"


def test_a_control_dependency_has_no_tensor(context):
    found, _ = on(context, "a/abs", "b/neg", "Neg", output=-1, control=True)
    assert found.reason == "a control dependency carries no tensor to compare"


def test_an_op_that_is_not_there_is_named(context):
    found, _ = on(context, "a/abs", "gone")
    assert found.reason == "the graph has no op gone"


def test_what_is_stored_is_looked_at_where_it_is_read():
    report = compare(LOGS / "keras216_hidden_assign", model=LOGS / "keras216_hidden_assign" / "model.json")
    [finding] = [finding for finding in report.findings if finding.code == "GD301"]
    names = report.op_graph.names
    found = Tensors(report.context).on(finding.evidence[0])
    assert [names[row] for row, _ in found.outputs] == ["shared_state/read"]
    assert [names[row] for row in found.writers] == ["writer/Assign"]


def test_no_tensor_is_taken_out_of_a_loop():
    report = compare(LOGS / "keras216_hidden_in_loop", model=LOGS / "keras216_hidden_in_loop" / "model.json")
    tensors = Tensors(report.context)
    ops = report.op_graph
    inside = next(row for row, op_type in enumerate(ops.types) if op_type == "LoopCond")
    edge = next(edge for edge, row in enumerate(ops.source.tolist()) if ops.types[row] == "Exit")
    after, taker = int(ops.source[edge]), int(ops.target[edge])
    within = tensors.on(Evidence(ops.names[inside], "LoopCond", ops.names[inside + 1], "Switch", 0, False))
    assert "is inside a loop" in within.reason
    outside = tensors.on(Evidence(ops.names[after], "Exit", ops.names[taker], ops.types[taker], 0, False))
    assert outside.reason == ""
