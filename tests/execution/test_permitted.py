"""What is never run, and what hangs on it."""

from __future__ import annotations

import re

import pytest

from graphdiag.diagnosis.dataflow.op_specs import Kind, op_specs
from graphdiag.execution.permitted import refused_rows
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import graph_def

TOUCHES = re.compile("Save|Restore|File|Py|Send|Recv|Dataset|Reader|Iterator|Record|Infeed|Outfeed|Queue|Barrier|Debug")
"""Names of what touches the world outside."""
HARMLESS = {"DebugGradientIdentity", "DebugGradientRefIdentity", "ShardedFilename", "ShardedFilespec"}
"""They only sound like it: the first two hand on their input, the others make up a name."""


def refused(text, *replaced):
    ops = from_graph_def(graph_def(text))
    found = refused_rows(ops, {ops.index[name] for name in replaced})
    return {ops.names[row]: reason for row, reason in found.items()}


@pytest.mark.parametrize("op_type", sorted(name for name in op_specs().keys() - HARMLESS if TOUCHES.search(name)))
def test_ops_that_touch_the_world_are_refused(op_type):
    assert refused(f"a {op_type}") == {"a": f"run {op_type}"}


@pytest.mark.parametrize(
    "op_type", ["WriteSummary", "CreateSummaryFileWriter", "MergeV2Checkpoints", "ImmutableConst", "Abort", "Skipgram"]
)
def test_others_that_do_are_refused_too(op_type):
    assert refused(f"a {op_type}") == {"a": f"run {op_type}"}


def test_what_is_not_known_is_refused():
    assert refused("a LaunchRockets") == {"a": "run LaunchRockets, of which is not known what it does"}


def test_all_that_follows_is_refused_and_nothing_before():
    text = "x Feed\na Abs x\nb PyFunc a\nc Abs b\nd Abs x ^c\ne Abs a"
    assert refused(text) == dict.fromkeys("bcd", "run PyFunc")


def test_what_is_fed_does_not_run():
    text = "b IteratorGetNext\nc Abs b\nd Abs c"
    assert refused(text, "b") == {}
    assert refused(text, "c") == {"b": "run IteratorGetNext"}


def test_an_input_that_is_not_there_is_named():
    assert refused("a Abs gone") == {"a": "need gone, which it does not hold"}


def test_functions_are_looked_into():
    graph = graph_def("x Feed\na PartitionedCall x\nb Abs a\nc PartitionedCall x")
    graph.node[1].attr["f"].func.name = "outer"
    graph.node[3].attr["f"].func.name = "harmless"
    for name, callee in (("outer", "inner"), ("inner", ""), ("harmless", "")):
        function = graph.library.function.add()
        function.signature.name = name
        if callee:
            function.node_def.add(name="call", op="PartitionedCall").attr["f"].func.name = callee
        else:
            function.node_def.add(name="op", op="WriteFile" if name == "inner" else "Abs")
    ops = from_graph_def(graph)
    assert refused_rows(ops, set()) == {1: "run WriteFile", 2: "run WriteFile"}


def test_a_function_that_is_not_there_is_named():
    graph = graph_def("a PartitionedCall")
    graph.node[0].attr["f"].func.name = "gone"
    assert refused_rows(from_graph_def(graph), set()) == {0: "call gone, which it does not hold"}


@pytest.mark.parametrize(("stream", "allowed"), [("stderr", True), ("log(info)", True), ("file:///tmp/x", False)])
def test_printing_to_a_file_is_refused(stream, allowed):
    graph = graph_def("a PrintV2")
    graph.node[0].attr["output_stream"].s = stream.encode()
    assert (refused_rows(from_graph_def(graph), set()) == {}) is allowed


def test_layers_ops_are_allowed():
    harmless = {Kind.COMPUTES, Kind.READS, Kind.RANDOM, Kind.SHAPE_OF, Kind.SHAPED_CONSTANT, Kind.MERGES, Kind.SWITCHES}
    layers = "Conv2D MatMul FusedBatchNorm Relu Switch Merge VariableV2 VarHandleOp ReadVariableOp TensorArrayWriteV3"
    assert refused("\n".join(f"op{number} {op_type}" for number, op_type in enumerate(layers.split()))) == {}
    assert {op_specs()["Conv2D"].kind, op_specs()["Switch"].kind} <= harmless
