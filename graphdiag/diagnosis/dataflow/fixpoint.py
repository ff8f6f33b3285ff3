"""The fixed point: what each op's output depends on, worked out until nothing grows any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ANYTHING, HANDLE, PARAMETER, Dependencies, transfer
from graphdiag.diagnosis.dataflow.functions import FunctionSummaries, either
from graphdiag.diagnosis.dataflow.graph_view import GraphView, Key
from graphdiag.diagnosis.dataflow.liveness import NO_ROW
from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec, Outside
from graphdiag.diagnosis.dataflow.states import States, is_outside
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

_EVALUATED, _KNOWN, _JOINS, _MAPS, _WRITES = range(5)
"""Ways to the sets of a row: looking at everything; a constant; what the inputs have; what the op's rule makes of what
the inputs have together; the same, and what is stored comes from all inputs but the first."""
_MAPPED = frozenset(
    {
        *(Kind.COMPUTES, Kind.RESIZES, Kind.SHAPE_OF, Kind.SHAPED_CONSTANT, Kind.RANDOM, Kind.STORED, Kind.READS),
        *(Kind.HANDLE, Kind.SWITCHES),
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

    def run(self) -> None:
        """Bring everything to its fixed point."""
        self._sweep()
        writers = self.states.all_writers()
        conditional = {row for row in writers if row in self.liveness.alive}
        changed = writers
        while True:
            fresh = self.states.update(changed)
            if not fresh:
                return
            changed = (self._propagate(fresh) & writers) | conditional

    def _sweep(self) -> None:
        """Look at every op once; then again at what a loop's back edges change."""
        values, shapes, given, first, op_specs = self.values, self.shapes, self.given, self.first, self.op_specs
        ways = self._ways()
        # What comes over a control dependency is nothing: the row after the last one.
        size = len(values)
        origins: list[int] = np.where(self.graph.output == CONTROL, size, self.graph.source).tolist()
        values.append(0)
        shapes.append(0)
        known: dict[tuple[OpSpec, int, int], Dependencies] = {}
        for row in self.order:
            way = ways[row]
            if way == _KNOWN:
                continue
            if way == _EVALUATED:
                self._evaluate(row)
                continue
            value = shape = 0
            for origin in origins[first[row] : first[row + 1]]:
                value |= values[origin]
                shape |= shapes[origin]
            if way == _MAPS:
                key = op_specs[row], value, shape
                if key not in known:
                    known[key] = transfer(op_specs[row], ((value, shape),))
                value, shape = known[key]
            elif way == _WRITES:
                value &= ~HANDLE
                shape &= ~HANDLE
                stored = stored_shape = 0
                for origin in origins[first[row] + 1 : first[row + 1]]:
                    stored |= values[origin]
                    stored_shape |= shapes[origin]
                given[row] = stored & ~HANDLE, stored_shape & ~HANDLE
            values[row], shapes[row] = value, shape
        values.pop()
        shapes.pop()
        again: set[int] = set()
        if not isinstance(self.order, range) or self.depths:
            position = np.asarray(self.position)
            backward = position[self.graph.source] >= position[self.graph.target]
            again.update(self.graph.target[backward].tolist())
        again.update(
            row
            for origin, dependent in self.decides.items()
            for row in dependent
            if origin != NO_ROW and self.position[origin] >= self.position[row]
        )
        if again:
            self._propagate(again)

    def _ways(self) -> bytearray:
        """How the sweep comes to the sets of each row. What is not evaluated row by row has to come out the same.

        Before anything was stored, a read finds nothing, unless others than this graph's ops may have stored it.
        """
        ways_of_specs = {spec: _way(spec) for spec in self.specs}
        ways = bytearray(map(ways_of_specs.__getitem__, self.op_specs))
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
        order, position = self.order, self.position
        waiting = bytearray(len(order))
        for row in rows:
            waiting[position[row]] = 1
        changed: set[int] = set()
        place = waiting.find(1)
        while place >= 0:
            waiting[place] = 0
            row = order[place]
            if self._evaluate(row):
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
            for key, position in self.states.reads.get(row, ()):
                found = self.states.content(row, key)
                if 0 <= position < len(inputs):
                    inputs[position] = either(inputs[position], found)
                else:
                    (read if is_outside(key) else behind).append(found)
            value, shape = transfer(spec, inputs + behind + read)
            goes_outside = spec.outside is not Outside.UNTOUCHED and bool(spec.outside & Outside.WRITTEN)
            if spec.kind in _STORING or goes_outside:
                by = _JOINS_INPUTS if goes_outside else spec
                given = transfer(by, [(0, 0)] * spec.handles + inputs[spec.handles :] + read)
                grew = given != self.given.get(row)
                self.given[row] = given
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
    if spec.dimensions or spec.outside:
        return _EVALUATED
    if spec.kind is Kind.WRITES and spec.handles == 1:
        return _WRITES
    if spec.kind not in _MAPPED or (spec.kind is Kind.RANDOM and spec.handles):
        return _EVALUATED
    return _JOINS if spec.kind in (Kind.COMPUTES, Kind.SWITCHES) and not spec.handles else _MAPS
