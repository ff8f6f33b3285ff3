"""Crossings: the op edges whose two ends have different owners, and what each carries.

An edge that leaves a layer, runs through unowned ops and enters another layer is a crossing between the two. On the
way each source's share is followed on its own, by the rules of `graphdiag.diagnosis.dataflow.op_specs`: where
activations of one layer and the shape of another meet in an unowned op, the next layer gets activations of the one
and only the shape of the other. What one op stores and another finds counts as an edge between them.

A ``NoOp`` at the root, as `tf.group` and the end of a traced function make it, only orders what runs, and TensorBoard
takes it out of the layout: what waits for it is no edge from the layers that it waits for, unless their activations
decide whether it runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import numpy as np

from graphdiag.diagnosis.dataflow.classes import (
    ACTIVATION,
    ALL_CLASSES,
    CLASS_BITS,
    HANDLE,
    PARAMETER,
    Carries,
    Dependencies,
    named,
    transfer,
)
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.dataflow.liveness import evaluation_order
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, OpSpec, op_specs
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.graphs.arrays import distinct
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.reach import reached


class OpEdge(Protocol):
    """One op edge on which one owner's tensor enters another's op: direct, or through unowned ops."""

    @property
    def source(self) -> int:
        """Row of the op that gives the tensor: the last one that belongs to the source owner."""

    @property
    def target(self) -> int:
        """Row of the op that takes it."""

    @property
    def output(self) -> int:
        """Output slot of the source, `CONTROL` for a control dependency."""

    @property
    def carries(self) -> Carries:
        """What of the source arrives at the target."""

    @property
    def through(self) -> tuple[int, ...]:
        """Rows of unowned ops on the way, in order; empty for a direct edge."""

    @property
    def control(self) -> bool:
        """Whether it is a control dependency."""

    @property
    def entering(self) -> tuple[int, int]:
        """Row and output slot of the tensor that the target takes: the source's, or that of the last op on the way."""


@dataclass(frozen=True, slots=True)
class DirectEdge:
    """An op edge whose way is known. The attributes are those of `OpEdge`."""

    source: int
    target: int
    output: int
    carries: Carries
    through: tuple[int, ...] = ()

    @property
    def control(self) -> bool:
        """Whether it is a control dependency."""
        return self.output == CONTROL

    @property
    def entering(self) -> tuple[int, int]:
        """Row and output slot of the tensor that the target takes."""
        return self.source, self.output


@dataclass(frozen=True)
class Crossings:
    """All crossings of an op graph.

    Attributes:
        edges: The op edges of each ``(source owner, target owner)``, in the order of the graph.
        to_roles: For each ``(owner, role)``, the number of op edges from the owner's ops into bookkeeping ops; those
            that lie in the owner's own scope, as what initializes a variable beside it, are left out.
        between_calls: For each owner with several calls, the op edges over which activations of one go to another.
    """

    edges: Mapping[tuple[str, str], Sequence[OpEdge]]
    to_roles: Mapping[tuple[str, str], int]
    between_calls: Mapping[str, Sequence[OpEdge]] = field(default_factory=dict)


