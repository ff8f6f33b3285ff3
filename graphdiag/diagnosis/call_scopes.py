"""Boxes: the name scopes in which TensorBoard draws the calls of each layer.

Keras opens a scope for each call of a layer, so a layer that is called three times is drawn as three boxes. A nested
model of Keras 1 and 2 is drawn once more, as a template: its layers were called on placeholders of their own when the
nested model was built, outside of any call of it.

Owners say which layer an op belongs to; the boxes say where on screen it stands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np

from graphdiag.diagnosis.context import DiagnosisContext, once
from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.state_arrows import is_state
from graphdiag.disjoint_sets import DisjointSets
from graphdiag.graphs.arrays import first_of_each, grouped, numbers_of_pairs
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.scope_tree import ScopeTree

Answer = TypeVar("Answer")

_NUMBER = re.compile(r"_[0-9]+$")
_GIVES_VALUE = frozenset({"Identity", "ReadVariableOp"})
"""Types of ops that give the value of a variable, or a copy of it."""


@dataclass(frozen=True)
class CallScope:
    """One box of a layer, or of a nested model.

    Attributes:
        scope: The name scope, as ``model/encoder_1``.
        template: Whether it is not a call's own scope, but part of the template of a nested model.
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


def pieces_of(names: Iterable[str]) -> set[str]:
    """Every run of pieces in the scopes of ops, as they are and without the number that makes them unique.

    These are the names of the layers that may have made the ops; layers may hold ``/`` in their names.
    """
    found: set[str] = set()
    for scope in {name.rpartition("/")[0] for name in names}:
        path = scope.split("/")
        for start in range(len(path)):
            for end in range(start + 1, len(path) + 1):
                piece = "/".join(path[start:end])
                found |= {piece, without_number(piece)}
    return found


@once
def call_scopes_of(context: DiagnosisContext) -> Mapping[str, Sequence[CallScope]]:
    """The boxes of each layer of the top level, nested models as a whole.

    Args:
        context: The diagnosis context; it has a layer graph.

    Returns:
        For each id of a top-level layer or nested model, its boxes in the order of the graph. A layer that is a single
        op (a raw op) has none.
    """
    assert context.layers is not None
    owners = context.ownership.owners
    found: dict[str, dict[tuple[str, bool], list[int]]] = defaultdict(dict)
    units = [unit_of(context, owner) for owner in owners]
    scopes = context.ops.scopes
    finders = [Outermost(scopes, _by_name(_names(context, owner))) for owner in owners]
    for owner, box, rows in by_outermost(context, finders):
        found[units[owner]].setdefault(box, []).extend(rows)
    boxes = {
        unit: [CallScope(*place, sorted(rows)) for place, rows in places.items()] for unit, places in found.items()
    }
    return {
        unit: _with_calls_by_place(members) if unit in context.layers.nested else members
        for unit, members in boxes.items()
    }


def _with_calls_by_place(boxes: Sequence[CallScope]) -> Sequence[CallScope]:
    """The boxes of a nested model, those of an unknown name too.

    Keras 2.1 does not write down the names of Sequential models. Their layers then stand in a scope of any name: the
    first place in which they stand is the template, the others are calls.
    """
    places = list(dict.fromkeys(box.scope.rpartition("/")[0] for box in boxes))
    if len(places) < 2 or not all(box.template for box in boxes):
        return boxes
    template = [box for box in boxes if box.scope.rpartition("/")[0] == places[0]]
    calls = [
        CallScope(
            place,
            False,
            sorted(row for box in boxes if box.scope.rpartition("/")[0] == place for row in box.rows),
        )
        for place in places[1:]
    ]
    return [*template, *calls]


def unit_of(context: DiagnosisContext, owner: str) -> str:
    """The layer or nested model of the top level that an owner is, or is inside of."""
    assert context.layers is not None
    place = context.layers.layers.get(owner) or context.layers.nested.get(owner)
    if place is None or not place.path:
        return owner
    return next((id_ for id_, model in context.layers.nested.items() if (model.name,) == place.path[:1]), owner)


def _names(context: DiagnosisContext, owner: str) -> Sequence[str]:
    """What an op's scopes may be called: the outermost model first, the layer's own name, the layers it wraps."""
    assert context.layers is not None
    layer = context.layers.layers.get(owner)
    if layer is not None:
        return (*layer.path, layer.name, *layer.inner)
    model = context.layers.nested[owner]
    return (*model.path, model.name)


class Outermost(Generic[Answer]):
    """Finds, among the scopes around an op, the outermost that has an answer. Every scope is asked once.

    Args:
        scopes: All scopes.
        answer: Gives the answer of a scope by its name, or ``None``.
    """

    def __init__(self, scopes: ScopeTree, answer: Callable[[str], Answer | None]) -> None:
        self._names = scopes.names
        self._parents = scopes.parents
        self._answer = answer
        self._known: dict[int, Answer | None] = {0: None}

    def of_scope(self, scope: int) -> Answer | None:
        """The answer of a scope, by its number, or of the outermost scope around it that has one."""
        missing = []
        while scope not in self._known:
            missing.append(scope)
            scope = self._parents[scope]
        answer = self._known[scope]
        for inner in reversed(missing):
            answer = self._answer(self._names[inner]) if answer is None else answer
            self._known[inner] = answer
        return answer


