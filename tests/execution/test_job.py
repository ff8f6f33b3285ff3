"""The part of a graph that is run."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.context import analyze
from graphdiag.execution.job import NotRunnable, Part
from graphdiag.execution.tensors import Crossing
from graphdiag.graphs.op_graph import from_graph_def, merge
from tests.execution.made import context_of
from tests.support.graph_text import graph_def

TEXT = """
x Feed
y Feed
flag/default Const
flag Flag flag/default
a/abs Abs x
a/switch Switch a/abs flag
b/neg Neg a/switch:1 ^a/abs
b/file WriteFile b/neg
c/data IteratorGetNext
c/abs Abs c/data:1
"""


@pytest.fixture
def part():
    message = graph_def(TEXT)
    message.node[8].attr["output_types"].list.type.extend([1, 9])
    message.node[8].attr["output_shapes"].list.shape.add().dim.add(size=-1)
    message.node[8].attr["output_shapes"].list.shape.add().dim.add(size=5)
    message.node[4].attr["_class"].list.s.append(b"loc:@x")
    message.node[4].device = "/device:GPU:0"
    return Part(context_of(message, ["x", "y"]), message, 0)


def job_for(part, name, slot=0):
    return part.job([Crossing("taker", name, ((part.ops.index[name], slot),))], "inputs", False)


def nodes(job):
    return {node.name: node for node in GraphDef.FromString(job.graph).node}


def test_only_what_is_needed_is_run_and_the_inputs_are_fed_all_the_same(part):
    job = job_for(part, "b/neg")
    types = {name: node.op for name, node in nodes(job).items()}
    assert types == {
        "row_0": "Placeholder",
        "row_1": "Placeholder",
        "row_2": "Const",
        "row_3": "PlaceholderWithDefault",
        "row_4": "Abs",
        "row_5": "Switch",
        "row_6": "Neg",
    }
    assert list(nodes(job)["row_6"].input) == ["row_5:1", "^row_4"]
    assert [fed.called for fed in job.inputs] == ["x", "y"]
    assert job.needed == ("row_0",)
    assert [(fed.called, fed.optional) for fed in job.flags] == [("flag", True)]
    assert nodes(job)["row_4"].device == ""


def test_elements_of_an_iterator_are_fed(part):
    job = job_for(part, "c/abs")
    assert list(nodes(job)["row_9"].input) == ["row_8_1:0"]
    assert [(fed.name, fed.dtype, fed.shape) for fed in job.inputs if fed.name.startswith("row_8")] == [
        ("row_8_0", 1, (-1,)),
        ("row_8_1", 9, (5,)),
    ]


def test_a_variable_of_unknown_shape_cannot_be_made():
    message = graph_def("x Feed\nhandle Handle\nread ReadVariableOp handle\nabs Abs read")
    part = Part(context_of(message, ["x"]), message, 0)
    with pytest.raises(NotRunnable, match="nothing in the graph says what is behind handle"):
        job_for(part, "abs")
    message.node[2].attr["dtype"].type = 1
    part = Part(context_of(message, ["x"]), message, 0)
    with pytest.raises(NotRunnable, match="what shape the variable handle has"):
        job_for(part, "abs")
    message.node[2].attr["_output_shapes"].list.shape.add().dim.add(size=7)
    job = job_for(Part(context_of(message, ["x"]), message, 0), "abs")
    assert [(fed.called, fed.dtype, fed.shape) for fed in job.variables] == [("handle", 1, (7,))]
    assert nodes(job)["row_1"].op == "VarHandleOp"


def test_each_of_several_graphs_is_run_by_itself():
    first, second = graph_def("x Feed\na Abs x"), graph_def("y Feed\nb Abs y\nc Neg b")
    context = analyze(merge([first, second]), None)
    part = Part(context, second, 2)
    assert list(part.rows) == [2, 3, 4]
    job = part.job([Crossing("taker", "c", ((4, 0),))], "inputs", False)
    assert {name: node.op for name, node in nodes(job).items()} == {
        "row_0": "Placeholder",
        "row_1": "Abs",
        "row_2": "Neg",
    }
    assert [fetched.tensors for fetched in job.fetched] == [("row_2:0",)]
    assert from_graph_def(second).names == part.ops.names
