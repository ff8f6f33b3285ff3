"""The fixed point: what each op's output depends on, worked out until nothing grows any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphdiag.diagnosis.dataflow.classes import ANYTHING, Dependencies, transfer
from graphdiag.diagnosis.dataflow.functions import FunctionSummaries, either
from graphdiag.diagnosis.dataflow.graph_view import GraphView, Key
from graphdiag.diagnosis.dataflow.liveness import NO_ROW
from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec, Outside
from graphdiag.diagnosis.dataflow.states import States, is_outside
from graphdiag.graphs.op_graph import FunctionBody, OpGraph

_KNOWN, _JOINS = 1, 2
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
        values, shapes = self.values, self.shapes
        source, output, first = self.source, self.output, self.first
        plain = self._plain_rows()
        for row in self.order:
            if plain[row] == _KNOWN:
                continue
            if plain[row] == _JOINS:
                value = shape = 0
                for edge in range(first[row], first[row + 1]):
                    if output[edge] >= 0:
                        value |= values[source[edge]]
                        shape |= shapes[source[edge]]
                values[row], shapes[row] = value, shape
            else:
                self._evaluate(row)
        position = self.position
        again = (
            {
                row
                for origin, row in zip(source, self.graph.target.tolist(), strict=True)
                if position[origin] >= position[row]
            }
            if not isinstance(self.order, range) or self.depths
            else set()
        )
        again.update(
            row
            for origin, dependent in self.decides.items()
            for row in dependent
            if origin != NO_ROW and position[origin] >= position[row]
        )
        if again:
            self._propagate(again)

    def _plain_rows(self) -> bytearray:
        """Marks the rows whose output is known, or has just what its inputs have."""
        plain_specs = {
            spec: _KNOWN if spec.kind is Kind.CONSTANT else _JOINS
            for spec in set(self.op_specs)
            if spec.kind is Kind.CONSTANT
            or (spec.kind is Kind.COMPUTES and not spec.dimensions and not spec.handles and not spec.outside)
        }
        plain = bytearray(plain_specs.get(spec, 0) for spec in self.op_specs)
        for row in (*self.states.reads, *self.liveness.choices, *self.opaque):
            plain[row] = 0
        for row in self.callees:
            for target in self.targets(row):
                plain[target] = 0
        return plain

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
            if spec.kind in _STORING or spec.outside & Outside.WRITTEN:
                by = _JOINS_INPUTS if spec.outside & Outside.WRITTEN else spec
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
