"""Traces: which graphs a trace holds, and what was traced.

TensorBoard puts the graphs of one tag side by side, under ``graph_1``, ``graph_2`` and so on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from graphdiag.diagnosis.dataflow.op_specs import CALLING, UNKNOWN, op_specs
from graphdiag.graphs.op_graph import OpGraph

_GRAPH = re.compile(r"(graph_[0-9]+)/")
_ONEDNN = re.compile(r"_Mkl(?:Native|Eager)?(?=\w)")
"""What the types of oneDNN's kernels begin with: builds for x86 put them in the place of TensorFlow's own."""
_BESIDE = frozenset({"_Arg", "_Retval", "Const", "NoOp"})


def graphs_of(graph: OpGraph) -> Mapping[str, Sequence[int]]:
    """The graphs that TensorBoard puts side by side.

    Args:
        graph: The merged op graph.

    Returns:
        The rows of each, by the scope in which it is drawn; one with an empty name where there is a single graph.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(graph.names):
        match = _GRAPH.match(name)
        if match is None:
            return {"": range(len(graph))}
        found[match[1]].append(row)
    return found


def single_ops(graph: OpGraph) -> Mapping[str, int]:
    """The graphs of a trace that are one op, run by itself: what runs outside of every ``tf.function``.

    Where oneDNN has a kernel for the op, TensorFlow records it twice in one graph, as it was and as ``_MklMatMul``.

    Args:
        graph: The merged op graph.

    Returns:
        The row of the op, by the scope in which its graph is drawn; none where the op graph is no trace.
    """
    if "_Retval" not in graph.type_names and "_Arg" not in graph.type_names:
        return {}
    found = {}
    for name, rows in graphs_of(graph).items():
        # An op and its kernel are two: with a third it is another graph, however many more follow.
        computing = list(islice((row for row in rows if graph.types[row] not in _BESIDE), 3))
        types = {graph.types[row] for row in computing}
        is_one = len(types) == len(computing) and len({_ONEDNN.sub("", type_) for type_ in types}) == 1
        if is_one and all(graph.names[row].rpartition("/")[2] == graph.types[row] for row in computing):
            found[name] = computing[0]
    return found


def rows_of_single_ops(graph: OpGraph) -> frozenset[int]:
    """The rows of all ops in the graphs of `single_ops`, their arguments included."""
    graphs = graphs_of(graph)
    return frozenset(row for name in single_ops(graph) for row in graphs[name])


def eager_kernels(graph: OpGraph) -> Sequence[int]:
    """The ops of a trace that holds nothing but ops that were run one by one.

    Args:
        graph: The merged op graph.

    Returns:
        Their rows; none where some graph of the trace holds several ops, or is no trace, or where an op calls a
        function, in which the model may be.
    """
    found = single_ops(graph)
    specs = op_specs()
    if any(specs.get(graph.types[row], UNKNOWN).kind in CALLING for row in found.values()):
        return ()
    return list(found.values()) if len(found) == len(graphs_of(graph)) else ()