def find_crossings(graph: OpGraph, ownership: Ownership, flow: Flow, call_of_op: np.ndarray | None = None) -> Crossings:
    """Find the op edges between different owners.

    Args:
        graph: The op graph.
        ownership: Who owns each op.
        flow: What each tensor carries.
        call_of_op: For each op a number of the call that made it, where calls are told apart.

    Returns:
        All crossings, direct ones and those through unowned ops.
    """
    if not len(graph.source):
        return Crossings({}, {})
    of_op, owner_of = _ends(ownership, call_of_op)
    from_owner, to_owner = of_op[graph.source], of_op[graph.target]
    between = np.flatnonzero(from_owner != to_owner)
    from_owner, to_owner = from_owner[between], to_owner[between]
    # With each op edge, its place among the edges of the graph, to put direct and followed ones in order.
    found: dict[tuple[int, int], list[tuple[int, OpEdge]]] = defaultdict(list)
    is_direct = (from_owner != UNOWNED) & (to_owner != UNOWNED)
    direct = between[is_direct]
    columns = (
        direct,
        from_owner[is_direct],
        to_owner[is_direct],
        graph.source[direct],
        graph.target[direct],
        graph.output[direct],
    )
    for edge, giver, taker, source, target, output in zip(*(column.tolist() for column in columns), strict=True):
        carries = flow.over(source, output, graph.types[target], target)
        found[giver, taker].append((edge, DirectEdge(source, target, output, carries)))
    stores, later = _pairs(flow.stores), _pairs(flow.stores_for_next_call)
    for writes, reads in (stores, later):
        apart = (of_op[writes] != of_op[reads]) & (of_op[writes] != UNOWNED) & (of_op[reads] != UNOWNED)
        for writer, reader in zip(writes[apart].tolist(), reads[apart].tolist(), strict=True):
            pair = int(of_op[writer]), int(of_op[reader])
            # What a layer keeps for its own next call is its own business.
            if owner_of[pair[0]] != owner_of[pair[1]]:
                place = int(graph.in_edges[reader])
                found[pair].append((place, DirectEdge(writer, reader, 0, Carries.ACTIVATION)))
    stored = _stored(of_op, ownership, stores, later)
    for pair, place, followed in _Between(
        graph, ownership, of_op, flow, between[from_owner == UNOWNED], stored
    ).crossings():
        found[pair].append((place, followed))
    by_owners: dict[tuple[int, int], list[tuple[int, OpEdge]]] = defaultdict(list)
    for (source, target), placed in found.items():
        by_owners[owner_of[source], owner_of[target]] += placed
    edges: dict[tuple[str, str], Sequence[OpEdge]] = {}
    between_calls: dict[str, Sequence[OpEdge]] = {}
    for (source, target), placed in sorted(by_owners.items()):
        op_edges = [op_edge for _, op_edge in sorted(placed, key=lambda place: place[0])]
        if source != target:
            edges[ownership.owners[source], ownership.owners[target]] = op_edges
            continue
        real = [op_edge for op_edge in op_edges if op_edge.carries & Carries.ACTIVATION]
        if real:
            between_calls[ownership.owners[source]] = real
    return Crossings(edges, _to_roles(graph, ownership, between[to_owner == UNOWNED]), between_calls)


Pairs = tuple[np.ndarray, np.ndarray]
"""Rows of ops that store something, and for each the row of one that may find it; int64."""


def _pairs(pairs: Sequence[tuple[int, int]]) -> Pairs:
    """Pairs of rows as columns."""
    rows = np.fromiter(chain.from_iterable(pairs), dtype=np.int64, count=2 * len(pairs))
    return rows[::2], rows[1::2]


def _stored(ends: np.ndarray, ownership: Ownership, stores: Pairs, later: Pairs) -> Pairs:
    """Those of the ops that store and of those that find it over which something may go through unowned ops.

    Args:
        ends: See `_ends`.
        ownership: Who owns each op.
        stores: As in `Flow.stores`.
        later: As in `Flow.stores_for_next_call`.
    """
    # What one owner's op stores for another's leads through no unowned op.
    through = (ends[stores[0]] == UNOWNED) | (ends[stores[1]] == UNOWNED)
    writers, readers = stores[0][through], stores[1][through]
    # An Assign without an owner counts as initialization; not so when it is activations that it stores.
    serving = distinct(writers[ownership.has_role[writers]]).tolist()
    kept = ~np.isin(writers, [row for row in serving if ownership.roles[row] != "initialization"])
    # Training has the next call compute with other weights: that is what it is for.
    onward = (ends[later[0]] != UNOWNED) & (ends[later[1]] == UNOWNED)
    return np.concatenate([writers[kept], later[0][onward]]), np.concatenate([readers[kept], later[1][onward]])


def _to_roles(graph: OpGraph, ownership: Ownership, into_unowned: np.ndarray) -> Mapping[tuple[str, str], int]:
    """See `Crossings.to_roles`.

    Args:
        graph: The op graph.
        ownership: Who owns each op.
        into_unowned: The places of the edges from owned ops into unowned ones.
    """
    out = into_unowned[ownership.has_role[graph.target[into_unowned]]]
    scopes = _scopes_of_layers(graph, ownership, graph.source[out])
    out = out[~graph.scopes.lies_in(graph.scopes.of_op[graph.target[out]], scopes)]
    ends = zip(ownership.of_op[graph.source[out]].tolist(), graph.target[out].tolist(), strict=True)
    found = Counter((ownership.owners[owner], ownership.roles[target]) for owner, target in ends)
    return dict(sorted(found.items()))


