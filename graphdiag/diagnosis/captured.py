"""Variables that a traced function captures: handles outside all layers, and the layers that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL

_DT_RESOURCE = 20
_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})
_CHOOSE = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
STATE_TYPES = frozenset({9, 22, 23})
"""Types of the states of random generators and of counters: int64, uint32, uint64."""


def captured_variables(context: DiagnosisContext) -> Mapping[int, Sequence[int]]:
    """The captured handles that layers read.

    Args:
        context: The case.

    Returns:
        For the row of each handle that belongs to no layer, the rows of the layers' ops that take it.
    """
    order, offsets = context.ops.by_source
    found: dict[int, list[int]] = {}
    for row, op_type in enumerate(context.ops.types):
        if op_type not in ("_Arg", "Placeholder", "VarHandleOp") or context.ownership.of_op[row] != UNOWNED:
            continue
        if op_type != "VarHandleOp" and dtype_of(context.ops.node_defs[row]) != DT_RESOURCE:
            continue
        edges = order[offsets[row] : offsets[row + 1]].tolist()
        readers = [int(context.ops.target[edge]) for edge in edges if context.ops.output[edge] != CONTROL]
        readers = [reader for reader in readers if context.ownership.of_op[reader] != UNOWNED]
        if readers:
            found[row] = readers
    return found


def is_random_state(context: DiagnosisContext, readers: Sequence[int]) -> bool:
    """Whether what is read is no weight: a generator's state and counters are of types that no weight has."""
    types = {dtype_of(context.ops.node_defs[row]) for row in readers if context.ops.types[row] == "ReadVariableOp"}
    return bool(types) and types <= STATE_TYPES


def types_read_in_functions(context: DiagnosisContext, handle: int, row: int) -> frozenset[int]:
    """Of which types a variable is read in the library functions that an op hands its handle to.

    Args:
        context: The case.
        handle: Row of what gives the handle.
        row: Row of an op that takes it.

    Returns:
        The types, as TensorFlow numbers them; none for an op that runs no function.
    """
    found: set[int] = set()
    seen: set[tuple[str, int]] = set()
    waiting = [(context.ops, handle, row)]
    while waiting:
        graph, source, target = waiting.pop()
        attributes = graph.node_defs[target].attr
        if graph is not context.ops and graph.types[target] in _READS:
            found.add(dtype_of(graph.node_defs[target]))
        names = [function.name for value in attributes.values() for function in (value.func, *value.list.func)]
        bodies = [context.ops.functions[name] for name in names if name in context.ops.functions]
        edges = range(int(graph.in_edges[target]), int(graph.in_edges[target + 1]))
        # The first input of a conditional chooses the branch, and is no argument of it.
        first = edges.start + (graph.types[target] in _CHOOSE)
        positions = [edge - first for edge in edges if graph.source[edge] == source and graph.output[edge] != CONTROL]
        for body in bodies:
            for position in positions:
                if (body.name, position) in seen or not 0 <= position < len(body.arguments):
                    continue
                seen.add((body.name, position))
                argument = body.arguments[position]
                order, offsets = body.graph.by_source
                takers = body.graph.target[order[offsets[argument] : offsets[argument + 1]]]
                waiting += [(body.graph, argument, taker) for taker in takers.tolist()]
    return frozenset(found)


def pairs_of_readers(context: DiagnosisContext, handle: int, readers: Sequence[int]) -> tuple[Pair, ...]:
    """The layer whose variable it is, with each other one that reads it.

    In a live model it is known which layers track a variable; another layer that reads it is one too many. Elsewhere
    the layer that reads first counts as the one, and the others only where Keras has no edge between the two.

    Args:
        context: The case.
        handle: Row of the captured handle.
        readers: Rows of the layers' ops that take it.

    Returns:
        Pairs of layers; none for a variable that no layer tracks.
    """
    if context.layers is None:
        return ()
    owners = list(dict.fromkeys(context.ownership.owners[int(context.ownership.of_op[row])] for row in readers))
    if context.ownership.recorded:
        trackers = context.ownership.trackers.get(handle, ())
        return tuple((trackers[0], other) for other in owners if trackers and other not in trackers)
    edges = set(context.layers.edges)
    return tuple(
        (owners[0], other)
        for other in owners[1:]
        if (owners[0], other) not in edges and owners[0] in context.layers.layers and other in context.layers.layers
    )
