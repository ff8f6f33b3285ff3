"""The op table against the ops that the installed TensorFlow registers."""

from __future__ import annotations

from collections import Counter

import pytest
import tensorflow as tf

from graphdiag.diagnosis.dataflow.flow import Carries, trace
from graphdiag.diagnosis.dataflow.op_specs import TABLE, Kind, op_specs
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import graph_def

REGISTERED = sorted(
    name for name in dir(tf.raw_ops) if not name.startswith("_") and callable(getattr(tf.raw_ops, name))
)


def test_tensorflow_registers_ops():
    assert len(REGISTERED) > 1000


def test_no_type_is_in_two_lines():
    counts = Counter(op_type for line in TABLE for op_type in line.types.split())
    assert [op_type for op_type, count in counts.items() if count > 1] == []


def test_every_line_gives_its_reason():
    assert [line.types for line in TABLE if len(line.reason.split()) < 2] == []


def test_an_op_that_is_in_no_line_passes_everything_on():
    known = op_specs()
    silent = []
    for op_type in REGISTERED:
        if op_type in known and known[op_type].kind is not Kind.UNKNOWN:
            continue
        graph = from_graph_def(graph_def(f"x Feed\ny {op_type} x"))
        flow = trace(graph, {0})
        if not flow.over(1, 0, "Relu") & Carries.ACTIVATION:
            silent.append(op_type)
    assert silent == []


@pytest.mark.parametrize("op_type", ["Relu", "MatMul", "Where", "Identity", "NonMaxSuppressionV3", "TensorListStack"])
def test_values_go_through_common_ops(op_type):
    graph = from_graph_def(graph_def(f"x Feed\ny {op_type} x x"))
    assert trace(graph, {0}).over(1, 0, "Relu") & Carries.ACTIVATION


@pytest.mark.parametrize("op_type", ["Where", "Unique", "NonMaxSuppressionV3"])
def test_shapes_that_depend_on_values_are_activations(op_type):
    graph = from_graph_def(graph_def(f"x Feed\ny {op_type} x x x\ns Shape y"))
    assert trace(graph, {0}).over(2, 0, "Relu") & Carries.ACTIVATION


@pytest.mark.parametrize("op_type", ["Relu", "MatMul", "Conv2D", "BiasAdd", "Softmax", "MaxPool"])
def test_shapes_of_common_ops_do_not_depend_on_values(op_type):
    graph = from_graph_def(graph_def(f"x Feed\ny {op_type} x x\ns Shape y"))
    assert trace(graph, {0}).over(2, 0, "Relu") == Carries.SHAPE
