"""Which writes wait for which reads: in whole arrays and row by row, the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow import levels, waiting
from graphdiag.diagnosis.dataflow.fixpoint import FixpointSolver, solve_body
from graphdiag.diagnosis.dataflow.functions import FunctionSummaries
from graphdiag.graphs.op_graph import from_graph_def


def waits(graph, pairs):
    solver = FixpointSolver(graph, {}, FunctionSummaries(graph, {}, solve_body))
    writers, readers = np.array(pairs).T
    return waiting.reads_before_writes(solver, writers, readers).tolist()


@st.composite
def graphs(draw):
    """Ops and merges that take anything, mostly from ops before them; what comes back in ends a loop."""
    graph_def = GraphDef()
    size = draw(st.integers(2, 25))
    for row in range(size):
        op_type = draw(st.sampled_from(["AddN", "AddN", "Identity", "Merge", "NextIteration"]))
        node = graph_def.node.add(name=f"op_{row}", op=op_type)
        if row:
            node.input.extend(f"op_{origin}" for origin in draw(st.lists(st.integers(0, row - 1), max_size=3)))
        if op_type == "Merge":
            node.input.extend(f"op_{origin}" for origin in draw(st.lists(st.integers(0, size - 1), max_size=2)))
        if row:
            node.input.extend(f"^op_{origin}" for origin in draw(st.lists(st.integers(0, row - 1), max_size=1)))
    return from_graph_def(graph_def)


@given(graphs(), st.integers(1, 25), st.data())
@settings(deadline=None)
def test_what_waits_does_not_depend_on_how_many_reads_are_followed_at_once(graph, near, data):
    order = list(FixpointSolver(graph, {}, FunctionSummaries(graph, {}, solve_body)).order)
    ends = st.tuples(*2 * [st.integers(0, len(graph) - 1)]).filter(lambda ends: ends[0] != ends[1]).map(sorted)
    places = data.draw(st.lists(ends, min_size=1, max_size=12))
    pairs = [(order[later], order[earlier]) for earlier, later in places]
    found = []
    for wide in (1, len(pairs) + 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(levels, "WIDE", wide)
            patch.setattr(waiting, "_NEAR", near)
            patch.setattr(waiting, "_OVERLAP", len(graph) * len(pairs))
            found.append(waits(graph, pairs))
    assert found[0] == found[1]


def test_a_merge_waits_for_what_all_its_inputs_wait_for(monkeypatch):
    monkeypatch.setattr(levels, "WIDE", 1)
    graph_def = GraphDef()
    for name, op_type, inputs in (
        ("read", "AddN", []),
        ("other", "AddN", []),
        ("some", "Merge", ["read", "other"]),
        ("all", "Merge", ["read", "read"]),
        ("some_write", "AddN", ["some"]),
        ("all_write", "AddN", ["all"]),
        ("told_write", "Merge", ["other", "^read"]),
    ):
        graph_def.node.add(name=name, op=op_type, input=inputs)
    assert waits(from_graph_def(graph_def), [(4, 0), (5, 0), (6, 0)]) == [False, True, True]
