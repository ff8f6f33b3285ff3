from __future__ import annotations

from collections.abc import Iterator

import pydot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.errors import UsageError
from graphdiag.render.html.drawn_page import to_html
from graphdiag.render.pictures.drawn import to_dot
from graphdiag.sources.event_log import open_event_log
from graphdiag.tensorboard import draw
from graphdiag.tensorboard.javascript import OBJECT_PROPERTIES
from tests.support.drawn import recorded
from tests.support.graph_text import LOGS, graph_def


def parsed(dot: str) -> pydot.Graph:
    graphs = pydot.graph_from_dot_data(dot)
    assert graphs is not None
    assert len(graphs) == 1
    return graphs[0]


def labels(graph: pydot.Graph) -> Iterator[str]:
    """Labels of all nodes, with DOT's escapes undone."""
    for node in graph.get_nodes():
        text = str(node.get("label"))[1:-1]
        yield (
            text.replace("\\\\", "\0")
            .replace('\\"', '"')
            .replace("\\n", "\n")
            .replace("\0", "\\")
            .replace("&amp;", "&")
        )
    for cluster in graph.get_subgraphs():
        yield from labels(cluster)


def test_the_root_of_the_reference_model() -> None:
    drawn = draw(open_event_log(LOGS / "keras216_reference").graph_defs)
    graph = parsed(to_dot(drawn))
    assert len(graph.get_nodes()) == 27
    assert len(graph.get_edges()) == 25
    assert [list(labels(cluster)) for cluster in graph.get_subgraphs()] == [["batchnorm_0_0\nout-degree 9 > 4"]]


def test_an_expanded_metanode_is_a_cluster() -> None:
    graph = parsed(to_dot(draw([graph_def("x Neg\na/b Neg x\na/c/d Neg a/b ^x\ny Neg a/b a/b")]), expand=["a"]))
    [cluster] = graph.get_subgraphs()
    assert cluster.get("label") == '"a"'
    assert sorted(labels(cluster)) == ["", "b", "c"]
    border = f'"{cluster.get_name()}"'
    assert [edge.get("lhead") for edge in graph.get_edges()] == [border, None]
    assert [edge.get("ltail") for edge in graph.get_edges()] == [None, border]
    assert [edge.get("label") for edge in graph.get_edges()] == ['"2"', None]


def test_control_edges_are_dashed() -> None:
    graph = parsed(to_dot(draw([graph_def("a Neg\nb Neg ^a\nc Neg a")])))
    assert [edge.get("style") for edge in graph.get_edges()] == ["dashed", None]


def test_functions_and_their_copies() -> None:
    graph, _ = recorded("function_with_series")
    everything = parsed(to_dot(draw([graph]), depth=9))
    assert [cluster.get("label") for cluster in everything.get_subgraphs()] == ['"call"', '"Functions"']


def test_a_node_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no node 'b'"):
        to_dot(draw([graph_def("a Neg")]), expand=["b"])


@settings(deadline=None)
@given(
    names=st.lists(
        st.text(min_size=1, max_size=12).filter(lambda name: "/" not in name and name not in OBJECT_PROPERTIES),
        min_size=1,
        unique=True,
    )
)
def test_hostile_names_stay_labels(names: list[str]) -> None:
    graph = GraphDef()
    for name in names:
        graph.node.add(name=name, op='Op"Type\\', input=[names[0]])
    drawn = draw([graph])
    found = parsed(to_dot(drawn))
    assert sorted(label.partition("\n")[0] for label in labels(found)) == sorted(drawn.children())
    assert len(found.get_edges()) == len(drawn.root.core_edges)


@pytest.mark.parametrize(
    "name", ['"];a->b;x["', "<b>html</b>", "node", "a:port", "\\N", "\\", 'end\\"', "{|}", "//", "#"]
)
def test_names_that_mean_something_in_dot(name: str) -> None:
    graph = GraphDef()
    graph.node.add(name=name.replace("/", "_"), op="Neg")
    drawn = draw([graph])
    assert list(labels(parsed(to_dot(drawn)))) == drawn.children()


def test_a_page_shows_names_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    graph = GraphDef()
    graph.node.add(name=hostile, op="NoOp")
    page = to_html(draw([graph]), f"{hostile}\u202e")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in page
