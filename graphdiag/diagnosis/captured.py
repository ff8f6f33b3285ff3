"""Variables that a traced function captures: handles outside all layers, and the layers that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdiag.diagnosis.case import Case, Pair
from graphdiag.diagnosis.ownership import NOBODY
from graphdiag.graphs.op_graph import CONTROL

_DT_RESOURCE = 20
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
