"""Attributes are read without making them: the same NodeDefs are later run, and written into a repaired log."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_INT32

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.graphs.node_attributes import UNKNOWN_TYPE, dtype_of, functions_of, text_of
from graphdiag.graphs.op_graph import merge
from graphdiag.sources.open_source import open_source
from tests.support.graph_text import LOGS


@pytest.mark.parametrize("name", ["keras216_reference", "k3_reference_training", "tf22_reference"])
def test_a_diagnosis_leaves_the_graph_as_it_was(name: str) -> None:
    opened = open_source(LOGS / name)
    for graph in opened.graph_defs:
        for node in graph.node:
            if node.op in ("Placeholder", "_Arg", "ReadVariableOp", "VarHandleOp"):
                node.ClearField("attr")  # as in a graph whose writer left attributes out
    before = [graph.SerializeToString(deterministic=True) for graph in opened.graph_defs]
    diagnose(analyze(merge(opened.graph_defs), opened.layer_graph))
    assert [graph.SerializeToString(deterministic=True) for graph in opened.graph_defs] == before


def test_what_an_op_gives_goes_before_what_it_takes() -> None:
    node = NodeDef(op="RandomUniform")
    assert dtype_of(node) == UNKNOWN_TYPE
    node.attr["T"].type = DT_INT32
    assert dtype_of(node) == DT_INT32
    node.attr["dtype"].type = DT_FLOAT
    assert dtype_of(node) == DT_FLOAT


def test_functions_and_texts() -> None:
    node = NodeDef(op="Case")
    node.attr["branches"].list.func.add(name="one")
    node.attr["branches"].list.func.add(name="two")
    node.attr["f"].func.name = "three"
    assert list(functions_of(node, "f", "branches")) == ["three", "one", "two"]
    assert set(functions_of(node)) == {"one", "two", "three"}
    assert text_of(node, "shared_name") == b""
    assert set(node.attr) == {"branches", "f"}
