"""Joining: the several graphs of one trace as one graph, which a run of TensorBoard can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphdiag.diagnosis.traces import single_ops
from graphdiag.errors import SourceError
from graphdiag.graphs.op_graph import input_text, merge

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef


def recorded_once(graph_def: GraphDef) -> GraphDef:
    """A graph that is one op run eagerly, without the second record of this op.

    TensorFlow records an op that runs eagerly twice in one graph where oneDNN has a kernel for it, as ``MatMul`` and as
    ``_MklMatMul``, with arguments and results of the same names.

    Args:
        graph_def: The graph; it is not changed.

    Returns:
        The graph without what comes after the first record; any other graph is returned as it is.
    """
    names = [node.name for node in graph_def.node]
    if len(set(names)) == len(names) or not single_ops(merge([graph_def])):
        return graph_def
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    first = GraphDef()
    first.CopyFrom(graph_def)
    first_place = {name: place for place, name in reversed(list(enumerate(names)))}
    again = next(place for place, name in enumerate(names) if first_place[name] < place)
    del first.node[again:]
    return first


def join_graphs(graph_defs: Sequence[GraphDef]) -> GraphDef:
    """Make one graph of several.

    Args:
        graph_defs: At least one graph.

    Returns:
        The graph itself where there is one; else all of them under the names that TensorBoard gives their ops, with the
        functions of each. A function that several have is there once.

    Raises:
        SourceError: Two graphs have different functions of one name, which one graph cannot have.
    """
    if len(graph_defs) == 1:
        return graph_defs[0]
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    ops = merge(graph_defs)
    joined = GraphDef()
    joined.versions.CopyFrom(graph_defs[0].versions)
    for row, node_def in enumerate(ops.node_defs):
        node = joined.node.add()
        node.CopyFrom(node_def)
        node.name = ops.names[row]
        del node.input[:]
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            node.input.append(input_text(ops.names[int(ops.source[edge])], int(ops.output[edge])))
    for row, text in ops.dangling:
        joined.node[row].input.append(text)
    known: dict[str, bytes] = {}
    for graph_def in graph_defs:
        for function in graph_def.library.function:
            name, content = function.signature.name, function.SerializeToString(deterministic=True)
            if name not in known:
                joined.library.function.append(function)
            if known.setdefault(name, content) != content:
                raise SourceError(
                    f"The graphs of this trace have different functions that are called {name}, so they cannot be made "
                    "one graph; trace one call of the model under each tag."
                )
    return joined
