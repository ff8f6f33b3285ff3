from __future__ import annotations

import json

import pytest

from graphdiag.graphs.drawn_graph import DrawnGraph, DrawnNode, Metaedge
from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw
from tests.support.graph_text import LOGS, graph_def


@pytest.fixture(scope="module")
def reference() -> DrawnGraph:
    return draw(open_event_log(LOGS / "keras216_reference_fit").graph_defs)


@pytest.fixture
def small() -> DrawnGraph:
    return draw([graph_def("x Placeholder\na/b Relu x c ^x\nc Const\na/d Neg a/b\ndone NoOp ^a/d")])


def test_nodes(small: DrawnGraph) -> None:
    assert small.node("a/b") == DrawnNode("a/b", "op", "a", 1, "Relu")
    assert small.node("a") == DrawnNode("a", "meta", "__root__", 2, None)
    assert small.node("__root__").parent is None
    assert small.node("c").parent == "a/b"
    assert small.children("a/b") == ["c"]
    assert list(small.ancestors("c")) == ["a/b", "a", "__root__"]
    assert "a/b" in small
    assert "a/c" not in small
    assert len(small) == 7


def test_edges(small: DrawnGraph) -> None:
    assert small.edges() == [Metaedge("x", "a", 1, 1, 0), Metaedge("a", "done", 0, 1, 0)]
    assert small.edges("a") == [Metaedge("a/b", "a/d", 1, 0, 0)]
    assert small.edges("x") == []


@pytest.mark.parametrize("ask", ["node", "children", "edges", "to_networkx"])
def test_a_name_that_is_not_there(small: DrawnGraph, ask: str) -> None:
    with pytest.raises(KeyError):
        getattr(small, ask)("nobody")


def test_the_root_as_a_networkx_graph(small: DrawnGraph) -> None:
    graph = small.to_networkx()
    assert graph.graph == {"parent": "__root__"}
    assert dict(graph.nodes(data="place")) == {"x": "core", "a": "core", "done": "out_extract"}
    assert graph.nodes["a"] == {"type": "meta", "op": "", "cardinality": 2, "place": "core"}
    assert graph.edges["x", "a"] == {"regular": 1, "control": 1, "reference": 0, "shown": True}
    assert graph.edges["a", "done"] == {"regular": 0, "control": 1, "reference": 0, "shown": False}


def test_a_metanode_as_a_networkx_graph(small: DrawnGraph) -> None:
    graph = small.to_networkx("a")
    assert graph.graph == {"parent": "a"}
    assert graph.nodes["a/d"] == {"type": "op", "op": "Neg", "cardinality": 1, "place": "core"}
    assert graph.edges["a/b", "a/d"]["shown"]


def test_every_level_of_a_big_graph(reference: DrawnGraph) -> None:
    groups = [name for name, kind in zip(reference.names, reference.types, strict=True) if kind != "op"]
    graphs = [reference.to_networkx(name) for name in groups]
    assert sum(len(graph) for graph in graphs) + 1 + embedded(reference) == len(reference)
    assert sum(graph.number_of_edges() for graph in graphs) == len(reference.metaedges)


def embedded(drawn: DrawnGraph) -> int:
    return sum(parent >= 0 and drawn.types[parent] == "op" for parent in drawn.parents)


def test_the_document_is_sorted_and_made_of_plain_values(reference: DrawnGraph) -> None:
    document = reference.to_dict()
    assert list(document) == ["schema", "nodes", "edges", "root"]
    assert document["schema"] == "graphdiag.drawn/1"
    assert list(document["nodes"]) == sorted(document["nodes"])
    assert list(document["edges"]) == sorted(document["edges"])
    assert all(edges == sorted(edges) for edges in document["edges"].values())
    assert json.loads(json.dumps(document)) == document