def by_outermost(
    context: DiagnosisContext, finders: Sequence[Outermost[Answer]]
) -> Sequence[tuple[int, Answer, Sequence[int]]]:
    """Group the ops of layers by owner, and by the answer that the scopes around them give.

    Args:
        context: The diagnosis context.
        finders: For each owner, what gives the answers.

    Returns:
        For each group the place of the owner among all owners, the answer, and the rows of the ops, ascending; groups
        are in the order of their first ops, and several may have one owner and answer. Ops without an answer are left
        out.
    """
    found: list[tuple[int, Answer, Sequence[int]]] = []

    def ask(groups: Iterable[_Group]) -> Sequence[int]:
        without: list[int] = []
        for owner, scope, rows in groups:
            answer = finders[owner].of_scope(scope)
            if answer is None:
                without += rows
            else:
                found.append((owner, answer, rows))
        return without

    # Mostly the outermost scope has the answer, and those inside it need not be asked.
    left = np.sort(np.array(ask(_by_outer_scope(context)), dtype=np.int64))
    ask(_grouped(left, context.ownership.of_op[left], context.ops.scopes.of_op[left]))
    return sorted(found, key=lambda group: group[2][0])


_Group = tuple[int, int, Sequence[int]]
"""An owner, a scope, and the rows of ops."""


@once
def _by_outer_scope(context: DiagnosisContext) -> Sequence[_Group]:
    """The ops of layers by owner and by the outermost scope around them, 0 for ops at the root."""
    of_op, scopes = context.ownership.of_op, context.ops.scopes
    rows = np.flatnonzero(of_op != UNOWNED)
    outer = np.maximum(scopes.at_depth(1), 0)
    return list(_grouped(rows, of_op[rows], outer[scopes.of_op[rows]]))


def _grouped(rows: np.ndarray, owners: np.ndarray, scopes: np.ndarray) -> Iterator[_Group]:
    """Groups of rows with one owner and one scope: the owner, the scope and the rows."""
    first, group = first_of_each(numbers_of_pairs(owners, scopes, int(scopes.max(initial=0)) + 1))
    order, offsets = grouped(group, len(first))
    members, parts = rows[order].tolist(), pairwise(offsets.tolist())
    for owner, scope, (start, stop) in zip(owners[first].tolist(), scopes[first].tolist(), parts, strict=True):
        yield owner, scope, members[start:stop]


def tail(scope: str, depth: int) -> str:
    """The last pieces of a scope: of ``model/conv1/bn``, at depth 2, ``conv1/bn``."""
    return "/".join(scope.rsplit("/", depth)[-depth:])


def _by_name(names: Sequence[str]) -> Callable[[str], tuple[str, bool] | None]:
    """Tells whether a scope has one of the names, and whether it is not the first of them."""
    depths = [(name, name.count("/") + 1, position > 0) for position, name in enumerate(names)]

    def answer(scope: str) -> tuple[str, bool] | None:
        return next(((scope, later) for name, depth, later in depths if fits(tail(scope, depth), name)), None)

    return answer


def split_by_variables(context: DiagnosisContext, boxes: Sequence[CallScope]) -> Sequence[Sequence[CallScope]]:
    """Put the boxes together that read one another's variables: those are one layer.

    Args:
        context: The diagnosis context.
        boxes: Boxes of one layer or nested model.

    Returns:
        The groups, in the order of the graph. Boxes without any variable are in the group if there is one only, and in
        none otherwise.
    """
    box_of = {row: position for position, box in enumerate(boxes) for row in box.rows}
    group: DisjointSets[int] = DisjointSets()
    ops, flow = context.ops, context.flow
    readers: dict[int, int] = {}
    for row, position in box_of.items():
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source, slot = int(ops.source[edge]), int(ops.output[edge])
            if slot == CONTROL or not is_state(flow.over(source, slot, ops.types[row])):
                continue
            variable = _what_is_read(ops, source)
            first = box_of.get(source, readers.setdefault(variable, position))
            first, second = sorted((group.root(first), group.root(position)))
            group.join(second, into=first)
    with_variables = {box_of[row] for row in box_of if ops.types[row] in VARIABLES} | set(readers.values())
    members: dict[int, list[CallScope]] = defaultdict(list)
    for position, box in enumerate(boxes):
        members[group.root(position)].append(box)
    rooted = {group.root(position) for position in with_variables}
    if len(rooted) == 1:
        return [boxes]
    return [part for position, part in sorted(members.items()) if position in rooted]


def find_copies(context: DiagnosisContext) -> tuple[Sequence[CallScope], Sequence[CallScope]]:
    """The boxes of layers of which there are several, each with its own variables.

    Args:
        context: The diagnosis context; it has a layer graph.

    Returns:
        The boxes of the first copy of each, and those of the others.
    """
    firsts: list[CallScope] = []
    others: list[CallScope] = []
    without_variables: list[Sequence[CallScope]] = []
    for unit, boxes in call_scopes_of(context).items():
        if len(boxes) < 2:
            continue
        groups = split_by_variables(context, boxes)
        if len(groups) > 1:
            firsts += groups[0]
            others += [box for group in groups[1:] for box in group]
        elif not groups and len(boxes) > _calls(context, unit):
            without_variables.append(boxes)
    if others:
        # A Dropout has nothing to tell its copies apart by; it was copied with the rest.
        for boxes in without_variables:
            firsts.append(boxes[0])
            others += boxes[1:]
    return firsts, others


def _calls(context: DiagnosisContext, unit: str) -> int:
    assert context.layers is not None
    layer = context.layers.layers.get(unit) or context.layers.nested.get(unit)
    return layer.calls if layer else 1


def _what_is_read(ops: OpGraph, row: int) -> int:
    """Row of the variable of which an op gives the value, or the row itself."""
    while ops.types[row] in _GIVES_VALUE and ops.in_edges[row] < ops.in_edges[row + 1]:
        row = int(ops.source[int(ops.in_edges[row])])
    return row
