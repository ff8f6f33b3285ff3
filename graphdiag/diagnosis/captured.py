"""Variables that a traced function captures: handles outside all layers, and the layers that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdiag.diagnosis.case import Case, Pair
from graphdiag.diagnosis.ownership import NOBODY
from graphdiag.graphs.op_graph import CONTROL

_DT_RESOURCE = 20
_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})
_CHOOSE = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
STATE_TYPES = frozenset({9, 22, 23})
"""Types of the states of random generators and of counters: int64, uint32, uint64."""


def captured_variables(case: Case) -> Mapping[int, Sequence[int]]:
    """The captured handles that layers read.

    Args:
        case: The case.

    Returns:
        For the row of each handle that belongs to no layer, the rows of the layers' ops that take it.
    """
    order, offsets = case.ops.by_source
    found: dict[int, list[int]] = {}
    for row, op_type in enumerate(case.ops.types):
        if op_type not in ("_Arg", "Placeholder", "VarHandleOp") or case.ownership.of_op[row] != NOBODY:
            continue
        attributes = case.ops.node_defs[row].attr
        dtype = (attributes["T"] if "T" in attributes else attributes["dtype"]).type
        if op_type != "VarHandleOp" and dtype != _DT_RESOURCE:
            continue
        edges = order[offsets[row] : offsets[row + 1]].tolist()
        readers = [int(case.ops.target[edge]) for edge in edges if case.ops.output[edge] != CONTROL]
        readers = [reader for reader in readers if case.ownership.of_op[reader] != NOBODY]
        if readers:
            found[row] = readers
    return found


def is_random_state(case: Case, readers: Sequence[int]) -> bool:
    """Whether what is read is no weight: a generator's state and counters are of types that no weight has."""
    types = {case.ops.node_defs[row].attr["dtype"].type for row in readers if case.ops.types[row] == "ReadVariableOp"}
    return bool(types) and types <= STATE_TYPES


def types_read_in_functions(case: Case, handle: int, row: int) -> frozenset[int]:
    """Of which types a variable is read in the library functions that an op hands its handle to.

    Args:
        case: The case.
        handle: Row of what gives the handle.
        row: Row of an op that takes it.

    Returns:
        The types, as TensorFlow numbers them; none for an op that runs no function.
    """
    found: set[int] = set()
    seen: set[tuple[str, int]] = set()
    waiting = [(case.ops, handle, row)]
    while waiting:
        graph, source, target = waiting.pop()
        attributes = graph.node_defs[target].attr
        if graph is not case.ops and graph.types[target] in _READS:
            found.add(attributes["dtype"].type)
        names = [function.name for value in attributes.values() for function in (value.func, *value.list.func)]
        bodies = [case.ops.functions[name] for name in names if name in case.ops.functions]
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


def pairs_of_readers(case: Case, handle: int, readers: Sequence[int]) -> tuple[Pair, ...]:
    """The layer whose variable it is, with each other one that reads it.

    In a live model it is known which layers track a variable; another layer that reads it is one too many. Elsewhere
    the layer that reads first counts as the one, and the others only where Keras has no edge between the two.

    Args:
        case: The case.
        handle: Row of the captured handle.
        readers: Rows of the layers' ops that take it.

    Returns:
        Pairs of layers; none for a variable that no layer tracks.
    """
    if case.layers is None:
        return ()
    owners = list(dict.fromkeys(case.ownership.owners[int(case.ownership.of_op[row])] for row in readers))
    if case.ownership.recorded:
        holders = case.ownership.holders.get(handle, ())
        return tuple((holders[0], other) for other in owners if holders and other not in holders)
    edges = set(case.layers.edges)
    return tuple(
        (owners[0], other)
        for other in owners[1:]
        if (owners[0], other) not in edges and owners[0] in case.layers.layers and other in case.layers.layers
    )
