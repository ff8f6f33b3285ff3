"""Order and liveness: when the ops of a graph run, and whether they run at all.

In TF 1 a ``Switch`` gives its input to one of its outputs, and what hangs on the other is dead: it does not run. A
``Merge`` takes the input that is alive. Here each op gets the set of conditions under which it runs, so that what
decides can be counted among what flows. The branches of a conditional that meet again in a ``Merge`` cancel out.

The rules of dead tensors are those of TensorFlow's executor (``tensorflow/core/common_runtime/executor.cc``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType, Protocol

import numpy as np

from graphdiag.diagnosis.dataflow.inputs import TensorInputs
from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.reach import edges_of

Condition = tuple[int, int, int]
"""A predicate's row and output, and the branch that it must choose; or a row, 0 and `DECIDED`."""
Conditions = frozenset[Condition]

Branch = NewType("Branch", int)
"""Which output of a ``Switch`` must be alive; or `DECIDED`."""
DECIDED = Branch(-1)
"""In the place of a branch: whatever decided there (`Liveness.choices`)."""
PredicateRow = NewType("PredicateRow", int)
"""Row of a predicate; or `NO_ROW`."""
NO_ROW = PredicateRow(-1)
"""In the place of a row: the graph lacks the predicate."""

_ALWAYS: Conditions = frozenset()
_MOST = 64
"""Conditions of one op that are told apart; more are taken together, so that the work stays linear."""


@dataclass
class Liveness:
    """Under which conditions ops run.

    Attributes:
        alive: The conditions under which a row runs, for rows that do not always run. For a ``Switch`` without its
            own.
        choices: For rows where what decides flows into the result (``Merge``, ``Exit``): the conditions that decide.
    """

    alive: dict[int, Conditions] = field(default_factory=dict)
    choices: dict[int, Conditions] = field(default_factory=dict)


def evaluation_order(graph: OpGraph) -> Sequence[int]:
    """Rows in an order in which inputs come before the ops that take them, loops' back edges aside.

    That is the order of the graph, but for what lies between an op and one before it that takes its tensor. A cycle
    without ``NextIteration`` is in no graph that TensorFlow runs; it is cut somewhere.
    """
    size = len(graph)
    against = np.flatnonzero(graph.source >= graph.target)
    if len(against):
        against = against[~graph.of_types(_ends_loop)[graph.source[against]]]
    if not len(against):
        return range(size)
    begun = np.bincount(graph.target[against], minlength=size + 1)
    ended = np.bincount(graph.source[against] + 1, minlength=size + 1)
    between = np.flatnonzero(np.cumsum(begun - ended) > 0)
    order = np.arange(size)
    order[between] = between[_inputs_first(graph, between)]
    return order.data


def _inputs_first(graph: OpGraph, rows: np.ndarray) -> list[int]:
    """Places of some rows, in an order in which each comes after those of them whose tensors it takes."""
    place_of = np.full(len(graph), -1, dtype=np.int64)
    place_of[rows] = np.arange(len(rows))
    counts = graph.in_edges[rows + 1] - graph.in_edges[rows]
    sources = graph.source[edges_of(rows, graph.in_edges)]
    relevant = (place_of[sources] >= 0) & ~graph.of_types(_ends_loop)[sources]
    inputs: list[int] = place_of[sources[relevant]].tolist()
    ends: list[int] = np.concatenate(([0], np.cumsum(relevant)))[np.cumsum(counts)].tolist()
    begun, placed = bytearray(len(rows)), bytearray(len(rows))
    order: list[int] = []
    for first in range(len(rows)):
        waiting = [] if placed[first] else [first]
        while waiting:
            place = waiting[-1]
            if not begun[place]:
                begun[place] = 1
                start, stop = ends[place - 1] if place else 0, ends[place]
                if before := [origin for origin in inputs[start:stop] if not begun[origin]]:
                    waiting += before
                    continue
            waiting.pop()
            if not placed[place]:
                placed[place] = 1
                order.append(place)
    return order


def _ends_loop(op_type: str) -> bool:
    return "NextIteration" in op_type


