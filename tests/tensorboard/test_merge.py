from __future__ import annotations

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.graph.graph_util import merge_graph_defs

from graphdiag.errors import SourceError
from graphdiag.tensorboard import draw
from graphdiag.tensorboard.merge import ProducersDifferError, merge_graphs
from tests.support.graph_text import graph_def


def with_producer(graph: GraphDef, producer: int) -> GraphDef:
    graph.versions.producer = producer
    return graph


def two_graphs() -> list[GraphDef]:
    graphs = [graph_def("a Placeholder\nb Relu a:0 ^a"), graph_def("a Neg\nc call a")]
    function = graphs[1].library.function.add()
    function.signature.name = "call"
    function.node_def.add(name="inside", op="Neg")
    return graphs


def test_one_graph_keeps_its_names() -> None:
    merged = merge_graphs([graph_def("a Placeholder\nb Relu a ^a")])
    assert merged.nodes.names == ["a", "b"]
    assert list(merged.nodes.inputs[1]) == ["a", "^a"]


def test_several_graphs_are_merged_as_tensorboard_merges_them() -> None:
    ours = merge_graphs(two_graphs())
    theirs = merge_graph_defs(two_graphs())
    assert ours.nodes.names == [node.name for node in theirs.node]
    assert ours.nodes.ops == [node.op for node in theirs.node]
    assert [list(texts) for texts in ours.nodes.inputs] == [list(node.input) for node in theirs.node]
    assert [function.name for function in ours.functions] == [f.signature.name for f in theirs.library.function]


def test_control_inputs_are_lost_in_a_merged_graph() -> None:
    edges = draw(two_graphs()).to_dict()["edges"]
    assert edges["graph_1"] == [["graph_1/a", "graph_1/b", 1, 0, 0]]
    alone = draw([graph_def("a Placeholder\nb Relu ^a")]).to_dict()["edges"]
    assert alone["__root__"] == [["a", "b", 0, 1, 0]]


def test_an_op_no_longer_calls_its_renamed_function() -> None:
    drawn = draw(two_graphs())
    assert drawn.node("graph_2/c").type == "op"
    assert drawn.root.library == ("__function_library__graph_2_call",)


def test_ops_keep_their_place() -> None:
    drawn = draw(two_graphs())
    assert [drawn.names[row] for row in drawn.op_rows] == ["graph_1/a", "graph_1/b", "graph_2/a", "graph_2/c"]


def test_different_producers_are_refused() -> None:
    graphs = [with_producer(graph, producer) for graph, producer in zip(two_graphs(), (22, 27), strict=True)]
    with pytest.raises(ValueError, match="Cannot combine GraphDefs of different versions"):
        merge_graph_defs(graphs)
    with pytest.raises(ProducersDifferError) as caught:
        draw(graphs)
    assert isinstance(caught.value, SourceError)
    assert "graph 1 has producer 22, graph 2 has producer 27" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_equal_producers_are_merged() -> None:
    assert len(merge_graphs([with_producer(graph, 27) for graph in two_graphs()]).nodes.names) == 4


def test_a_first_graph_without_producer_differs_from_a_second_with_one() -> None:
    graphs = two_graphs()
    graphs[1].versions.producer = 27
    with pytest.raises(ValueError, match="Cannot combine"):
        merge_graph_defs(graphs)
    with pytest.raises(ProducersDifferError):
        merge_graphs(graphs)
