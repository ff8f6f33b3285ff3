"""The graphs of a trace as one graph."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.errors import SourceError
from graphdiag.repairing.joining import join_graphs
from graphdiag.repairing.repair import repair_opened
from graphdiag.sources.opened import Opened, Origin
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph


def calling(body: str) -> GraphDef:
    """A graph that calls a function ``f`` of one op."""
    graph = graph_def("x Feed\ny f x")
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="a")
    function.signature.output_arg.add(name="b")
    function.node_def.add(name="op", op=body, input=["a"])
    function.ret["b"] = "op:y:0"
    return graph


def test_a_function_that_several_graphs_have_is_there_once():
    joined = join_graphs([calling("Neg"), calling("Neg")])
    assert [node.name for node in joined.node] == ["graph_1/x", "graph_1/y", "graph_2/x", "graph_2/y"]
    assert [(node.op, list(node.input)) for node in joined.node if node.input] == [
        ("f", ["graph_1/x"]),
        ("f", ["graph_2/x"]),
    ]
    assert [function.node_def[0].op for function in joined.library.function] == ["Neg"]


def test_different_functions_of_one_name_are_no_one_graph():
    with pytest.raises(SourceError, match="different functions that are called f,"):
        join_graphs([calling("Neg"), calling("Neg"), calling("Abs")])


def test_two_ops_of_one_name_in_one_of_several_graphs():
    graphs = (graph_def("x Feed\ny Neg x"), graph_def("x Feed\nx Feed"))
    opened = Opened(Origin("log", "event_log"), graphs, layer_graph=layer_graph([("x", "y")]))
    with pytest.raises(SourceError, match="two ops are called graph_2/x"):
        repair_opened(opened, opened.layer_graph)


KERNEL = "a Argument\nMatMul MatMul a\nr _Retval MatMul"
TWICE = f"{KERNEL}\na Argument\n_MklMatMul _MklMatMul a\nr _Retval _MklMatMul"


def test_an_op_that_ran_eagerly_and_is_recorded_twice_is_there_once():
    function = graph_def("x Argument\nx/Neg Neg x\ny/Abs Abs x/Neg\nresult _Retval y/Abs")
    opened = Opened(Origin("log", "event_log"), (graph_def(TWICE), function), layer_graph=layer_graph([("x", "y")]))
    repaired = repair_opened(opened, opened.layer_graph)
    assert sorted(name for name in repaired.names if name.startswith("graph_1/")) == [
        "graph_1/MatMul",
        "graph_1/a",
        "graph_1/r",
    ]
    assert repaired.picture is not None
    assert repaired.picture.differences == ()


def test_an_eager_trace_holds_nothing_to_repair():
    opened = Opened(Origin("log", "event_log"), (graph_def(TWICE), graph_def(KERNEL)))
    with pytest.raises(SourceError, match="holds single ops and no model, because the model was called eagerly"):
        repair_opened(opened, layer_graph([("x", "y")]), given=True)
