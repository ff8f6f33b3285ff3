"""Whole levels at once, and row by row: what is found must not depend on the way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow import levels
from graphdiag.diagnosis.dataflow.flow import Carries, trace
from graphdiag.diagnosis.dataflow.levels import wide_levels
from graphdiag.diagnosis.dataflow.op_specs import TABLE
from graphdiag.graphs.op_graph import from_graph_def

FROM_THE_TABLE = [line.types.split()[0] for line in TABLE]
OFTEN = ["Placeholder", "VariableV2", "Identity", "Assign", "Shape", "StridedSlice", "ConcatV2", "Switch", "Merge"]


@st.composite
def graphs(draw):
    """Ops of any type that take anything from ops before them."""
    graph_def = GraphDef()
    for row in range(draw(st.integers(1, 40))):
        node = graph_def.node.add(name=f"op_{row}", op=draw(st.sampled_from(OFTEN * 4 + FROM_THE_TABLE)))
        if row:
            origins = draw(st.lists(st.integers(0, row - 1), max_size=4))
            node.input.extend(f"op_{origin}" for origin in origins)
            node.input.extend(f"^op_{origin}" for origin in draw(st.lists(st.integers(0, row - 1), max_size=1)))
    return from_graph_def(graph_def)


@given(graphs())
@settings(deadline=None)
def test_what_an_op_carries_does_not_depend_on_how_many_are_looked_at_at_once(graph):
    feeds = [row for row, op_type in enumerate(graph.types) if op_type == "Placeholder"]
    found = []
    for wide in (1, len(graph) + 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(levels, "WIDE", wide)
            flow = trace(graph, feeds)
        found.append((flow.values, flow.shapes, flow.pivots, flow.stores, flow.stores_for_next_call))
    assert found[0] == found[1]


def of(inputs, types=None):
    graph_def = GraphDef()
    for name, taken in inputs.items():
        graph_def.node.add(name=name, op=(types or {}).get(name, "AddN"), input=taken)
    return from_graph_def(graph_def)


def test_each_level_takes_only_from_levels_before(monkeypatch):
    monkeypatch.setattr(levels, "WIDE", 1)
    ops = of({"a": [], "b": ["a"], "c": ["a", "b"], "d": [], "e": ["d", "^c"], "f": ["e", "e"]})
    assert [np.sort(level).tolist() for level in wide_levels(ops)] == [[0, 3], [1], [2], [4], [5]]


def test_a_loop_and_what_comes_behind_it_is_in_no_level(monkeypatch):
    monkeypatch.setattr(levels, "WIDE", 1)
    types = {"merge": "Merge", "next": "NextIteration"}
    ops = of({"x": [], "merge": ["x", "next"], "next": ["merge"], "after": ["merge"], "other": ["x"]}, types)
    assert [level.tolist() for level in wide_levels(ops)] == [[0], [4]]


def test_a_long_chain_is_not_followed_level_by_level():
    ops = of({"op_0": [], **{f"op_{row}": [f"op_{row - 1}"] for row in range(1, 200)}})
    assert sum(1 for _ in wide_levels(ops)) < 20


def test_what_comes_back_without_a_loop_around_it_arrives():
    # No graph that TensorFlow runs; but what is read from a file may be anything.
    types = {"x": "Placeholder", "merge": "Merge", "next": "NextIteration", "zero": "Const"}
    ops = of({"zero": [], "merge": ["zero", "next"], "x": [], "next": ["x"]}, types)
    flow = trace(ops, [2])
    assert flow.over(1, 0, "Identity") & Carries.ACTIVATION
