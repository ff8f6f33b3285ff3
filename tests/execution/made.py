"""Jobs from graphs that TensorFlow makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.context import DiagnosisContext, analyze
from graphdiag.diagnosis.dataflow.flow import trace
from graphdiag.diagnosis.finding import Evidence
from graphdiag.execution.job import Job, Part
from graphdiag.execution.tensors import Crossing, Tensors
from graphdiag.graphs.op_graph import from_graph_def


def message_of(graph: Any) -> GraphDef:
    """A ``tf.Graph`` as TensorBoard's copy of the message."""
    return GraphDef.FromString(graph.as_graph_def(add_shapes=True).SerializeToString())


def context_of(message: GraphDef, inputs: Sequence[str]) -> DiagnosisContext:
    """A case without a layer graph, in which some feeds are the model's inputs."""
    context = analyze(from_graph_def(message), None)
    return replace(context, flow=trace(context.ops, {context.ops.index[name] for name in inputs}))


def crossing(context: DiagnosisContext, tensor: str) -> Crossing:
    """The crossing on which a tensor enters the first op that takes it; ``name`` or ``name:1``."""
    name, _, slot = (tensor, "", "") if tensor in context.ops.index else tensor.rpartition(":")
    row = context.ops.index[name]
    order, offsets = context.ops.by_source
    taken = [edge for edge in order[offsets[row] : offsets[row + 1]] if context.ops.output[edge] == int(slot or 0)]
    target = int(context.ops.target[taken[0]])
    types, names = context.ops.types, context.ops.names
    return Tensors(context).on(Evidence(name, types[row], names[target], types[target], int(slot or 0), False))


def job(
    graph: Any, *tensors: str, inputs: Sequence[str] = ("x",), changed: str = "inputs", differ: bool = False
) -> Job:
    """A job that looks at some tensors of a graph."""
    message = graph if isinstance(graph, GraphDef) else message_of(graph)
    context = context_of(message, inputs)
    return Part(context, message, 0).job([crossing(context, tensor) for tensor in tensors], changed, differ)


def new_graph() -> Any:
    """A graph to build ops in, with TF 1's conditionals and variables."""
    return tf.Graph().as_default()