class Ordered(Protocol):
    """What is known of a graph before it is known when its ops run; see `graphdiag.diagnosis.dataflow.graph_view`."""

    graph: OpGraph
    op_specs: list[OpSpec]
    inputs: TensorInputs
    order: Sequence[int]
    position: Sequence[int]
    source: Sequence[int]
    output: Sequence[int]
    first: Sequence[int]

    def rows_with(self, fits: Callable[[OpSpec], object]) -> list[int]:
        """The rows whose specs are of some sort."""

    def targets(self, row: int) -> Sequence[int]:
        """The rows that take something from a row."""


def find_liveness(view: Ordered) -> Liveness:
    """Find the conditions under which each op runs.

    Args:
        view: The op graph, with the rule of each row and an order of evaluation.

    Returns:
        The liveness of all rows; empty when the graph has no ``Switch``.
    """
    switches = view.rows_with(lambda spec: spec.kind is Kind.SWITCHES)
    if not switches:
        return Liveness()
    finder = _Finder(view, switches)
    finder.visit_all(switches)
    finder.close_loops(view.rows_with(lambda spec: spec.kind is Kind.MERGES))
    return finder.found


class _Finder:
    def __init__(self, view: Ordered, switches: Sequence[int]) -> None:
        self.view = view
        self.graph = view.graph
        self.op_specs = view.op_specs
        self.source, self.output, self.first = view.source, view.output, view.first
        self.found = Liveness()
        # The edge that brings each ``Switch`` its predicate; -1 where the graph lacks it.
        edges = view.inputs.edges(np.array(switches, dtype=np.int64), 1)
        self._by = dict(zip(switches, edges.tolist(), strict=True))
        # One object for all sets that are equal, which are then told to be the same at a glance.
        self._sets: dict[Conditions, Conditions] = {}
        self._of_switches: dict[tuple[tuple[int, int], int, Conditions], Conditions] = {}
        # What all inputs of a ``Merge`` have in common, what decides between them, and whether one always comes.
        self._of_merges: dict[tuple[Conditions, ...], tuple[Conditions, Conditions, bool]] = {}
        self._came_over: dict[int, int | None] = {}

    def visit_all(self, switches: Sequence[int]) -> None:
        """Visit the rows over whose inputs some condition comes, in order; most graphs have few."""
        order, position, targets, alive = self.view.order, self.view.position, self.view.targets, self.found.alive
        waiting = bytearray(len(order))
        for row in switches:
            for target in targets(row):
                waiting[position[target]] = 1
        place = waiting.find(1)
        while place >= 0:
            row = order[place]
            if self.op_specs[row].kind is Kind.MERGES:
                self._merge(row)
            else:
                self._visit(row)
            if row in alive:
                for target in targets(row):
                    waiting[position[target]] = 1
            place = waiting.find(1, place + 1)

    def _visit(self, row: int) -> None:
        alive = self.found.alive
        conditions = _ALWAYS
        for edge in range(self.first[row], self.first[row + 1]):
            coming = self._of_edge(edge)
            if coming is not conditions and coming:
                conditions = self._shared(conditions | coming) if conditions else coming
        if conditions and self.op_specs[row].kind is Kind.EXITS:
            over = frozenset(
                condition
                for condition in conditions
                if condition[2] == 0 and condition[0] != NO_ROW and self.graph.types[condition[0]] == "LoopCond"
            )
            conditions -= over
            self.found.choices[row] = over
        if len(conditions) > _MOST:
            self.found.choices[row] = self.found.choices.get(row, _ALWAYS) | conditions
            conditions = frozenset({(row, 0, DECIDED)})
        if conditions:
            alive[row] = conditions

    def _merge(self, row: int) -> None:
        """A ``Merge`` is alive when one of its inputs is: what all have in common, and what is left of the rest."""
        edges = self._data_edges(row)
        entering = [self._of_edge(edge) for edge in edges if not self._ends_loop(edge)]
        if not entering:
            return
        case = tuple(entering)
        if case not in self._of_merges:
            common, rest = _split(entering)
            self._of_merges[case] = self._shared(common), frozenset().union(*rest), _complete(rest)
        common, choice, is_complete = self._of_merges[case]
        if choice:
            self.found.choices[row] = choice
            if not is_complete:
                common |= {(row, 0, DECIDED)}
        if common:
            self.found.alive[row] = common

    def close_loops(self, merges: Sequence[int]) -> None:
        """Which of the first and the later values a loop's ``Merge`` holds is decided by the loop's condition."""
        for row in merges:
            edges = self._data_edges(row)
            if any(self._ends_loop(edge) for edge in edges):
                _, rest = _split([self._of_edge(edge) for edge in edges])
                choice = frozenset().union(*rest)
                if choice:
                    self.found.choices[row] = choice

    def _data_edges(self, row: int) -> list[int]:
        return [edge for edge in range(self.first[row], self.first[row + 1]) if self.output[edge] != CONTROL]

    def _ends_loop(self, edge: int) -> bool:
        return "NextIteration" in self.graph.types[self.source[edge]]

    def _of_edge(self, edge: int) -> Conditions:
        """Conditions under which something comes over an edge."""
        origin = self.source[edge]
        if origin in self._by and self.output[edge] != CONTROL:
            return self._of_switch(origin, self.output[edge])
        return self.found.alive.get(origin, _ALWAYS)

    def _of_switch(self, row: int, slot: int) -> Conditions:
        """Conditions under which something comes out of a ``Switch``."""
        case = self._predicate(row), slot, self.found.alive.get(row, _ALWAYS)
        found = self._of_switches.get(case)
        if found is None:
            found = self._of_switches[case] = self._shared(case[2] | {(*case[0], slot)})
        return found

    def _shared(self, conditions: Conditions) -> Conditions:
        return self._sets.setdefault(conditions, conditions)

    def _predicate(self, switch: int) -> tuple[int, int]:
        """Row and output of what a ``Switch`` goes by, before it was handed on by ``Identity``."""
        edge = self._by[switch]
        if edge < 0:
            return NO_ROW, 0
        came_over = self._handed_on(self.source[edge])
        edge = edge if came_over is None else came_over
        return self.source[edge], self.output[edge]

    def _handed_on(self, row: int) -> int | None:
        """The edge into the first ``Identity`` of the chain that ends in a row; ``None`` where there is no chain."""
        if row not in self._came_over:
            found, current, seen = None, row, set()
            while self.graph.types[current] == "Identity" and current not in seen:
                seen.add(current)
                edge = self.first[current]
                if edge == self.first[current + 1] or self.output[edge] == CONTROL:
                    break
                found, current = edge, self.source[edge]
            self._came_over[row] = found
        return self._came_over[row]


