"""Graphs made with TensorFlow, and what flows in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.dataflow.flow import Carries, Flow, trace
from graphdiag.graphs.op_graph import OpGraph, from_graph_def

NOTHING = Carries.CONSTANT
ACTIVATION, PARAMETER, HANDLE = Carries.ACTIVATION, Carries.PARAMETER, Carries.HANDLE
SHAPE, FLAG, RANDOM = Carries.SHAPE, Carries.FLAG, Carries.RANDOM


def op_graph(graph: Any) -> OpGraph:
    """The op graph of a ``tf.Graph`` or of a TensorFlow ``GraphDef``."""
    message = graph.as_graph_def() if isinstance(graph, tf.Graph) else graph
    return from_graph_def(GraphDef.FromString(message.SerializeToString()))


class Traced:
    """A graph and its flow.

    Attributes:
        ops: The op graph.
        flow: Its flow.
    """

    def __init__(self, graph: Any, inputs: Iterable[str] = ("x",)) -> None:
        self.ops: OpGraph = graph if isinstance(graph, OpGraph) else op_graph(graph)
        self.flow: Flow = trace(self.ops, {self.ops.index[name] for name in inputs if name in self.ops.index})

    def over(self, tensor: Any, target: str = "Identity") -> Carries:
        """What a tensor carries into an op of some type; the tensor by itself or by name (``a``, ``a:1``, ``^a``)."""
        name = tensor if isinstance(tensor, str) else tensor.name
        if name.startswith("^"):
            return self.flow.over(self.ops.index[name[1:]], -1, target)
        name, _, slot = name.partition(":")
        return self.flow.over(self.ops.index[name], int(slot or 0), target)

    def stores(self) -> set[tuple[str, str]]:
        """Names of the ops that store activations, with those that may find them."""
        return {(self.ops.names[writer], self.ops.names[reader]) for writer, reader in self.flow.stores}
