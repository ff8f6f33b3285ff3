"""Boxes: the name scopes in which TensorBoard draws the calls of each layer.

Keras opens a scope for each call of a layer, so a layer that is called three times is drawn as three boxes. A nested
model of Keras 1 and 2 is drawn once more, as a template: its layers were called on placeholders of their own when the
nested model was built, outside of any call of it.

Owners say which layer an op belongs to; the boxes say where on screen it stands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.diagnosis.carries import ALL_CLASSES, Carries
from graphdiag.diagnosis.ownership import NOBODY
from graphdiag.graphs.op_graph import CONTROL

if TYPE_CHECKING:
    from graphdiag.diagnosis.case import Case

_NUMBER = re.compile(r"_[0-9]+$")
_STATE = Carries.PARAMETER | Carries.HANDLE


@dataclass(frozen=True)
class Box:
    """One box of a layer, or of a nested model.

    Attributes:
        scope: The name scope, as ``model/encoder_1``.
        template: Whether it is no call's own scope, but part of the template of a nested model.
        rows: The ops in it that belong to the layer, in the order of the graph.
    """

    scope: str
    template: bool
    rows: Sequence[int]


def fits(piece: str, name: str) -> bool:
    """Whether a scope's name is a layer's name, or that name made unique: ``dense`` and ``dense_3`` fit ``dense``."""
    return piece == name or (len(piece) > len(name) and piece.startswith(name) and without_number(piece) == name)


def without_number(piece: str) -> str:
    """A scope's name without the number that made it unique."""
    return _NUMBER.sub("", piece)


def boxes_of(case: Case) -> Mapping[str, Sequence[Box]]:
    """The boxes of each layer of the top level, nested models as a whole.

    Args:
        case: The case; it has a layer graph.

    Returns:
        For each id of a top-level layer or nested model, its boxes in the order of the graph. A layer that is a single
        op (a raw op) has none.
    """
    assert case.layers is not None
    owners = case.ownership.owners
    found: dict[str, dict[tuple[str, bool], list[int]]] = defaultdict(dict)
    known: dict[tuple[int, str], tuple[str, bool] | None] = {}
    names = [_names(case, owner) for owner in owners]
    units = [unit_of(case, owner) for owner in owners]
    for row in np.flatnonzero(case.ownership.of_op != NOBODY).tolist():
        owner = int(case.ownership.of_op[row])
        scope = case.ops.names[row].rpartition("/")[0]
        if (owner, scope) not in known:
            known[owner, scope] = _box(scope, names[owner])
        box = known[owner, scope]
        if box is not None:
            found[units[owner]].setdefault(box, []).append(row)
    boxes = {unit: [Box(*place, rows) for place, rows in places.items()] for unit, places in found.items()}
    return {
        unit: _with_calls_by_place(members) if unit in case.layers.nested else members
        for unit, members in boxes.items()
    }


def _with_calls_by_place(boxes: Sequence[Box]) -> Sequence[Box]:
    """The boxes of a nested model, those of an unknown name too.

    Keras 2.1 does not write down the names of Sequential models. Their layers then stand in a scope of any name: the
    first place in which they stand is the template, the others are calls.
    """
    places = list(dict.fromkeys(box.scope.rpartition("/")[0] for box in boxes))
    if len(places) < 2 or not all(box.template for box in boxes):
        return boxes
    template = [box for box in boxes if box.scope.rpartition("/")[0] == places[0]]
    calls = [
        Box(
            place,
            False,
            sorted(row for box in boxes if box.scope.rpartition("/")[0] == place for row in box.rows),
        )
        for place in places[1:]
    ]
    return [*template, *calls]


def unit_of(case: Case, owner: str) -> str:
    """The layer or nested model of the top level that an owner is, or is inside of."""
    assert case.layers is not None
    place = case.layers.layers.get(owner) or case.layers.nested.get(owner)
    if place is None or not place.path:
        return owner
    return next((id_ for id_, model in case.layers.nested.items() if (model.name,) == place.path[:1]), owner)


def _names(case: Case, owner: str) -> Sequence[str]:
    """What an op's scopes may be called: the outermost model first, the layer's own name, the layers it wraps."""
    assert case.layers is not None
    layer = case.layers.layers.get(owner)
    if layer is not None:
        return (*layer.path, layer.name, *layer.inner)
    model = case.layers.nested[owner]
    return (*model.path, model.name)


