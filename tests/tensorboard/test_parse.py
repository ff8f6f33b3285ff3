from __future__ import annotations

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.errors import SourceError
from graphdiag.tensorboard import draw
from graphdiag.tensorboard.merge import UndrawableGraphError
from graphdiag.tensorboard.parse import EmptyGraphError
from tests.support.drawn import drawn
from tests.support.graph_text import graph_def


def names(text: str) -> list[str]:
    return [name for name, node in drawn(text)["nodes"].items() if node["type"] == "op"]


def test_an_op_that_is_also_a_scope_is_renamed() -> None:
    document = drawn("a/b Neg\na/b/c Neg a/b\na/bc Neg a/b")
    assert document["nodes"]["a/b"]["type"] == "meta"
    assert document["edges"] == {
        "a": [["a/b", "a/bc", 1, 0, 0]],
        "a/b": [["a/b/(b)", "a/b/c", 1, 0, 0]],
    }


def test_names_between_an_op_and_its_scope_do_not_hide_it() -> None:
    # "a-b" and "a.b" stand between "a" and "a/b" in the order of characters.
    assert names("a Neg\na-b Neg\na.b Neg\na/b Neg") == ["a-b", "a.b", "a/(a)", "a/b"]


def test_an_embedded_op_makes_no_scope() -> None:
    assert names("a Neg a/c\na/c Const") == ["a", "a/c"]


def test_an_embedded_op_that_is_also_a_scope_is_renamed() -> None:
    nodes = drawn("a Const\na/b Neg a\na/c Neg a")["nodes"]
    assert nodes["a/(a)"] == {"type": "op", "parent": "a/c", "cardinality": 1, "op": "Const"}


def test_the_scope_of_the_last_name_alone_is_overlooked_for_an_embedded_op() -> None:
    # TensorBoard notes no scopes for the last name in sorted order.
    nodes = drawn("zz Const\na Neg\nzz/last Neg zz")["nodes"]
    assert "zz/(zz)" not in nodes
    assert nodes["zz"]["type"] == "op"


def test_a_function_becomes_a_scope_of_the_library() -> None:
    graph = graph_def("x Placeholder")
    function = graph.library.function.add()
    function.signature.name = "half"
    function.signature.input_arg.add(name="value")
    function.node_def.add(name="two", op="Const")
    function.node_def.add(name="out", op="Div", input=["value", "two:output:0"])
    document = draw([graph]).to_dict()
    scope = "__function_library__half"
    assert document["nodes"][scope] == {"type": "meta", "parent": "__root__", "cardinality": 3, "op": None}
    assert document["nodes"][f"{scope}/({scope})"]["op"] is None
    assert document["nodes"][f"{scope}/value"]["op"] == "input_arg"
    assert document["nodes"][f"{scope}/two"]["parent"] == f"{scope}/out"
    assert document["edges"] == {scope: [[f"{scope}/value", f"{scope}/out", 1, 0, 0]]}
    assert document["root"]["core"] == ["x"]
    assert document["root"]["library"] == [scope]


def test_integers_come_first() -> None:
    assert drawn("b Neg\n10 Neg\n9 Neg\n007 Neg\n4294967295 Neg")["root"]["core"] == [
        "9",
        "10",
        "b",
        "007",
        "4294967295",
    ]


@pytest.mark.parametrize("graphs", [[], [GraphDef()], [GraphDef(), GraphDef()]])
def test_a_graph_without_ops_is_empty(graphs: list[GraphDef]) -> None:
    with pytest.raises(EmptyGraphError, match="The graph is empty"):
        draw(graphs)


def test_functions_alone_make_no_graph() -> None:
    graph = GraphDef()
    graph.library.function.add().signature.name = "f"
    with pytest.raises(EmptyGraphError):
        draw([graph])


@pytest.mark.parametrize(
    "text",
    [
        "constructor Neg",
        "toString/a Neg",
        "a Neg valueOf",
        "a constructor",
        "s ScalarSummary hasOwnProperty\na Neg",
        "toString ScalarSummary\na Neg toString",
        "/a Neg",
    ],
)
def test_names_on_which_tensorboard_fails(text: str) -> None:
    with pytest.raises(UndrawableGraphError) as caught:
        draw([graph_def(text)])
    assert isinstance(caught.value, SourceError)
    assert str(caught.value).startswith("TensorBoard fails on this graph: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a/constructor Neg", "constructor Const\na Neg constructor", "a Neg b/toString"])
def test_names_on_which_it_does_not(text: str) -> None:
    assert len(draw([graph_def(text)])) > 1


def test_an_op_without_a_name() -> None:
    graph = GraphDef()
    graph.node.add(op="Neg")
    with pytest.raises(UndrawableGraphError, match="without a name"):
        draw([graph])