def _split(sets: Sequence[Conditions]) -> tuple[Conditions, list[Conditions]]:
    """What all sets have in common, and the rest of each."""
    common = frozenset(sets[0]).intersection(*sets[1:])
    return common, [conditions - common for conditions in sets]


def _complete(rest: Sequence[Conditions]) -> bool:
    """Whether one of the sets always holds: one is empty, or two are the two branches of one predicate."""
    single = {next(iter(conditions)) for conditions in rest if len(conditions) == 1}
    return any(not conditions for conditions in rest) or any(
        branch == 0 and (row, slot, 1) in single for row, slot, branch in single
    )


def loop_depths(graph: OpGraph, op_specs: Sequence[OpSpec], order: Sequence[int]) -> Mapping[int, int]:
    """How many TF 1 loops are around a row, for rows inside of one."""
    enters = {op_type for op_type in graph.type_names if op_type in ("Enter", "RefEnter")}
    depths: dict[int, int] = {}
    if not enters:
        return depths
    source, first = graph.source.data, graph.in_edges.data
    for row in order:
        depth = 0
        for edge in range(first[row], first[row + 1]):
            origin = source[edge]
            if origin in depths:
                depth = max(depth, depths[origin] - (op_specs[origin].kind is Kind.EXITS))
        if graph.types[row] in enters:
            depth += 1
        if depth:
            depths[row] = depth
    return depths
