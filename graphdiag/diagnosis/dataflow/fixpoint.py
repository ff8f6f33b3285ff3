"""The fixed point: what each op's output depends on, worked out until nothing grows any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from graphdiag.diagnosis.dataflow import levels
from graphdiag.diagnosis.dataflow.classes import ANYTHING, PARAMETER, Dependencies, transfer, transfer_together
from graphdiag.diagnosis.dataflow.functions import FunctionSummaries, either
from graphdiag.diagnosis.dataflow.graph_view import GraphView, Key
from graphdiag.diagnosis.dataflow.levels import RulesInBulk, wide_levels
from graphdiag.diagnosis.dataflow.liveness import NO_ROW
from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec, Outside
from graphdiag.diagnosis.dataflow.states import States, is_outside
from graphdiag.graphs.arrays import distinct
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph
from graphdiag.graphs.reach import edges_of

_EVALUATED, _KNOWN, _JOINS, _MAPS, _SIZES, _WRITES = range(6)
"""How the sets of a row are found:

- `_EVALUATED`: input by input, with all that may matter besides; see `FixpointSolver._evaluate`;
- `_KNOWN`: they are known from the beginning, and never grow;
- `_JOINS`: they are what the inputs have together;
- `_MAPS`: they are what the op's rule makes of what the inputs have together;
- `_SIZES`: the same, but some inputs give dimensions of the output;
- `_WRITES`: the same, and what all inputs but the first have is stored.
"""
_MAPPED = frozenset(
    {
        *(Kind.COMPUTES, Kind.RESIZES, Kind.SHAPE_OF, Kind.SHAPED_CONSTANT, Kind.RANDOM, Kind.STORED, Kind.READS),
        *(Kind.HANDLE, Kind.SWITCHES, Kind.READ_STATE),
    }
)
"""Kinds whose rule tells no input from another, dimensions and handles aside."""
_JOINS_INPUTS = OpSpec(Kind.COMPUTES)
_STORING = frozenset({Kind.WRITES, Kind.DEQUEUE, Kind.RANDOM})


def solve_body(
    summaries: FunctionSummaries,
    body: FunctionBody,
    feeds: Mapping[int, Dependencies],
    contents: Mapping[Key, Dependencies],
) -> tuple[GraphView, States]:
    """Bring a function body to its fixed point: see `graphdiag.diagnosis.dataflow.functions.Solve`."""
    solver = FixpointSolver(body.graph, feeds, summaries, body, contents)
    solver.run()
    return solver, solver.states


class FixpointSolver(GraphView):
    """Brings one graph, top level or function body, to its fixed point.

    Attributes:
        summaries: The library functions that it calls.
        states: What is stored in it.
    """

    def __init__(
        self,
        graph: OpGraph,
        feeds: Mapping[int, Dependencies],
        summaries: FunctionSummaries,
        body: FunctionBody | None = None,
        contents: Mapping[Key, Dependencies] | None = None,
    ) -> None:
        super().__init__(graph, feeds, summaries, body, contents)
        self.summaries = summaries
        self.states = States(self)
        self._known: dict[tuple[OpSpec, int, int], Dependencies] = {}
        self._ways = bytearray()

    def run(self) -> None:
        """Bring everything to its fixed point."""
        self._ways = self._find_ways()
        self._settle()

    def _settle(self) -> None:
        self._sweep()
        writers = self.states.all_writers()
        conditional = writers.intersection(self.liveness.alive)
        changed = writers
        while True:
            fresh = self.states.update(changed)
            if not fresh:
                return
            changed = (self._propagate(fresh) & writers) | conditional

    def _sweep(self) -> None:
        """Look at every op once; then again at what a loop's back edges change."""
        waiting = np.frombuffer(self._ways, dtype=np.uint8) != _KNOWN
        if not self.in_function:
            self._sweep_levels(waiting)
        if waiting.any():
            self._sweep_rows(self._in_order(waiting))
        again = set(self._ends_of_back_edges())
        again.update(
            row
            for origin, dependent in self.decides.items()
            for row in dependent
            if origin != NO_ROW and self.position[origin] >= self.position[row]
        )
        if again:
            self._propagate(again)

    def _sweep_rows(self, rows: Sequence[int]) -> None:
        """Look at some rows, in this order, one by one."""
        values, shapes, first, origins, ways = self.values, self.shapes, self.first, self._origins, self._ways
        if 2 * len(rows) > len(self.graph):
            # Single numbers are read faster out of lists, which cost as much as a few readings of all.
            first, origins = self.graph.in_edges.tolist(), self.inputs.origins.tolist()
        for row in rows:
            way = ways[row]
            if way == _EVALUATED:
                self._evaluate(row)
                continue
            start, stop = first[row], first[row + 1]
            if stop - start == 1:
                origin = origins[start]
                value, shape = values[origin], shapes[origin]
            else:
                value = shape = 0
                for origin in origins[start:stop]:
                    value |= values[origin]
                    shape |= shapes[origin]
            if way == _SIZES:
                shape |= self._giving_dimensions(row)
            if way != _JOINS:
                value, shape = self._mapped(self.op_specs[row], value, shape)
            values[row], shapes[row] = value, shape

    def _ends_of_back_edges(self) -> Sequence[int]:
        source, target = self.graph.source, self.graph.target
        against = np.flatnonzero(self.positions[source] >= self.positions[target])
        rows: list[int] = target[against].tolist()
        return rows

    def _sweep_levels(self, waiting: np.ndarray) -> None:
        """Look at the ops of the first levels, as long as these are wide.

        Args:
            waiting: Whether each row is to be looked at; bool. Those that were looked at wait no longer.
        """
        values, shapes = self.in_arrays()
        alone = np.frombuffer(self._ways, dtype=np.uint8) == _EVALUATED
        for level in wide_levels(self.graph):
            rows = level[waiting[level]]
            self._rules_in_bulk.evaluate(rows[~alone[rows]], values, shapes)
            for row in rows[alone[rows]].tolist():
                self._evaluate(row)
            waiting[rows] = False

    @cached_property
    def _origins(self) -> Sequence[int]:
        return self.inputs.origins.data

    @cached_property
    def _rules_in_bulk(self) -> RulesInBulk:
        return RulesInBulk(self.graph, self.inputs, self.specs, self.spec_numbers)

    def _in_order(self, chosen: np.ndarray) -> Sequence[int]:
        """The rows that are chosen, in the order of evaluation."""
        places = np.flatnonzero(chosen)
        in_order = places if isinstance(self.order, range) else places[np.argsort(self.positions[places])]
        rows: list[int] = in_order.tolist()
        return rows

    def _giving_dimensions(self, row: int) -> int:
        """What the values of those inputs of a row depend on that give dimensions of its output."""
        nothing = len(self.graph)
        inputs = [origin for origin in self._origins[self.first[row] : self.first[row + 1]] if origin != nothing]
        found = 0
        for position in self.op_specs[row].dimensions:
            if -len(inputs) <= position < len(inputs):
                found |= self.values[inputs[position]]
        return found

    def _mapped(self, spec: OpSpec, value: int, shape: int) -> Dependencies:
        """What a rule makes of what the inputs have together; there are few different cases of this."""
        case = spec, value, shape
        known = self._known.get(case)
        if known is None:
            known = self._known[case] = transfer_together(*case)
        return known

    def _find_ways(self) -> bytearray:
        """How to find the sets of each row. Every way gives what evaluating input by input would.

        As long as nothing was stored, a read finds nothing, unless others than this graph's ops may have stored it.
        """
        ways_of_specs = {spec: _way(spec) for spec in self.specs}
        ways = bytearray(np.array([ways_of_specs[spec] for spec in self.specs], dtype=np.uint8)[self.spec_numbers])
        for row in self.rows_with(lambda spec: spec.kind is Kind.VARIABLE):
            self.values[row] = PARAMETER
        for row in self.states.find_something_at_first():
            if ways[row] != _KNOWN:
                ways[row] = _EVALUATED
        for row in (*self.liveness.choices, *self.opaque):
            ways[row] = _EVALUATED
        for row in self.callees:
            for target in self.targets(row):
                ways[target] = _EVALUATED
        first, output = self.first, self.output
        for row in self.rows_with(lambda spec: ways_of_specs[spec] == _WRITES):
            # The handle comes first, unless the graph lacks it.
            if first[row] == first[row + 1] or output[first[row]] == CONTROL:
                ways[row] = _EVALUATED
        return ways

    def _propagate(self, rows: Iterable[int]) -> set[int]:
        """Look at some rows again, and at all that follows from what changes there.

        Returns:
            The rows that changed.
        """
        order, position, ways = self.order, self.position, self._ways
        changed: set[int] = set()
        if not self.in_function:
            rows, changed = self._propagate_widely(np.array(sorted(rows), dtype=np.int64))
        waiting = bytearray(len(order))
        for row in rows:
            waiting[position[row]] = 1
        place = waiting.find(1)
        while place >= 0:
            waiting[place] = 0
            row = order[place]
            way = ways[row]
            if way == _WRITES:
                # Whether it stores more is found out where it matters.
                changed.add(row)
                if self._reads_elsewhere(row):
                    way = ways[row] = _EVALUATED
            if self._evaluate(row) if way in (_EVALUATED, _SIZES) else self._evaluate_together(row, way):
                changed.add(row)
                for target in self.targets(row):
                    waiting[position[target]] = 1
                for target in self.decides.get(row, ()):
                    waiting[position[target]] = 1
            place = waiting.find(1, place + 1)
            if place < 0:
                # Back to what a loop's end has changed at its beginning.
                place = waiting.find(1)
        return changed

    def _propagate_widely(self, rows: np.ndarray) -> tuple[Sequence[int], set[int]]:
        """As `_propagate`, all rows that wait at once, as long as these are many.

        Sets only grow, and each no more than a few times, so that rows may be looked at in any order. Only the rows at
        the beginning may find something new in a state.

        Returns:
            The rows that are still to be looked at, and those that changed.
        """
        values, shapes = self.in_arrays()
        ways = np.frombuffer(self._ways, dtype=np.uint8)
        changed = np.zeros(len(self.graph), dtype=bool)
        deciding = np.zeros(len(self.graph), dtype=bool)
        deciding[[row for row in self.decides if row != NO_ROW]] = True
        found = self._found_in_states(rows) if len(rows) >= levels.WIDE else None
        while len(rows) >= levels.WIDE:
            alone = ways[rows] == _EVALUATED
            together = rows[~alone & (ways[rows] != _KNOWN)]
            grown = together[self._rules_in_bulk.evaluate(together, values, shapes, found)]
            one_by_one = [row for row in rows[alone].tolist() if self._evaluate(row)]
            changed[together[ways[together] == _WRITES]] = True
            grown = np.concatenate((grown, np.array(one_by_one, dtype=np.int64)))
            changed[grown] = True
            _, offsets = self.graph.by_source
            targets = self.graph.onward[edges_of(grown, offsets)]
            decided = [row for origin in grown[deciding[grown]].tolist() for row in self.decides[origin]]
            rows = distinct(np.concatenate((targets, np.array(decided, dtype=np.int64))))
        waiting: list[int] = rows.tolist()
        return waiting, set(np.flatnonzero(changed).tolist())

    def _found_in_states(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What some rows find in states. Rows that are evaluated input by input are left out: they read for themselves.

        Rows whose reads must not be mixed with all inputs are to be evaluated so from now on.

        Returns:
            The two sets for each row of the graph, empty for rows that read nothing; uint8.
        """
        found_values, found_shapes = (np.zeros(len(self.graph), dtype=np.uint8) for _ in range(2))
        ways, states = self._ways, self.states
        for row in filter(states.reads.__contains__, rows.tolist()):
            if ways[row] == _SIZES or (ways[row] == _WRITES and self._reads_elsewhere(row)):
                ways[row] = _EVALUATED
            if ways[row] != _EVALUATED:
                for key, _ in states.reads[row]:
                    value, shape = states.content(row, key)
                    found_values[row] |= value
                    found_shapes[row] |= shape
        if states.plain_variables is not None:
            states.plain_variables.add_found(found_values, found_shapes)
            readers, positions = states.plain_variables.reads()
            ways_of = np.frombuffer(ways, dtype=np.uint8)
            apart = (ways_of[readers] == _SIZES) | (ways_of[readers] == _WRITES) & (positions != 0)
            ways_of[readers[apart]] = _EVALUATED
        return found_values, found_shapes

    def _reads_elsewhere(self, row: int) -> bool:
        """Whether a write reads somewhere else than behind its handle, which has to be told apart."""
        plain = self.states.plain_variables
        return any(position for _, position in self.states.reads.get(row, ())) or (
            plain is not None and any(position for _, position, _ in plain.read_by(row))
        )

    def _evaluate_together(self, row: int, way: int) -> bool:
        """As `_evaluate`, for a row whose rule tells no input from another."""
        if way == _KNOWN:
            return False
        values, shapes, first = self.values, self.shapes, self.first
        value = shape = 0
        for origin in self._origins[first[row] : first[row + 1]]:
            value |= values[origin]
            shape |= shapes[origin]
        for _, _, (found_value, found_shape) in self.states.read_by(row):
            value |= found_value
            shape |= found_shape
        if way != _JOINS:
            value, shape = self._mapped(self.op_specs[row], value, shape)
        value, shape = value | values[row], shape | shapes[row]
        grew = value != values[row] or shape != shapes[row]
        values[row], shapes[row] = value, shape
        return grew

    def _evaluate(self, row: int) -> bool:
        """Compute one row's sets anew; whether anything about it grew."""
        spec = self.op_specs[row]
        inputs = [self.at(self.source[edge], self.output[edge]) for edge in self.data_edges(row)]
        grew = False
        if row in self.callees:
            before = self.states.times_grown
            results = self.summaries.call(self, self.states, row, inputs)
            grew = results != self.slots.get(row) or self.states.times_grown != before
            self.slots[row] = results
            value = shape = 0
            for result_value, result_shape in results:
                value |= result_value
                shape |= result_shape
        else:
            behind: list[Dependencies] = []
            read: list[Dependencies] = []
            for key, position, found in self.states.read_by(row):
                if 0 <= position < len(inputs):
                    inputs[position] = either(inputs[position], found)
                else:
                    (read if is_outside(key) else behind).append(found)
            value, shape = transfer(spec, inputs + behind + read)
            goes_outside = spec.outside is not Outside.UNTOUCHED and bool(spec.outside & Outside.WRITTEN)
            if spec.kind in _STORING or goes_outside:
                by = _JOINS_INPUTS if goes_outside else spec
                given = transfer(by, [(0, 0)] * spec.handles + inputs[spec.handles :] + read)
                grew = given != self.given_apart.get(row)
                self.given_apart[row] = given
            if spec.kind is Kind.FEED:
                # PlaceholderWithDefault has an input, its default: either may come.
                value |= self.feeds[row][0]
                shape |= self.feeds[row][1]
        if row in self.opaque:
            value |= ANYTHING[0]
            shape |= value
        if row in self.liveness.choices:
            decision = self._classes(self.liveness.choices[row])
            grew = grew or decision != self.decisions.get(row, 0)
            self.decisions[row] = decision
            value |= decision
            shape |= decision
        grew = grew or value | self.values[row] != self.values[row] or shape | self.shapes[row] != self.shapes[row]
        self.values[row] |= value
        self.shapes[row] |= shape
        return grew


def _way(spec: OpSpec) -> int:
    """How the sweep may come to the sets of rows with a spec."""
    if spec.kind in (Kind.CONSTANT, Kind.VARIABLE):
        return _KNOWN
    if spec.kind is Kind.WRITES and spec.handles == 1 and not (spec.dimensions or spec.outside):
        return _WRITES
    if spec.outside or spec.kind not in _MAPPED or (spec.kind is Kind.RANDOM and spec.handles):
        return _EVALUATED
    if spec.dimensions:
        return _SIZES
    return _JOINS if spec.kind in (Kind.COMPUTES, Kind.SWITCHES) and not spec.handles else _MAPS
