"""Unowned scopes: ops that belong to no layer and to no bookkeeping, by the boxes in which TensorBoard draws them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, VARIABLES, Kind, op_specs
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.disjoint_sets import DisjointSets
from graphdiag.graphs.op_graph import CONTROL

if TYPE_CHECKING:
    from graphdiag.diagnosis.context import DiagnosisContext, Pair


_REAL = Carries.ACTIVATION | Carries.PARAMETER | Carries.HANDLE
# Every variable is initialized and saved, whether its layer is used or not.
_NEUTRAL_ROLES = frozenset({"initialization", "saving"})


@dataclass(frozen=True, eq=False)
class UnownedScopes:
    """The boxes of ops that belong to no layer.

    Attributes:
        boxes: Name scopes, outermost first come, in the order of the graph. No layer's op lies in them.
        box_of: Position in ``boxes`` for each op; -1 for all others; int32.
    """

    boxes: Sequence[str]
    box_of: np.ndarray


@dataclass(frozen=True)
class UnusedScope:
    """Boxes of unowned ops from which nothing leads to any layer of the model, joined where an edge joins them.

    Attributes:
        boxes: Their name scopes, in the order of the graph.
        fed_by: Layers whose activations they take.
        edges: The drawn edges at them, those to layers included: over these, flags, shapes and constants may flow.
    """

    boxes: Sequence[str]
    fed_by: Sequence[str]
    edges: Sequence[Pair]


def find_unowned_scopes(context: DiagnosisContext) -> UnownedScopes:
    """Put the unowned ops into boxes.

    Args:
        context: The diagnosis context.

    Returns:
        The outermost scopes that hold no op of a layer and of no bookkeeping but initializing and saving.
    """
    ops, ownership = context.ops, context.ownership
    box_of = np.full(len(ops), -1, dtype=np.int32)
    unowned_scopes = [row for row in np.flatnonzero(ownership.of_op == UNOWNED).tolist() if row not in ownership.roles]
    if context.layers is None or not unowned_scopes:
        return UnownedScopes([], box_of)
    taken: set[str] = set()
    for row in range(len(ops)):
        if ownership.of_op[row] != UNOWNED or ownership.roles.get(row, "initialization") not in _NEUTRAL_ROLES:
            scope = ops.names[row].rpartition("/")[0]
            while scope and scope not in taken:
                taken.add(scope)
                scope = scope.rpartition("/")[0]
    boxes: dict[str, int] = {}
    outermost: dict[str, str] = {}
    for row in unowned_scopes:
        scope = ops.names[row].rpartition("/")[0]
        if scope not in outermost:
            outermost[scope] = _outermost_free(scope, taken)
        if outermost[scope]:
            box_of[row] = boxes.setdefault(outermost[scope], len(boxes))
    return UnownedScopes(list(boxes), box_of)


def _outermost_free(scope: str, taken: set[str]) -> str:
    found = ""
    while scope and scope not in taken:
        found = scope
        scope = scope.rpartition("/")[0]
    return found


def find_leftovers(context: DiagnosisContext) -> Sequence[UnusedScope]:
    """Find the unowned boxes that no layer needs.

    Args:
        context: The diagnosis context.

    Returns:
        Groups of boxes from which no path of activations, parameters or handles leads to an op outside of them, other
        than to initialize or save. Left out are boxes that compute nothing, and those that only see what other
        unowned ops compute for the model.
    """
    unowned_scopes = find_unowned_scopes(context)
    if not unowned_scopes.boxes:
        return []
    ops, box_of = context.ops, unowned_scopes.box_of
    at_border = (box_of[ops.source] != box_of[ops.target]) & ((box_of[ops.source] >= 0) | (box_of[ops.target] >= 0))
    border = np.flatnonzero(at_border & (ops.output != CONTROL)).tolist()
    used = _used(context, unowned_scopes, border)
    busy: set[int] = set()
    computing: set[int] = set()
    for row in np.flatnonzero(box_of >= 0).tolist():
        if context.flow.values[row] & Carries.ACTIVATION or ops.types[row] in VARIABLES:
            busy.add(int(box_of[row]))
            if ops.types[row] not in FEEDS:
                computing.add(int(box_of[row]))
    left = busy - used
    if not left:
        return []
    groups = _grouped(context, unowned_scopes, border, left)
    # Data that nobody takes is no layer, whatever scope its feed stands in.
    return [group for group in groups if any(unowned_scopes.boxes[number] in group.boxes for number in computing)]


def _used(context: DiagnosisContext, unowned_scopes: UnownedScopes, border: Sequence[int]) -> set[int]:
    """Boxes from which something leads out."""
    ops, box_of = context.ops, unowned_scopes.box_of
    # What a traced function returns is wanted by its caller.
    used = {int(box_of[row]) for row in ops.rows_of_types("_Retval".__eq__) if box_of[row] >= 0}
    feeds: dict[int, list[int]] = defaultdict(list)
    for edge in border:
        source, target = int(ops.source[edge]), int(ops.target[edge])
        giver, taker = int(box_of[source]), int(box_of[target])
        if giver < 0:
            if _writes(ops.types[target]) and context.flow.values[source] & Carries.HANDLE:
                used.add(taker)
        elif context.flow.over(source, int(ops.output[edge]), ops.types[target]) & _REAL:
            if taker >= 0:
                feeds[taker].append(giver)
            elif context.ownership.roles.get(target) not in _NEUTRAL_ROLES:
                used.add(giver)
    waiting = list(used)
    while waiting:
        for giver in feeds.get(waiting.pop(), ()):
            if giver not in used:
                used.add(giver)
                waiting.append(giver)
    return used


def _writes(op_type: str) -> bool:
    return op_specs().get(op_type, UNKNOWN).kind is Kind.WRITES


def _grouped(
    context: DiagnosisContext, unowned_scopes: UnownedScopes, border: Sequence[int], left: set[int]
) -> Sequence[UnusedScope]:
    ops, box_of = context.ops, unowned_scopes.box_of
    joined: DisjointSets[str] = DisjointSets()
    edges: dict[Pair, bool] = {}
    for edge in border:
        source, target = int(ops.source[edge]), int(ops.target[edge])
        inside = [row for row in (source, target) if int(box_of[row]) in left]
        if not inside or target in context.ownership.roles:
            continue
        pair = _end(context, unowned_scopes, source), _end(context, unowned_scopes, target)
        real = bool(context.flow.over(source, int(ops.output[edge]), ops.types[target]) & _REAL)
        edges[pair] = edges.get(pair, False) or real
        if len(inside) == 2 or (context.ownership.owner(source) is None and context.ownership.owner(target) is None):
            joined.join(pair[0], into=pair[1])
    groups: dict[str, list[str]] = {}
    for number in sorted(left):
        groups.setdefault(joined.root(unowned_scopes.boxes[number]), []).append(unowned_scopes.boxes[number])
    layers = set(context.ownership.owners)
    found = []
    boxes_in_use = set(unowned_scopes.boxes) - {box for boxes in groups.values() for box in boxes}
    for boxes in groups.values():
        members = set(boxes)
        if any(real and source in boxes_in_use and target in members for (source, target), real in edges.items()):
            continue
        here = {pair: real for pair, real in edges.items() if members & set(pair)}
        fed_by = {source for (source, _), real in here.items() if real and source in layers and source not in members}
        found.append(UnusedScope(boxes, sorted(fed_by), sorted(here)))
    return found


def _end(context: DiagnosisContext, unowned_scopes: UnownedScopes, row: int) -> str:
    """What an op is drawn as: an unowned box, a layer, or itself."""
    if unowned_scopes.box_of[row] >= 0:
        return unowned_scopes.boxes[int(unowned_scopes.box_of[row])]
    return context.ownership.owner(row) or context.ops.names[row]


def reads_stray_variables(context: DiagnosisContext) -> Mapping[int, frozenset[int]]:
    """The unowned variables that unowned ops depend on, through unowned ops.

    Args:
        context: The diagnosis context.

    Returns:
        For each such op, the rows of the variables, or of the feeds that are variables' handles.
    """
    ops, ownership = context.ops, context.ownership
    found: dict[int, frozenset[int]] = {}
    for row in _stray_variables(context):
        found[row] = frozenset((row,))
    order, offsets = ops.by_source
    waiting = list(found)
    while waiting:
        row = waiting.pop()
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            target = int(ops.target[edge])
            if ops.output[edge] == CONTROL or ownership.of_op[target] != UNOWNED or target in ownership.roles:
                continue
            joined = found.get(target, frozenset()) | found[row]
            if joined != found.get(target):
                found[target] = joined
                waiting.append(target)
    return found


def _stray_variables(context: DiagnosisContext) -> Sequence[int]:
    ops, ownership = context.ops, context.ownership
    return [
        row
        for row in np.flatnonzero(ownership.of_op == UNOWNED).tolist()
        if row not in ownership.roles
        and (ops.types[row] in VARIABLES or (_is_feed(ops.types[row]) and context.flow.values[row] == Carries.HANDLE))
    ]


def _is_feed(op_type: str) -> bool:
    return op_specs().get(op_type, UNKNOWN).kind is Kind.FEED
