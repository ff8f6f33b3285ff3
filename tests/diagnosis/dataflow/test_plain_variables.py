"""Variables all together, and state by state: what is found must not depend on the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow import levels, plain_variables
from graphdiag.diagnosis.dataflow.flow import Carries, trace
from graphdiag.diagnosis.dataflow.states import States
from graphdiag.graphs.op_graph import from_graph_def

MAKES = ["VariableV2", "VarHandleOp"]
TOUCHES = ["Assign", "AssignAdd", "AssignVariableOp", "ReadVariableOp", "IsVariableInitialized", "VarIsInitializedOp"]
OTHERS = ["Placeholder", "Identity", "Mul", "Reshape", "RandomShuffle", "Switch", "Merge", "Enter", "NextIteration"]


@st.composite
def graphs(draw):
    """Variables, and ops that read, write and compute; most take a variable, or an op shortly before them."""
    graph_def = GraphDef()
    made = draw(st.integers(1, 4))
    for row in range(made):
        node = graph_def.node.add(name=f"op_{row}", op=draw(st.sampled_from(MAKES)))
        node.attr["shared_name"].s = draw(st.sampled_from([b"", b"", b"shared"]))
    for row in range(made, made + draw(st.integers(1, 25))):
        node = graph_def.node.add(name=f"op_{row}", op=draw(st.sampled_from(TOUCHES * 2 + OTHERS)))
        any_before = st.integers(0, row - 1)
        taken = draw(st.lists(any_before, min_size=1, max_size=2))
        if node.op in TOUCHES:
            taken = [draw(st.integers(0, made - 1)), *taken]
        node.input.extend(f"op_{origin}" for origin in taken)
        node.input.extend(f"^op_{origin}" for origin in draw(st.lists(any_before, max_size=1)))
    return from_graph_def(graph_def)


def found(graph, wide):
    feeds = [row for row, op_type in enumerate(graph.types) if op_type == "Placeholder"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "WIDE", wide)
        flow = trace(graph, feeds)
    stores = flow.stores, flow.stores_for_next_call, flow.stored_in
    return flow.values, flow.shapes, flow.pivots, stores, dict(flow.touches)


@given(graphs())
@settings(deadline=None)
def test_what_variables_hold_does_not_depend_on_how_many_are_looked_at_at_once(graph):
    assert found(graph, 1) == found(graph, len(graph) + 1)


@pytest.fixture
def graph():
    """A moving average: a variable that is read, and then is assigned what was computed of it and of an input."""
    graph_def = GraphDef()
    for name, op_type, inputs in (
        ("x", "Placeholder", []),
        ("zero", "Const", []),
        ("mean", "VariableV2", []),
        ("mean/Assign", "Assign", ["mean", "zero"]),
        ("mean/read", "Identity", ["mean"]),
        ("sum", "Add", ["mean/read", "x"]),
        ("update", "Assign", ["mean", "sum"]),
        ("after", "Identity", ["update"]),
    ):
        graph_def.node.add(name=name, op=op_type, input=inputs)
    return from_graph_def(graph_def)


def test_a_moving_average_is_a_plain_variable(graph, monkeypatch):
    monkeypatch.setattr(levels, "WIDE", 1)
    monkeypatch.setattr(States, "_stores", None)
    flow = trace(graph, [0])
    names = [(graph.names[writer], graph.names[reader]) for writer, reader in flow.stores]
    assert ("update", "after") in names
    assert ("update", "mean/read") not in names
    later = [(graph.names[writer], graph.names[reader]) for writer, reader in flow.stores_for_next_call]
    assert later == [("update", "mean/read")]
    assert not flow.over(4, 0, "Identity") & Carries.ACTIVATION
    assert flow.over(7, 0, "Identity") & Carries.ACTIVATION


def test_a_variable_with_many_reads_and_writes_is_looked_at_by_itself(graph, monkeypatch):
    expected = found(graph, 1)
    monkeypatch.setattr(plain_variables, "_MOST", 1)
    assert found(graph, 1) == expected
