"""What is done in whole arrays, and op by op where names mean several things, is the same where both can be done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.graphs.serialized_graph import SerializedGraph, SerializedGraphs
from graphdiag.tensorboard import draw
from graphdiag.tensorboard.hierarchy import build_hierarchy
from graphdiag.tensorboard.merge import UndrawableGraphError, merge_graphs
from graphdiag.tensorboard.parse import parse_graph
from tests.tensorboard.test_properties import EMBEDDED_OPS, PLAIN_OPS, graphs


@settings(deadline=None)
@given(graph=graphs(st.one_of(PLAIN_OPS, EMBEDDED_OPS)))
def test_the_tree_of_distinct_names_is_that_of_nodes_made_one_by_one(graph: GraphDef) -> None:
    slim = parse_graph(merge_graphs([graph]))
    assume(slim.are_distinct)
    at_once, one_by_one = build_hierarchy(slim), build_hierarchy(replace(slim, are_distinct=False))
    for column in ("names", "types", "ops"):
        assert list(getattr(at_once, column)) == list(getattr(one_by_one, column))
    for column in ("parents", "cardinalities"):
        assert np.array_equal(getattr(at_once, column), getattr(one_by_one, column))
    assert at_once.children() == one_by_one.children()
    assert at_once.row_by_name() == one_by_one.index
    assert list(at_once.row_by_name()) == list(one_by_one.row_by_name())
    assert at_once.library == one_by_one.library
    assert dict(zip(at_once.guests.tolist(), at_once.guest_rows.tolist(), strict=True)) == dict(
        zip(one_by_one.guests.tolist(), one_by_one.guest_rows.tolist(), strict=True)
    )


@settings(deadline=None)
@given(graph=graphs(st.one_of(PLAIN_OPS, EMBEDDED_OPS)))
def test_a_graph_in_its_bytes_is_drawn_as_its_message(graph: GraphDef) -> None:
    try:
        expected = draw([graph])
    except UndrawableGraphError:
        return
    drawn = draw(SerializedGraphs([SerializedGraph(graph.SerializeToString())]))
    assert drawn.to_dict() == expected.to_dict()
    assert drawn.op_rows.tolist() == expected.op_rows.tolist()


@settings(deadline=None)
@given(graph=graphs(st.one_of(PLAIN_OPS, EMBEDDED_OPS)))
def test_an_op_with_a_colon_in_its_name_changes_nothing_for_others(graph: GraphDef) -> None:
    odd = GraphDef.FromString(graph.SerializeToString())
    odd.node.add(name="odd:name", op="Relu")
    try:
        expected, drawn = draw([graph]).to_dict(), draw([odd]).to_dict()
    except UndrawableGraphError:
        return
    assert drawn["edges"] == expected["edges"]
    del drawn["nodes"]["odd:name"]
    drawn["nodes"]["__root__"]["cardinality"] -= 1
    assert drawn["nodes"] == expected["nodes"]
