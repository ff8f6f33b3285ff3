"""Calls of library functions. That the whole picture is TensorBoard's own is shown by test_museum."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.tensorboard import draw
from graphdiag.tensorboard.merge import UndrawableGraphError
from tests.support.drawn import recorded
from tests.support.graph_text import graph_def


def with_function(text: str, body: str, arguments: str = "value", results: str = "out") -> GraphDef:
    graph = graph_def(text)
    function = graph.library.function.add()
    function.signature.name = "call"
    for argument in arguments.split():
        function.signature.input_arg.add(name=argument)
    for result in results.split():
        function.signature.output_arg.add(name=result)
    function.node_def.extend(graph_def(body).node)
    return graph


def test_a_call_becomes_a_copy_of_the_function() -> None:
    drawn = draw([with_function("x Placeholder\ny call x\nz Neg y", "a/b Neg value\nout Neg a/b")])
    assert drawn.node("y").type == "meta"
    assert drawn.node("y").cardinality == 4
    assert drawn.children("y") == ["y/(__function_library__call)", "y/value", "y/a", "y/out"]
    assert [(edge.source, edge.target) for edge in drawn.edges("y")] == [("y/value", "y/a"), ("y/a", "y/out")]
    assert drawn.names[drawn.op_rows[1]] == "y"


def test_only_the_op_type_makes_a_call() -> None:
    graph = with_function("x Placeholder\ny PartitionedCall x", "out Neg value")
    graph.node[1].attr["f"].func.name = "call"
    assert draw([graph]).node("y").type == "op"


def test_in_a_copy_constants_stand_beside_the_op_that_held_them() -> None:
    drawn = draw([with_function("x Placeholder\ny call x", "two Const\nout Mul value two")])
    assert drawn.node("y/two").parent == "y"
    assert drawn.node("__function_library__call/two").parent == "__function_library__call/out"


def test_a_call_in_a_scope_waits_until_an_edge_comes_from_it() -> None:
    quiet = draw([with_function("x Placeholder\nscope/y call x", "out Neg value")])
    assert quiet.node("scope/y").type == "op"
    read = draw([with_function("x Placeholder\nscope/y call x\nz Neg scope/y", "out Neg value")])
    assert read.node("scope/y").type == "meta"


def test_series_are_missing_in_a_copy_and_edges_to_them_run_backwards() -> None:
    graph, _ = recorded("function_with_series")
    drawn = draw([graph])
    assert drawn.children("__function_library__steps")[-1] == "__function_library__steps/Relu_[1-5]"
    assert "call/Relu_[1-5]" not in drawn
    assert drawn.ghosts == {"call/Relu_[1-5]"}
    assert [(edge.source, edge.target) for edge in drawn.edges("call")] == [
        ("call/Relu_[1-5]", "call/value"),
        ("call/Relu_[1-5]", "call/y"),
    ]
    assert "call/Relu_[1-5]" not in drawn.to_dict()["nodes"]


def test_a_result_that_is_a_call_is_opened_too() -> None:
    graph, theirs = recorded("nested_functions")
    assert theirs["nodes"]["outer_call/inner_call"]["type"] == "meta"
    assert draw([graph]).node("outer_call/inner_call/d").parent == "outer_call/inner_call"


@pytest.mark.parametrize("call", ["y call", "y call gone", "y call ^x"])
def test_a_call_without_an_edge_into_its_argument(call: str) -> None:
    with pytest.raises(UndrawableGraphError, match="cannot connect the call 'y'"):
        draw([with_function(f"x Placeholder\n{call}", "out Neg value")])


def test_a_result_that_the_function_does_not_have() -> None:
    with pytest.raises(UndrawableGraphError, match="cannot connect the call 'y'"):
        draw([with_function("x Placeholder\ny call x\nz Neg y:1", "out Neg value")])


def test_a_function_that_ends_in_itself() -> None:
    with pytest.raises(UndrawableGraphError, match="has no end"):
        draw([with_function("x Placeholder\ny call x\nz Neg y", "out call value\nq Neg out")])


def test_an_op_without_a_type_beside_a_function_whose_name_begins_with_a_slash() -> None:
    graph = with_function("x Placeholder", "again /call", results="")
    graph.library.function[0].signature.name = "/call"
    graph.node.add(name="untyped")
    with pytest.raises(UndrawableGraphError, match="cannot connect the call 'untyped'"):
        draw([graph])
