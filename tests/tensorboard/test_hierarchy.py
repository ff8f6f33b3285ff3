from __future__ import annotations

import pytest

from graphdiag.tensorboard import draw
from graphdiag.tensorboard.merge import UndrawableGraphError
from tests.support.drawn import drawn
from tests.support.graph_text import graph_def


def test_every_part_of_a_name_is_a_metanode() -> None:
    nodes = drawn("a/b/c Neg\na/d Neg\ne Neg")["nodes"]
    assert {name: (node["type"], node["parent"], node["cardinality"]) for name, node in nodes.items()} == {
        "__root__": ("meta", None, 3),
        "a": ("meta", "__root__", 2),
        "a/b": ("meta", "a", 1),
        "a/b/c": ("op", "a/b", 1),
        "a/d": ("op", "a", 1),
        "e": ("op", "__root__", 1),
    }


def test_an_edge_is_drawn_where_its_ends_part() -> None:
    edges = drawn("a/b/x Neg\na/b/y Neg a/b/x\na/c/z Neg a/b/x\nd Neg a/b/x")["edges"]
    assert edges == {
        "a/b": [["a/b/x", "a/b/y", 1, 0, 0]],
        "a": [["a/b", "a/c", 1, 0, 0]],
        "__root__": [["a", "d", 1, 0, 0]],
    }


def test_base_edges_of_all_kinds_are_counted() -> None:
    edges = drawn("a/v VariableV2\na/w VariableV2\nb/s Assign a/v a/w ^a/v\nb/t Neg a/w ^a/v")["edges"]
    assert edges["__root__"] == [["a", "b", 3, 2, 1]]


def test_edges_keep_the_order_in_which_they_come_up() -> None:
    graph = draw([graph_def("a Neg\nb Neg\nc Neg b a\nd Neg a c a")])
    assert [(edge.source, edge.target, edge.regular) for edge in graph.edges()] == [
        ("b", "c", 1),
        ("a", "c", 1),
        ("a", "d", 2),
        ("c", "d", 1),
    ]


def test_empty_parts_of_a_name_are_scopes_too() -> None:
    nodes = drawn("a//b Neg\nc/ Neg")["nodes"]
    assert nodes["a//b"]["parent"] == "a/"
    assert nodes["c/"]["parent"] == "c"


def test_an_embedded_op_in_the_place_of_a_scope() -> None:
    # "b" is overlooked when scopes are noted, because "b/z" is the last name; see test_parse.
    with pytest.raises(UndrawableGraphError, match="'b' names both an op and the scope of other ops"):
        draw([graph_def("b Const\na/x Identity b\nb/z Identity a/x")])


def test_a_deep_scope() -> None:
    deep = "/".join(["s"] * 400)
    graph = draw([graph_def(f"x Neg\n{deep} Neg x")])
    assert len(list(graph.ancestors(deep))) == 400
    assert graph.node("s").cardinality == 1
