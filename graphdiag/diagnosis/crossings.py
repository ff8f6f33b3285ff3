"""Crossings: the op edges whose two ends have different owners, and what each carries.

An edge that leaves a layer, runs through ops of nobody and enters another layer is a crossing between the two. On the
way each source's share is followed on its own, by the rules of `graphdiag.diagnosis.op_table`: where activations of
one layer and the shape of another meet in an op of nobody, the next layer gets activations of the one and only the
shape of the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.diagnosis.flow import CLASS_BITS, Carries, Flow, evaluation_order, transfer
from graphdiag.diagnosis.op_table import UNKNOWN, Kind, Rule, rules
from graphdiag.diagnosis.ownership import NOBODY, Ownership
from graphdiag.graphs.op_graph import CONTROL, OpGraph


@dataclass(frozen=True)
class OpEdge:
    """One op edge on which one owner's tensor enters another's op.

    Attributes:
        source: Row of the op that gives the tensor: the last one that belongs to the source owner.
        target: Row of the op that takes it.
        output: Output slot of the source, -1 for a control dependency.
        carries: What of the source arrives at the target.
        through: Rows of ops of nobody on the way, in order; empty for a direct edge.
    """

    source: int
    target: int
    output: int
    carries: Carries
    through: tuple[int, ...] = ()

    @property
    def control(self) -> bool:
        """Whether it is a control dependency."""
        return self.output == CONTROL


@dataclass(frozen=True)
class Crossings:
    """All crossings of an op graph.

    Attributes:
        edges: The op edges of each ``(source owner, target owner)``, in the order of the graph.
        to_roles: For each ``(owner, role)``, the number of op edges from the owner's ops into bookkeeping ops.
    """

    edges: Mapping[tuple[str, str], Sequence[OpEdge]]
    to_roles: Mapping[tuple[str, str], int]


def find_crossings(graph: OpGraph, ownership: Ownership, flow: Flow) -> Crossings:
    """Find the op edges between different owners.

    Args:
        graph: The op graph.
        ownership: Who owns each op.
        flow: What each tensor carries.

    Returns:
        All crossings, direct ones and those through ops of nobody.
    """
    of_op = ownership.of_op
    if not len(graph.source):
        return Crossings({}, {})
    from_owner, to_owner = of_op[graph.source], of_op[graph.target]
    found: dict[tuple[int, int], list[OpEdge]] = defaultdict(list)
    for edge in np.flatnonzero((from_owner != to_owner) & (from_owner != NOBODY) & (to_owner != NOBODY)).tolist():
        source, target, output = int(graph.source[edge]), int(graph.target[edge]), int(graph.output[edge])
        found[int(from_owner[edge]), int(to_owner[edge])].append(
            OpEdge(source, target, output, flow.over(source, output, graph.types[target]))
        )
    for writer, reader in flow.stores:
        pair = int(of_op[writer]), int(of_op[reader])
        if pair[0] != pair[1] and NOBODY not in pair:
            found[pair].append(OpEdge(writer, reader, 0, Carries.ACTIVATION))
    for pair, through in _Between(graph, ownership, flow).crossings():
        found[pair].append(through)
    to_roles: dict[tuple[str, str], int] = defaultdict(int)
    if ownership.roles:
        for edge in np.flatnonzero((from_owner != NOBODY) & (to_owner == NOBODY)).tolist():
            role = ownership.roles.get(int(graph.target[edge]))
            if role:
                to_roles[ownership.owners[int(from_owner[edge])], role] += 1
    edges = {
        (ownership.owners[source], ownership.owners[target]): sorted(
            op_edges, key=lambda edge: (edge.target, edge.source, edge.output)
        )
        for (source, target), op_edges in sorted(found.items())
    }
    return Crossings(edges, dict(sorted(to_roles.items())))


class _Between:
    """What reaches each op of nobody from each owner, in bits: `CLASS_BITS` for every owner."""

    def __init__(self, graph: OpGraph, ownership: Ownership, flow: Flow) -> None:
        self.graph = graph
        self.flow = flow
        self.of_op: list[int] = ownership.of_op.tolist()
        self.source: list[int] = graph.source.tolist()
        self.output: list[int] = graph.output.tolist()
        self.first: list[int] = graph.in_edges.tolist()
        self.stored_by: dict[int, list[int]] = defaultdict(list)
        for writer, reader in flow.stores:
            if self.of_op[reader] == NOBODY:
                self.stored_by[reader].append(writer)
        self.rows = self._relevant(ownership)
        self.values: dict[int, int] = dict.fromkeys(self.rows, 0)
        self.shapes: dict[int, int] = dict.fromkeys(self.rows, 0)
        self.controls: dict[int, int] = dict.fromkeys(self.rows, 0)
        self._settle()

    def _relevant(self, ownership: Ownership) -> list[int]:
        """Rows of nobody that some owner's op depends on through ops of nobody, in an order of evaluation."""
        nobody = {row for row, owner in enumerate(self.of_op) if owner == NOBODY and row not in ownership.roles}
        needed: set[int] = set()
        waiting = [
            origin
            for origin, target in zip(self.source, self.graph.target.tolist(), strict=True)
            if origin in nobody and self.of_op[target] != NOBODY
        ]
        while waiting:
            row = waiting.pop()
            if row in needed:
                continue
            needed.add(row)
            waiting += [
                self.source[edge] for edge in range(self.first[row], self.first[row + 1]) if self.source[edge] in nobody
            ]
            waiting += [writer for writer in self.stored_by.get(row, ()) if writer in nobody]
        if not needed:
            return []
        order, _ = evaluation_order(self.graph)
        return [row for row in order if row in needed]

    def _settle(self) -> None:
        grew = bool(self.rows)
        while grew:
            grew = False
            for row in self.rows:
                value, shape, control = self._arriving(row)
                if (
                    value | self.values[row] != self.values[row]
                    or shape | self.shapes[row] != self.shapes[row]
                    or control | self.controls[row] != self.controls[row]
                ):
                    self.values[row] |= value
                    self.shapes[row] |= shape
                    self.controls[row] |= control
                    grew = True

    def _arriving(self, row: int) -> tuple[int, int, int]:
        inputs = []
        control = 0
        for edge in range(self.first[row], self.first[row + 1]):
            origin, slot = self.source[edge], self.output[edge]
            owner = self.of_op[origin]
            if owner != NOBODY:
                base = owner * CLASS_BITS
                if slot == CONTROL:
                    control |= 1 << base
                else:
                    value, shape = self._classes(origin, slot)
                    inputs.append((value << base, shape << base))
                    if not value | shape:
                        control |= 1 << base
            elif origin in self.values:
                control |= self.controls[origin]
                if slot == CONTROL:
                    control |= self._owners(self.values[origin] | self.shapes[origin])
                else:
                    inputs.append((self.values[origin], self.shapes[origin]))
        value, shape = _passes_on(self.graph.types[row], inputs)
        for writer in self.stored_by.get(row, ()):
            if self.of_op[writer] != NOBODY:
                value |= int(Carries.ACTIVATION) << (self.of_op[writer] * CLASS_BITS)
            else:
                value |= self.values.get(writer, 0) | self.shapes.get(writer, 0)
        lost = 0
        for input_value, input_shape in inputs:
            lost |= input_value | input_shape
        return value, shape, control | self._owners(lost & ~(value | shape))

    def _classes(self, row: int, slot: int) -> tuple[int, int]:
        slots = self.flow.slots.get(row)
        if slots is not None and slot < len(slots):
            return slots[slot]
        return self.flow.values[row], self.flow.shapes[row]

    @staticmethod
    def _owners(bits: int) -> int:
        """The first bit of every owner that has any bit set: a link from the owner that carries no class."""
        found = 0
        while bits:
            base = ((bits & -bits).bit_length() - 1) // CLASS_BITS * CLASS_BITS
            found |= 1 << base
            bits = bits >> (base + CLASS_BITS) << (base + CLASS_BITS)
        return found

    def crossings(self) -> Iterator[tuple[tuple[int, int], OpEdge]]:
        """The edges on which ops of nobody hand on what came from another owner."""
        if not self.rows:
            return
        for target, owner in enumerate(self.of_op):
            if owner == NOBODY:
                continue
            for edge in range(self.first[target], self.first[target + 1]):
                last, slot = self.source[edge], self.output[edge]
                if last not in self.values:
                    continue
                bits = 0 if slot == CONTROL else self.values[last] | self.shapes[last]
                links = self.controls[last] | self._owners(self.values[last] | self.shapes[last])
                while links:
                    base = (links & -links).bit_length() - 1
                    links &= links - 1
                    origin_owner = base // CLASS_BITS
                    if origin_owner != owner:
                        carries = _dominant(Carries((bits >> base) & ((1 << CLASS_BITS) - 1)))
                        path = self._path(last, origin_owner)
                        first_slot = self._slot(path[0], path[1])
                        plain_control = slot == CONTROL or (first_slot == CONTROL and not carries)
                        yield (
                            (origin_owner, owner),
                            OpEdge(path[0], target, CONTROL if plain_control else first_slot, carries, path[1:]),
                        )

    def _path(self, last: int, owner: int) -> tuple[int, ...]:
        """A shortest way from an op of the owner to ``last``, through ops of nobody."""
        onward = {last: -1}
        waiting = [last]
        for row in waiting:
            origins = [self.source[edge] for edge in range(self.first[row], self.first[row + 1])]
            for origin in [*origins, *self.stored_by.get(row, ())]:
                if self.of_op[origin] == owner:
                    path = [origin, row]
                    while onward[path[-1]] != -1:
                        path.append(onward[path[-1]])
                    return tuple(path)
                if origin in self.values and origin not in onward and self.of_op[origin] == NOBODY:
                    onward[origin] = row
                    waiting.append(origin)
        raise AssertionError("what arrived has come from somewhere")

    def _slot(self, source: int, target: int) -> int:
        slots = [
            self.output[edge]
            for edge in range(self.first[target], self.first[target + 1])
            if self.source[edge] == source
        ]
        # Stored by the one and read by the other, there is no edge between them.
        return max(slots, default=0)


def _passes_on(op_type: str, inputs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Which owners' bits an op of nobody passes on; classes of its own are of no interest here."""
    rule = rules().get(op_type, UNKNOWN)
    if rule.kind in (Kind.COMPUTES, Kind.MEASURES, Kind.BLANK, Kind.FILLS):
        return transfer(rule, inputs)
    if rule.kind is Kind.CONSTANT:
        return 0, 0
    value, shape = transfer(Rule(Kind.COMPUTES), inputs)
    return value | shape, value | shape


def _dominant(carries: Carries) -> Carries:
    """Without the shape of something whose values arrive as well."""
    return carries & ~Carries.SHAPE if carries & ~Carries.SHAPE else carries
