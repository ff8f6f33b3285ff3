"""Rewriting: the ``GraphDef`` under its new names, with the stand-ins in it, and nothing else changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from graphdiag.graphs.node_attributes import functions_of
from graphdiag.graphs.op_graph import OpGraph, input_text
from graphdiag.graphs.op_outputs import type_of_output
from graphdiag.repairing.colocation import COLOCATION, beside, op_at, places_of
from graphdiag.repairing.stand_ins import StandIns

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

INSERTED = "_graphdiag_inserted"
"""The attribute that marks an op which the original graph does not have; names with ``_`` are nobody's but ours."""


def rewrite(
    ops: OpGraph,
    names: Sequence[str],
    stand_ins: StandIns,
    stand_in_names: Sequence[str],
    graph_def: GraphDef,
) -> GraphDef:
    """Write the graph under new names.

    Args:
        ops: The graph.
        names: The new name of each op.
        stand_ins: The ops to insert.
        stand_in_names: Their names.
        graph_def: The graph as it was, for its versions and its function library.

    Returns:
        The graph. Each op stands where it stood, a stand-in after the op whose tensor it hands on. Functions that
        nothing calls are left out.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    written = GraphDef()
    written.versions.CopyFrom(graph_def.versions)
    renamed = dict(zip(ops.names, names, strict=True))
    after: dict[int, list[int]] = defaultdict(list)
    for number, stand_in in enumerate(stand_ins.ops):
        after[stand_in.tensor[0]].append(number)
    dangling: dict[int, list[str]] = defaultdict(list)
    for row, text in ops.dangling:
        dangling[row].append(text)
    for row, node_def in enumerate(ops.node_defs):
        node = written.node.add()
        node.CopyFrom(node_def)
        node.name = names[row]
        del node.input[:]
        node.input.extend(_inputs(ops, row, names, stand_ins, stand_in_names, dangling.get(row, ())))
        _rename_colocation(node, renamed)
        for number in after.get(row, ()):
            _add_stand_in(written, ops, names, stand_ins, stand_in_names, number)
    _add_library(written, graph_def)
    return written


def _add_library(written: GraphDef, graph_def: GraphDef) -> None:
    """Add the functions that are called, directly or by one another; TensorBoard draws the others, too."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    found: dict[str, None] = {}
    waiting: list[Sequence[NodeDef]] = [written.node]
    while waiting:
        for node in waiting.pop():
            for name in (node.op, *functions_of(node)):
                if name in functions and name not in found:
                    found[name] = None
                    waiting.append(functions[name].node_def)
    gradients = {gradient.function_name: gradient for gradient in graph_def.library.gradient}
    for name in found:
        if name in gradients:
            written.library.gradient.append(gradients[name])
    with_gradients = found | {
        gradient.gradient_func: None for gradient in written.library.gradient if gradient.gradient_func in functions
    }
    written.library.function.extend(function for name, function in functions.items() if name in with_gradients)


def _inputs(
    ops: OpGraph,
    row: int,
    names: Sequence[str],
    stand_ins: StandIns,
    stand_in_names: Sequence[str],
    dangling: Collection[str],
) -> Iterator[str]:
    edge = int(ops.in_edges[row])
    for text in ops.node_defs[row].input:
        if text in dangling:
            yield text
            continue
        number = stand_ins.of_edge.get(edge)
        if number is not None:
            yield stand_in_names[number]
        else:
            yield input_text(names[int(ops.source[edge])], int(ops.output[edge]))
        edge += 1


def _rename_colocation(node: NodeDef, renamed: Mapping[str, str]) -> None:
    for position, place in enumerate(places_of(node)):
        name = op_at(place)
        if name is not None and name in renamed:
            node.attr[COLOCATION].list.s[position] = beside(renamed[name])


def _add_stand_in(
    written: GraphDef,
    ops: OpGraph,
    names: Sequence[str],
    stand_ins: StandIns,
    stand_in_names: Sequence[str],
    number: int,
) -> None:
    stand_in = stand_ins.ops[number]
    row, slot = stand_in.tensor
    node = written.node.add()
    node.name = stand_in_names[number]
    node.op = "Identity"
    node.device = ops.node_defs[row].device
    node.input.append(stand_in_names[stand_in.of] if stand_in.of is not None else input_text(names[row], slot))
    dtype = type_of_output(ops.node_defs[row], slot)
    if dtype:
        node.attr["T"].type = dtype
    node.attr[INSERTED].b = True
