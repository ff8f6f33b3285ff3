"""Ownership where there is no layer graph: the outer name scopes, which are the boxes that TensorBoard draws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import UNOWNED, bookkeeping_ops, role_of_name, roles_of
from graphdiag.graphs.op_graph import OpGraph


def own_by_outer_scope(
    graph: OpGraph, recorded: Mapping[str, str]
) -> tuple[Sequence[str], np.ndarray, Mapping[int, str]]:
    """Owners by the outer name scopes.

    A scope that holds nearly everything (the model's own, as Keras 3 and tf_keras make one) is looked into.

    Args:
        graph: The op graph.
        recorded: Layer id by op name, for a live model whose layers are known but not the edges between them.

    Returns:
        The boxes; for each op its row among them, `UNOWNED` for none; and the role of ops that have one.
    """
    boxes: dict[str, int] = {}
    of_op = np.full(len(graph), UNOWNED, dtype=np.int32)
    around = _scope_around(graph)
    for row, name in enumerate(graph.names):
        if name in recorded:
            box = recorded[name]
        elif name.startswith(around):
            inner, slash, _ = name[len(around) :].partition("/")
            box = around + inner if slash else ""
        else:
            first, slash, _ = name.partition("/")
            box = first if slash else ""
        if box and not role_of_name(box.rpartition("/")[2]):
            of_op[row] = boxes.setdefault(box, len(boxes))
    # An op named as a box is part of it: "a" beside "a/b" is drawn inside "a".
    for row, name in enumerate(graph.names):
        if of_op[row] == UNOWNED and name in boxes:
            of_op[row] = boxes[name]
    bookkeeping = bookkeeping_ops(graph) | _initial_values(graph)
    of_op[list(bookkeeping)] = UNOWNED
    roles = roles_of(graph, of_op, {}) | bookkeeping
    return list(boxes), of_op, roles


def _initial_values(graph: OpGraph) -> dict[int, str]:
    """Ops that only compute a variable's initial value, and the assignments of it."""
    from_outside = set()
    for row, op_type in enumerate(graph.types):
        edges = range(int(graph.in_edges[row]), int(graph.in_edges[row + 1]))
        if op_type in FEEDS or any(int(graph.source[edge]) in from_outside for edge in edges):
            from_outside.add(row)
    order, offsets = graph.by_source
    found: dict[int, str] = {}
    for row in range(len(graph) - 1, -1, -1):
        if row in from_outside or graph.types[row] in VARIABLES:
            continue
        targets = [int(graph.target[edge]) for edge in order[offsets[row] : offsets[row + 1]].tolist()]
        if graph.types[row] in ("Assign", "AssignVariableOp") or (
            targets and all(target in found for target in targets)
        ):
            found[row] = "initialization"
    return found


def _scope_around(graph: OpGraph) -> str:
    """The prefix of names under which nearly all scoped ops lie, ``""`` when there is no such scope."""
    prefix = ""
    while True:
        counts: dict[str, int] = defaultdict(int)
        scoped = 0
        for name in graph.names:
            if name.startswith(prefix):
                first, slash, rest = name[len(prefix) :].partition("/")
                if slash and not role_of_name(first):
                    scoped += 1
                    counts[first] += "/" in rest
        if not counts:
            return prefix
        largest = max(counts, key=lambda scope: counts[scope])
        if counts[largest] * 10 < scoped * 9:
            return prefix
        prefix += largest + "/"
