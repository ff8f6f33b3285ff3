"""Graphs read from their bytes: the same columns as protobuf's own messages give, and its errors where it has any."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from graphdiag.errors import SourceError
from graphdiag.graphs import wire_format
from graphdiag.graphs.op_graph import merge
from graphdiag.graphs.serialized_graph import (
    Nodes,
    SerializedGraph,
    SerializedGraphs,
    around_nodes,
    nodes_of,
    texts_of,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@st.composite
def nodes(draw):
    node = NodeDef(name=draw(texts), op=draw(texts), device=draw(texts), input=draw(st.lists(texts, max_size=5)))
    for key in draw(st.lists(st.sampled_from("abc"), max_size=3)):
        node.attr[key].s = draw(st.binary(max_size=300))
    return node


@st.composite
def graphs(draw):
    # More nodes than are walked one by one.
    node_defs = draw(st.lists(nodes(), max_size=8)) * draw(st.sampled_from([1, 30]))
    graph = GraphDef(node=node_defs)
    graph.versions.producer = draw(st.integers(0, 3000))
    if draw(st.booleans()):
        graph.library.function.add().signature.name = draw(texts)
    return graph


def columns(nodes: Nodes):
    return (
        list(nodes.names),
        list(nodes.types),
        list(nodes.devices),
        list(nodes.inputs),
        nodes.first_input.tolist(),
        list(nodes.node_defs),
    )


@given(graphs())
def test_the_columns_are_those_of_the_message(graph):
    read = SerializedGraph(graph.SerializeToString())
    assert columns(nodes_of(read)) == columns(nodes_of(graph))
    assert around_nodes(read).library == graph.library
    assert around_nodes(read).versions == graph.versions
    assert read.message == graph


@given(graphs(), st.data())
def test_damaged_bytes_are_refused_or_read_as_protobuf_reads_them(graph, data):
    damaged = bytearray(graph.SerializeToString() or b"\0")
    place = data.draw(st.integers(0, len(damaged) - 1))
    if data.draw(st.booleans()):
        damaged[place] = data.draw(st.integers(0, 255))
    else:
        del damaged[place:]
    try:
        expected = GraphDef.FromString(bytes(damaged))
    except DecodeError:
        # Protobuf looks at attributes at once; here that waits until someone asks for them.
        with pytest.raises((DecodeError, SourceError)):
            columns(nodes_of(SerializedGraph(bytes(damaged))))
    else:
        assert columns(nodes_of(SerializedGraph(bytes(damaged)))) == columns(nodes_of(expected))


def test_a_field_that_comes_twice_counts_as_written_last():
    first, second = NodeDef(name="a", op="Add", input=["x"]), NodeDef(name="b", input=["y"])
    node = first.SerializeToString() + second.SerializeToString()
    read = SerializedGraph(bytes([0x0A, len(node)]) + node)
    assert (read.nodes.names, read.nodes.types, read.nodes.inputs) == (["b"], ["Add"], ["x", "y"])


def test_an_op_with_many_inputs_beside_ops_with_few():
    names = [f"op_{number}" for number in range(3000)]
    graph = GraphDef(node=[*(NodeDef(name=name, op="Const") for name in names), NodeDef(name="all", input=names)])
    assert nodes_of(SerializedGraph(graph.SerializeToString())).inputs == names


def large(number: int, payload: bytes = b"") -> GraphDef:
    graph = GraphDef()
    for place in range(number):
        node = graph.node.add(name=f"scope_{place % 7}/op_{place}", op="Relu", input=[f"scope_0/op_{place // 2}"] * 2)
        node.attr["value"].s = payload or bytes(place % 90)
    graph.versions.producer = 26
    return graph


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(large(12_000).SerializeToString(), id="nodes alone"),
        pytest.param(
            large(300, large(80).SerializeToString()).SerializeToString(), id="attributes that look like nodes"
        ),
        pytest.param(large(3, bytes(2_000_000)).SerializeToString(), id="attributes longer than what is looked at"),
        pytest.param(large(9000).SerializeToString() + large(9000).SerializeToString(), id="other fields in between"),
        pytest.param(large(12_000).SerializeToString() + b"\x18\x05", id="a number"),
    ],
)
def test_a_large_graph_is_read_as_protobuf_reads_it(data):
    assert len(data) > 500_000
    read, expected = SerializedGraph(data), GraphDef.FromString(data)
    assert columns(nodes_of(read)) == columns(nodes_of(expected))
    assert around_nodes(read).versions == expected.versions


@given(graphs(), st.integers(8, 200), st.binary(max_size=80))
def test_where_the_walk_begins_changes_nothing(graph, apart, before):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire_format, "_LANE", apart)
        patch.setattr(wire_format, "_LEAST_LANES", 1)
        patch.setattr(wire_format, "_CHUNK", 16)
        read = SerializedGraph(before + graph.SerializeToString(), len(before))
    assert columns(nodes_of(read)) == columns(nodes_of(graph))
    assert around_nodes(read).versions == graph.versions
    assert read.message == graph


def test_a_graph_without_ops_has_none_that_is_named_as_a_scope():
    columns = nodes_of(SerializedGraph(GraphDef().SerializeToString()))
    assert [found.tolist() for found in columns.named_as_scopes] == [[], []]


def test_graphs_are_parsed_only_when_they_are_looked_at():
    graph = GraphDef(node=[NodeDef(name="a", op="Const"), NodeDef(name="b", op="Relu", input=["a"])])
    graphs = SerializedGraphs([SerializedGraph(graph.SerializeToString())])
    assert merge(graphs).names == ["a", "b"]
    assert "message" not in vars(graphs.graphs[0])
    assert list(graphs) == [graph]


def test_attributes_that_cannot_be_parsed_end_in_one_sentence():
    node = NodeDef(name="a", op="Const").SerializeToString() + b"\x2a\x02\x12\x7f"
    ops = merge(SerializedGraphs([SerializedGraph(bytes([0x0A, len(node)]) + node)]))
    assert ops.names == ["a"]
    with pytest.raises(SourceError, match="The op graph is damaged"):
        ops.node_defs[0]


TEXTS = st.sampled_from([b"", b"name", b"shared_name", b"*\x11\n\x0bshared_name\x12\x02\x12\x00"]) | st.binary(
    max_size=4
)


@given(st.lists(st.dictionaries(st.sampled_from(["shared_name", "container", "name_shared_name"]), TEXTS), max_size=4))
def test_texts_read_from_bytes_are_those_of_the_messages(attributes):
    graph = GraphDef()
    for number, texts in enumerate(attributes):
        node = graph.node.add(name=f"v_{number}", op="VarHandleOp")
        for name, text in texts.items():
            node.attr[name].s = text
    found = texts_of(
        nodes_of(SerializedGraph(graph.SerializeToString())).node_defs, range(len(graph.node)), "shared_name"
    )
    assert found == [texts.get("shared_name", b"") for texts in attributes]