def _scopes_of_layers(graph: OpGraph, ownership: Ownership, rows: np.ndarray) -> np.ndarray:
    """The scope of the layer that owns each of some ops; int64, -1 for none."""
    numbers = graph.scopes.numbers
    if ownership.by_scope:
        of_owner = np.array([numbers.get(owner, -1) for owner in ownership.owners], dtype=np.int64)
        found: np.ndarray = of_owner[ownership.of_op[rows]]
        return found
    # An op at the root has the scope that is named as it is, if there is one.
    around = graph.scopes.of_op[rows]
    found = np.where(around > 0, around, graph.drawn_in[rows]).astype(np.int64)
    found[found == 0] = -1
    if ownership.scope_of_op:
        scopes = map(ownership.scope_of_op.__getitem__, rows.tolist())
        found[:] = [numbers.get(scope, -1) if scope else own for scope, own in zip(scopes, found.tolist(), strict=True)]
    return found


def _ends(ownership: Ownership, call_of_op: np.ndarray | None) -> tuple[np.ndarray, Sequence[int]]:
    """What is on either side of a crossing: owners, and where calls are told apart, each call of an owner.

    Returns:
        For each op the number of its end, `UNOWNED` for none; and the owner of each end.
    """
    of_op = ownership.of_op
    if call_of_op is None:
        return of_op, range(len(ownership.owners))
    calls = int(call_of_op.max(initial=-1)) + 2
    ends = np.where(of_op == UNOWNED, UNOWNED, of_op.astype(np.int64) * calls + call_of_op + 1)
    present = distinct(ends[ends != UNOWNED])
    numbered = np.searchsorted(present, ends).astype(np.int32)
    numbered[ends == UNOWNED] = UNOWNED
    return numbered, (present // calls).tolist()


@dataclass(frozen=True, slots=True)
class FollowedEdge:
    """An op edge through unowned ops. The way is worked out when it is asked for: of most edges it never is.

    Attributes:
        owner: Number of the owner that the tensor comes from.
        last: Row of the last unowned op on the way.
        last_output: Output slot of that op.
        target: Row of the op that takes the tensor.
        control: Whether it is a control dependency.
        carries: What of the source arrives at the target.
        between: What was followed through the unowned ops.
    """

    owner: int
    last: int
    last_output: int
    target: int
    control: bool
    carries: Carries
    between: _Between = field(compare=False, repr=False)

    @property
    def source(self) -> int:
        """Row of the op that gives the tensor."""
        return self._way[0]

    @property
    def through(self) -> tuple[int, ...]:
        """Rows of unowned ops on the way."""
        return self._way[1:]

    @property
    def output(self) -> int:
        """Output slot of the source."""
        if self.control:
            return CONTROL
        source, first = self._way[:2]
        return self.between.slot(source, first)

    @property
    def entering(self) -> tuple[int, int]:
        """Row and output slot of the tensor that the target takes."""
        return self.last, self.last_output

    @property
    def _way(self) -> tuple[int, ...]:
        return self.between.way(self.owner, self.last, self.carries)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without all that was followed, which a copy in another process has no use for."""
        return DirectEdge, (self.source, self.target, self.output, self.carries, self.through)


@dataclass
class _Arrived:
    """What has arrived at an unowned op.

    Attributes:
        values: What its values have of each owner's classes: `CLASS_BITS` for every owner.
        shapes: What its shape has of them.
        decided: What of them decides whether it runs.
        linked: Owners from whose ops some way leads here, one bit each.
        waits: The same, for ways that begin with a control dependency.
    """

    values: int = 0
    shapes: int = 0
    decided: int = 0
    linked: int = 0
    waits: int = 0


class _Between:
    """What reaches each unowned op from each owner.

    Args:
        graph: The op graph.
        ownership: Who owns each op.
        ends: See `_ends`.
        flow: What each tensor carries.
        leaves: The places of the edges from unowned ops into owned ones.
        stored: See `_stored`.
    """

    def __init__(
        self, graph: OpGraph, ownership: Ownership, ends: np.ndarray, flow: Flow, leaves: np.ndarray, stored: Pairs
    ) -> None:
        self.graph = graph
        self.flow = flow
        self._ends = ends
        self.ends = int(ends.max(initial=-1)) + 1
        self.arrived: dict[int, _Arrived] = {}
        self.entries: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._asked: dict[int, set[tuple[int, int]]] = defaultdict(set)
        self._ways: dict[tuple[int, int, int], tuple[int, ...]] = {}
        self._onward: dict[int, list[int]] | None = None
        needed = self._needed(ownership, leaves, stored)
        self.stored_by: dict[int, list[int]] = defaultdict(list)
        # Between two owned ops nothing is stored here, so one of the two is needed.
        told = needed[stored[0]] | needed[stored[1]]
        for writer, reader in zip(stored[0][told].tolist(), stored[1][told].tolist(), strict=True):
            self.stored_by[reader].append(writer)
        order = np.asarray(evaluation_order(graph)) if needed.any() else np.empty(0, dtype=np.int64)
        self._settle(order[needed[order]].tolist())

    @cached_property
    def of_op(self) -> list[int]:
        """The end of each op, as a list."""
        rows: list[int] = self._ends.tolist()
        return rows

    @cached_property
    def source(self) -> list[int]:
        """As in the graph, as a list; so are `output` and `first`, the offsets of each row's edges."""
        rows: list[int] = self.graph.source.tolist()
        return rows

    @cached_property
    def output(self) -> list[int]:
        """As in the graph, as a list."""
        slots: list[int] = self.graph.output.tolist()
        return slots

    @cached_property
    def first(self) -> list[int]:
        """The offsets of each row's edges, as a list."""
        offsets: list[int] = self.graph.in_edges.tolist()
        return offsets

    def _needed(self, ownership: Ownership, leaves: np.ndarray, stored: Pairs) -> np.ndarray:
        """Whether each op is unowned, and some owner's op depends on it through unowned ops; bool."""
        graph, unowned = self.graph, self._ends == UNOWNED
        # Bookkeeping is followed by its tensors alone: gradients may be taken within a model, and a scope of the
        # user's be called "metrics".
        givers = graph.source[leaves]
        needed = np.zeros(len(graph), dtype=bool)
        needed[givers[(graph.output[leaves] != CONTROL) | ~ownership.has_role[givers]]] = True
        writers, readers = stored
        while True:
            needed = reached(needed, graph.in_edges, graph.source, through=unowned)
            found = writers[(needed[readers] | ~unowned[readers]) & unowned[writers] & ~needed[writers]]
            if not len(found):
                return needed
            needed[found] = True

    def _origins(self, row: int) -> Iterator[int]:
        for edge in range(self.first[row], self.first[row + 1]):
            yield self.source[edge]
        yield from self.stored_by.get(row, ())

    def _settle(self, rows: Sequence[int]) -> None:
        self.arrived = {row: _Arrived() for row in rows}
        place = {row: number for number, row in enumerate(rows)}
        loops = False
        for row in rows:
            for origin in self._origins(row):
                if self.of_op[origin] != UNOWNED:
                    self.entries[self.of_op[origin]].append((origin, row))
                elif place.get(origin, -1) >= place[row]:
                    loops = True
        grew = bool(rows)
        while grew:
            grew = False
            for row in rows:
                now = self._arriving(row)
                if now != self.arrived[row]:
                    self.arrived[row] = now
                    grew = loops

    def _arriving(self, row: int) -> _Arrived:
        inputs: list[Dependencies] = []
        found = _Arrived()
        for edge in range(self.first[row], self.first[row + 1]):
            origin, slot = self.source[edge], self.output[edge]
            sets = (0, 0)
            owner = self.of_op[origin]
            if owner != UNOWNED:
                base = owner * CLASS_BITS
                value, shape = self.flow.of_output(origin, slot)
                sets = value << base, shape << base
                found.decided |= self.flow.pivots.get(origin, 0) << base
                if slot == CONTROL:
                    found.waits |= 1 << owner
                else:
                    found.linked |= 1 << owner
            elif origin in self.arrived:
                before = self.arrived[origin]
                sets = before.values, before.shapes
                found.decided |= before.decided
                found.linked |= before.linked
                found.waits |= before.waits
            if slot != CONTROL:
                inputs.append(sets)
        rule = op_specs().get(self.graph.types[row], UNKNOWN)
        found.values, found.shapes = self._passed_on(rule, inputs)
        for writer in self.stored_by.get(row, ()):
            owner = self.of_op[writer]
            if owner != UNOWNED:
                found.linked |= 1 << owner
                found.values |= ACTIVATION << owner * CLASS_BITS
            elif writer in self.arrived:
                before = self.arrived[writer]
                found.linked |= before.linked
                found.waits |= before.waits
                found.values |= before.values | before.decided
            found.shapes |= found.values
        if rule.kind in (Kind.MERGES, Kind.EXITS):
            found.values |= found.decided
            found.shapes |= found.decided
        if row not in self.flow.pivots:
            found.decided = 0
        elif rule.kind is Kind.SWITCHES and len(inputs) > 1:
            found.decided |= inputs[1][0]
        if self.graph.types[row] == "NoOp" and "/" not in self.graph.names[row]:
            deciding = _owners_of(found.decided)
            found.linked &= deciding
            found.waits &= deciding
        return found

    def _passed_on(self, rule: OpSpec, inputs: Sequence[Dependencies]) -> Dependencies:
        """What of the owners' classes an unowned op passes on; its own are of no interest here."""
        kind = rule.kind
        if kind in (Kind.CONSTANT, Kind.COMPUTES, Kind.RESIZES) or (
            kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT) and not rule.handles
        ):
            return transfer(rule, inputs)
        if kind in (Kind.MERGES, Kind.SWITCHES, Kind.EXITS):
            return transfer(_JOINS, inputs)
        if kind is Kind.RANDOM and not rule.handles:
            return transfer(OpSpec(Kind.COMPUTES, rule.dimensions), inputs)
        value, _ = transfer(_JOINS, inputs)
        if kind is Kind.READS:
            # What goes on is not the variable but what it holds.
            handles = value & self._handles
            value = value & ~handles | handles * PARAMETER // HANDLE
        return value, value

    @cached_property
    def _handles(self) -> int:
        """The bit of `HANDLE` for every owner."""
        # Digits of base 2 are put together in linear time, sums of ever longer numbers are not.
        return int(f"{HANDLE:0{CLASS_BITS}b}" * self.ends or "0", base=2)

    def crossings(self) -> Iterator[tuple[tuple[int, int], int, OpEdge]]:
        """The edges on which unowned ops hand on what came from another owner.

        Yields:
            The two owners, the place of the last edge among the edges of the graph, and the op edge.
        """
        if not self.arrived:
            return
        table = op_specs()
        for target in self._takers():
            rule = table.get(self.graph.types[target], UNKNOWN)
            measures = rule.kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT) and not rule.handles
            for edge in range(self.first[target], self.first[target + 1]):
                there = self.arrived.get(self.source[edge])
                if there is None:
                    continue
                if self.output[edge] == CONTROL:
                    bits = there.decided
                else:
                    bits = (there.shapes if measures else there.values) | there.decided
                control = self.output[edge] == CONTROL
                yield from self._from_all(self.source[edge], self.output[edge], target, bits, control, edge)
            for writer in self.stored_by.get(target, ()):
                if writer in self.arrived:
                    there = self.arrived[writer]
                    stored = there.values | there.decided
                    yield from self._from_all(writer, 0, target, stored, False, self.first[target])

    def _takers(self) -> Sequence[int]:
        """The owned ops that take something from the unowned ones that were followed, or may find what is stored."""
        is_taker = np.zeros(len(self.graph), dtype=bool)
        has_arrived = np.zeros(len(self.graph), dtype=bool)
        has_arrived[list(self.arrived)] = True
        is_taker[self.graph.target[has_arrived[self.graph.source]]] = True
        is_taker[list(self.stored_by)] = True
        takers: list[int] = np.flatnonzero(is_taker & (self._ends != UNOWNED)).tolist()
        return takers

    def _from_all(
        self, last: int, slot: int, target: int, bits: int, control: bool, place: int
    ) -> Iterator[tuple[tuple[int, int], int, OpEdge]]:
        there = self.arrived[last]
        owners = there.linked | there.waits
        while owners:
            lowest = owners & -owners
            owners ^= lowest
            owner = lowest.bit_length() - 1
            if owner == self.of_op[target]:
                continue
            carries = named((bits >> owner * CLASS_BITS) & ALL_CLASSES)
            waits = control or (not carries and not there.linked & lowest)
            self._asked[owner].add((_heaviest(carries), last))
            yield (owner, self.of_op[target]), place, FollowedEdge(owner, last, slot, target, waits, carries, self)

    def way(self, owner: int, last: int, carries: Carries) -> tuple[int, ...]:
        """A shortest way from one owner's ops to an unowned op, on which what arrives there can come.

        Returns:
            Rows: an op of the owner, then unowned ops up to the last.
        """
        wanted = _heaviest(carries)
        if (owner, wanted, last) not in self._ways:
            # Whoever asks for one way of an owner asks for others, and a search finds them all.
            groups: dict[int, set[int]] = defaultdict(set)
            for mask, row in {*self._asked.pop(owner, ()), (wanted, last)}:
                groups[mask].add(row)
            for mask, lasts in groups.items():
                self._find_ways(owner, mask, lasts)
        return self._ways[owner, wanted, last]

    def _find_ways(self, owner: int, wanted: int, lasts: Collection[int]) -> None:
        before = self._spread(owner, wanted, lasts)
        if not before.keys() >= set(lasts):
            before |= {row: way for row, way in self._spread(owner, 0, lasts).items() if row not in before}
        for last in lasts:
            path = [last]
            while path[-1] in self.arrived:
                path.append(before[path[-1]])
            self._ways[owner, wanted, last] = tuple(reversed(path))

    def _spread(self, owner: int, wanted: int, lasts: Iterable[int]) -> dict[int, int]:
        """From an owner's ops through unowned ones, breadth first: the row before each row, until all is found."""
        missing = set(lasts)
        base = owner * CLASS_BITS
        before: dict[int, int] = {}
        waiting: list[int] = []

        def reach(origin: int, row: int) -> None:
            there = self.arrived[row]
            if row not in before and (not wanted or ((there.values | there.decided) >> base) & wanted):
                before[row] = origin
                missing.discard(row)
                waiting.append(row)

        for origin, row in self.entries[owner]:
            if not wanted or self._gives(origin, row) & wanted:
                reach(origin, row)
        onward = self._targets()
        for row in waiting:
            if not missing:
                break
            for target in onward.get(row, ()):
                reach(row, target)
        return before

    def _gives(self, origin: int, row: int) -> int:
        slot = self.slot(origin, row)
        values, _ = self.flow.of_output(origin, slot)
        decided = self.flow.pivots.get(origin, 0)
        return decided if slot == CONTROL else values | decided

    def _targets(self) -> Mapping[int, Sequence[int]]:
        if self._onward is None:
            self._onward = defaultdict(list)
            for row in self.arrived:
                for origin in self._origins(row):
                    if origin in self.arrived:
                        self._onward[origin].append(row)
        return self._onward

    def slot(self, source: int, target: int) -> int:
        """Output slot by which one row gives another its tensor; 0 when it stores what the other finds."""
        slots = [
            self.output[edge]
            for edge in range(self.first[target], self.first[target + 1])
            if self.source[edge] == source
        ]
        return max(slots, default=0)


def _owners_of(bits: int) -> int:
    """The owners of which there are classes, one bit each."""
    owners = 0
    while bits:
        owner = ((bits & -bits).bit_length() - 1) // CLASS_BITS
        owners |= 1 << owner
        bits &= ~(ALL_CLASSES << owner * CLASS_BITS)
    return owners


_JOINS = OpSpec(Kind.COMPUTES)
_BY_WEIGHT = (ACTIVATION, PARAMETER | HANDLE)


def _heaviest(carries: Carries) -> int:
    """The classes that a way has to carry to show what arrives: those that make a dependency real come first."""
    return next((mask for mask in _BY_WEIGHT if carries & mask), 0)