def _box(scope: str, names: Sequence[str]) -> tuple[str, bool] | None:
    """The outermost scope that has one of the names, and whether it is not the first name."""
    pieces = scope.split("/")
    for end in range(1, len(pieces) + 1):
        for position, name in enumerate(names):
            start = end - 1 - name.count("/")
            if start >= 0 and fits("/".join(pieces[start:end]), name):
                return "/".join(pieces[:end]), position > 0
    return None


def split_by_variables(case: Case, boxes: Sequence[Box]) -> Sequence[Sequence[Box]]:
    """Put the boxes together that read one another's variables: those are one layer.

    Args:
        case: The case.
        boxes: Boxes of one layer or nested model.

    Returns:
        The groups, in the order of the graph. Boxes without any variable are in the group if there is one only, and in
        none otherwise.
    """
    box_of = {row: position for position, box in enumerate(boxes) for row in box.rows}
    group = list(range(len(boxes)))

    def root(position: int) -> int:
        while group[position] != position:
            position = group[position]
        return position

    ops, flow = case.ops, case.flow
    readers: dict[int, int] = {}
    for row, position in box_of.items():
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source, slot = int(ops.source[edge]), int(ops.output[edge])
            if slot == CONTROL or not is_state(flow.over(source, slot, ops.types[row])):
                continue
            first = box_of.get(source, readers.setdefault(source, position))
            group[max(root(first), root(position))] = min(root(first), root(position))
    with_variables = {
        box_of[row] for row in box_of if ops.types[row] in ("VariableV2", "Variable", "VarHandleOp")
    } | set(readers.values())
    members: dict[int, list[Box]] = defaultdict(list)
    for position, box in enumerate(boxes):
        members[root(position)].append(box)
    rooted = {root(position) for position in with_variables}
    if len(rooted) == 1:
        return [boxes]
    return [part for position, part in sorted(members.items()) if position in rooted]


def is_state(carries: Carries) -> bool:
    """Whether parameters, or the handle of a variable, flow, and no activation."""
    return bool(carries & _STATE) and not carries & Carries.ACTIVATION


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes that stand side by side.

    Attributes:
        source: Scope of the box it leaves.
        target: Scope of the box it enters.
        edges: Positions of the op edges in it, in the edge arrays of the op graph; control dependencies are left out.
    """

    source: str
    target: str
    edges: Sequence[int]


def arrows(case: Case) -> Iterator[Arrow]:
    """The arrows between boxes, at every level, over which some op edge carries a layer's state (see `is_state`).

    Args:
        case: The case.

    Yields:
        Each arrow with all its op edges, those that carry something else included, in the order of the graph.
    """
    ops = case.ops
    scopes: dict[str, int] = {}
    for name in ops.names:
        scopes.setdefault(name.rpartition("/")[0], len(scopes))
    # An op that is named as a scope is drawn inside of it.
    scope_of = np.array([scopes.get(name, scopes[name.rpartition("/")[0]]) for name in ops.names], dtype=np.int64)
    by_number = list(scopes)
    pairs = scope_of[ops.source] * len(scopes) + scope_of[ops.target]
    pairs[ops.output == CONTROL] = -1
    distinct, inverse = np.unique(pairs, return_inverse=True)
    sides: list[tuple[str, str] | None] = [
        None if pair < 0 else side_by_side(by_number[pair // len(scopes)], by_number[pair % len(scopes)])
        for pair in distinct.tolist()
    ]
    joins = np.array([side is not None for side in sides], dtype=bool)
    if not joins.any():
        return
    values = np.array([value & ALL_CLASSES for value in case.flow.values], dtype=np.int64)[ops.source]
    candidates = joins[inverse] & ((values & int(_STATE)) != 0) & ((values & int(Carries.ACTIVATION)) == 0)
    wanted = {
        int(inverse[edge])
        for edge in np.flatnonzero(candidates).tolist()
        if is_state(case.flow.over(int(ops.source[edge]), int(ops.output[edge]), ops.types[int(ops.target[edge])]))
    }
    chosen = {sides[number] for number in wanted}
    found: dict[tuple[str, str], list[int]] = {}
    for edge in np.flatnonzero(joins[inverse]).tolist():
        side = sides[int(inverse[edge])]
        if side is not None and side in chosen:
            found.setdefault(side, []).append(edge)
    for side, edges in found.items():
        yield Arrow(*side, edges)


def side_by_side(source: str, target: str) -> tuple[str, str] | None:
    """The two boxes, side by side, that hold two scopes; ``None`` when one scope holds the other."""
    if not source or not target:
        return None
    left, right = source.split("/"), target.split("/")
    for position, (ours, theirs) in enumerate(zip(left, right, strict=False)):
        if ours != theirs:
            return "/".join(left[: position + 1]), "/".join(right[: position + 1])
    return None
