"""Op graphs from a few lines of text."""

from __future__ import annotations

from pathlib import Path

from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_BOOL, DT_FLOAT, DT_RESOURCE

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LOGS = FIXTURES / "logs"
REPORTS = FIXTURES / "reports"


def graph_def(text: str) -> GraphDef:
    """One op a line: name, type, inputs.

    ``Feed`` is a batch of floats, ``Flag`` a bool scalar with a default, ``Argument`` a batch of floats that a traced
    function takes, ``Handle`` a variable that it takes. ``Reshape[bool]`` is a ``Reshape`` of bools.
    """
    graph = GraphDef()
    for line in text.strip().splitlines():
        name, op_type, *inputs = line.split()
        node = graph.node.add(name=name, op=op_type, input=inputs)
        if op_type == "Feed":
            node.op = "Placeholder"
            node.attr["dtype"].type = DT_FLOAT
            node.attr["shape"].shape.dim.add(size=-1)
        elif op_type == "Flag":
            node.op = "PlaceholderWithDefault"
            node.attr["dtype"].type = DT_BOOL
            node.attr["shape"].shape.SetInParent()
        elif op_type == "Argument":
            node.op = "_Arg"
            node.attr["T"].type = DT_FLOAT
        elif op_type == "Handle":
            node.op = "_Arg"
            node.attr["T"].type = DT_RESOURCE
        elif op_type.endswith("[bool]"):
            node.op = op_type.removesuffix("[bool]")
            node.attr["T"].type = DT_BOOL
    return graph
