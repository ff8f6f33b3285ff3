"""Shapes: of tensors, as the graph records them, and of variables, as what is done with them shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from graphdiag.execution.permitted import functions_called
from graphdiag.graphs.node_attributes import dtype_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph

if TYPE_CHECKING:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

Shape = tuple[int, ...] | None
"""Sizes, -1 for those left open; ``None`` when not even their number is known."""

_ROWS = 8
"""Rows of an embedding of which only one row's shape is recorded; whole numbers that are fed are 0 and 1."""
_UPDATES = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
_BRANCHES = frozenset({"If", "StatelessIf", "_If", "Case", "StatelessCase"})


def shapes_of(node: NodeDef) -> list[Shape]:
    """The shapes that an op records: its own, of a feed or a variable, or those of its outputs."""
    if "shape" in node.attr and node.op != "PlaceholderV2":
        return [_shape(node.attr["shape"].shape)]
    for name in ("_output_shapes", "output_shapes"):
        if name in node.attr:
            return [_shape(shape) for shape in node.attr[name].list.shape]
    return []


def behind_handle(graph: OpGraph, row: int) -> tuple[int, Shape]:
    """Type and shape of the variable behind a handle that a graph is given.

    The graph seldom records it with the handle; the ops that read or change the variable do, in this graph or in a
    function that the handle is passed to.

    Args:
        graph: The op graph.
        row: Row of the handle.

    Returns:
        The type as TensorFlow numbers them, 0 where nothing tells; and the shape, as far as it is known.
    """
    attributes = graph.node_defs[row].attr
    if "_handle_dtypes" in attributes and "_handle_shapes" in attributes:
        types, shapes = attributes["_handle_dtypes"].list.type, attributes["_handle_shapes"].list.shape
        if types and shapes:
            return types[0], _shape(shapes[0])
    dtype, shape = 0, None
    for found_dtype, found_shape in _uses(graph, row):
        dtype = dtype or found_dtype
        if found_shape is not None and -1 not in found_shape:
            return found_dtype, found_shape
        shape = shape or found_shape
    return dtype, shape


def _uses(whole: OpGraph, row: int) -> Iterator[tuple[int, Shape]]:
    """What each op that takes a handle, here or in a function, says of the variable."""
    waiting = [("", row)]
    seen = set(waiting)
    while waiting:
        place, row = waiting.pop()
        graph = whole.functions[place].graph if place else whole
        order, offsets = graph.by_source
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            if graph.output[edge] == CONTROL:
                continue
            target = int(graph.target[edge])
            node, op_type = graph.node_defs[target], graph.types[target]
            onward = [(place, target)] if op_type == "Identity" else []
            if op_type == "ReadVariableOp":
                shapes = shapes_of(node)
                yield dtype_of(node), shapes[0] if shapes else None
            elif op_type in _UPDATES:
                yield dtype_of(node), _shape_of_input(graph, target, 1)
            elif op_type == "ResourceGather":
                yield dtype_of(node), _of_embedding(graph, target)
            argument = edge - int(graph.in_edges[target]) - (op_type in _BRANCHES)
            for name in functions_called(node, op_type, whole):
                if name in whole.functions and 0 <= argument < len(whole.functions[name].arguments):
                    onward.append((name, whole.functions[name].arguments[argument]))
            waiting += [found for found in onward if found not in seen]
            seen.update(onward)


def _of_embedding(graph: OpGraph, row: int) -> Shape:
    """``ResourceGather`` puts a row of the variable in the place of each index."""
    taken, indices = shapes_of(graph.node_defs[row]), _shape_of_input(graph, row, 1)
    if not taken or taken[0] is None or indices is None:
        return None
    return (_ROWS, *taken[0][len(indices) :])


def _shape_of_input(graph: OpGraph, row: int, position: int) -> Shape:
    edge = int(graph.in_edges[row]) + position
    if edge >= int(graph.in_edges[row + 1]) or graph.output[edge] == CONTROL:
        return None
    shapes = shapes_of(graph.node_defs[int(graph.source[edge])])
    slot = int(graph.output[edge])
    return shapes[slot] if slot < len(shapes) else None


def _shape(shape: TensorShapeProto) -> Shape:
    return None if shape.unknown_rank else tuple(int(dimension.size) for dimension in shape.dim)
