"""Flow: what every tensor of an op graph carries, computed once, linear in ops and edges.

For every op two sets are kept: what the *values* of its output depend on, and what the *shape* of its output depends
on. Both are sets of classes (`Carries`), stored as bits of an integer. How an op's sets come from those of its inputs
is the business of `graphdiag.diagnosis.dataflow.op_specs`; this module walks the graph:

- control flow of TF 1 (``Switch``, ``Merge``, ``Enter`` ...): a fixed point over the cycles. What decides which input
  of a ``Merge`` is alive counts among its inputs, so a branch of constants still carries its predicate;
- functional control flow of TF 2: one summary for each library function, which says for every result on which
  arguments it depends; recursion is a fixed point over the summaries;
- state: what is assigned to a variable, pushed on a stack or put into a queue comes out where it is read, unless the
  read provably comes before the write;
- an op type that is not in the table passes everything on.

So a class may be reported that does not really flow, never the other way round. What a TF 1 variable holds is taken
to be read where its reference is taken: TensorFlow leaves open whether a later write shows through.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphdiag.diagnosis.dataflow.classes import (
    ALL_CLASSES,
    ANYTHING,
    CLASS_BITS,
    DATA,
    FLAG,
    HANDLE,
    Carries,
    Dependencies,
    named,
    transfer,
)
from graphdiag.diagnosis.dataflow.liveness import (
    DECIDED,
    NO_ROW,
    Conditions,
    evaluation_order,
    find_liveness,
    loop_depths,
)
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, OpSpec, Outside, op_specs
from graphdiag.diagnosis.dataflow.states import (
    ANYWHERE,
    CALLING,
    OUTSIDE,
    Key,
    State,
    Touches,
    is_outside,
    names_of_states,
    prints_to_a_file,
    token_of,
)
from graphdiag.graphs.node_attributes import DT_BOOL, DT_RESOURCE, dtype_of, functions_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

__all__ = ["CLASS_BITS", "LEARNING_PHASE", "Carries", "Flow", "is_scalar", "trace"]

_LAST_WITHOUT_RANKS = 21
LEARNING_PHASE = re.compile(r"(?:.*/)?keras_learning_phase(?:_[0-9]+)?")
"""Name of the flag by which Keras 2 tells training from inference."""
_CALLS = OpSpec(Kind.CALLS)
_MISSING = OpSpec(Kind.UNKNOWN, outside=Outside.BOTH)
_TOUCHES_BY_ATTRIBUTES = frozenset({"PrintV2", "PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Types of ops whose attributes say what they do outside of the graph."""
_PYTHON_TYPES = _TOUCHES_BY_ATTRIBUTES - {"PrintV2"}
_PYTHON = {
    (reads, writes): OpSpec(Kind.FOREIGN, outside=Outside(reads + 2 * writes))
    for reads in (False, True)
    for writes in (False, True)
}
_PRINTS_TO_A_FILE = OpSpec(Kind.COMPUTES, outside=Outside.WRITTEN)
_KNOWN, _JOINS = 1, 2
_JOINS_INPUTS = OpSpec(Kind.COMPUTES)
_STORING = frozenset({Kind.WRITES, Kind.DEQUEUE, Kind.RANDOM})


@dataclass(frozen=True)
class Flow:
    """What each op's outputs carry.

    Attributes:
        values: For each row, what the values of the op's output depend on: bits of `Carries`.
        shapes: For each row, what the shape of the output depends on.
        slots: For rows with results of their own for each output slot (calls, branches, loops): one ``(values,
            shapes)`` a slot.
        pivots: Rows that are alive or dead by a predicate (inside a TF 1 conditional or loop), with what the
            predicate carries.
        stores: ``(writer, reader)`` rows, where the writer stores activations, in a variable, say, and the reader may
            find them there.
        stores_for_next_call: The same, where the reader comes before the writer and so finds what was stored in the
            call before.
        stored_in: For each pair of these the row that makes the state, or stands for its handle; ``None`` for what lies
            outside of the graph, and where it is not clear which it is.
        runs_code: Rows of ops that may run code outside of the graph, in a function's body or themselves.
        touches: For each row that makes or stands for the handle of a variable, or is a reference to one, the rows
            that read the variable and those that write to it.
    """

    values: Sequence[int]
    shapes: Sequence[int]
    slots: Mapping[int, Sequence[Dependencies]]
    pivots: Mapping[int, int]
    stores: Sequence[tuple[int, int]] = ()
    stores_for_next_call: Sequence[tuple[int, int]] = ()
    stored_in: Mapping[tuple[int, int], int | None] = field(default_factory=dict)
    runs_code: frozenset[int] = frozenset()
    touches: Mapping[int, Touches] = field(default_factory=dict)

    def over(self, row: int, slot: int, target_type: str, target: int | None = None) -> Carries:
        """What flows out of ``row`` at ``slot`` into an op of type ``target_type``.

        For a control dependency: what decides whether it fires, and between two ops that may run code outside of the
        graph all that the first one has. An op that only reads dimensions takes the shape of its input and nothing
        else. Whether the tensor comes at all is part of what flows. The shape of what itself varies is not named.

        Args:
            row: Row of the op that gives the tensor.
            slot: Its output, `CONTROL` for a control dependency.
            target_type: Type of the op that takes it.
            target: Row of that op, where there is one: whether it may run code can depend on the functions it calls.
        """
        decided = self.pivots.get(row, 0)
        spec = op_specs().get(target_type, UNKNOWN)
        if slot == CONTROL:
            # What Python code was given, other such code may find, if it waits for it.
            runs_code = spec.outside is Outside.BOTH or target in self.runs_code
            return named(decided | (self.values[row] if runs_code and row in self.runs_code else 0))
        values, shapes = self.of_output(row, slot)
        if spec.kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT) and not spec.handles:
            values = shapes
        return named(values | decided)

    def of_output(self, row: int, slot: int) -> Dependencies:
        """What the values and the shape of one output depend on."""
        slots = self.slots.get(row)
        return slots[slot] if slots is not None and 0 <= slot < len(slots) else (self.values[row], self.shapes[row])


def trace(
    graph: OpGraph,
    model_inputs: Collection[int],
    scalars_are_flags: bool = True,
    python_code: Mapping[str, tuple[bool, bool, Sequence[str]]] | None = None,
) -> Flow:
    """Compute what every tensor of the graph carries.

    Args:
        graph: The op graph.
        model_inputs: Rows of the feeds that are inputs of the model. Their values are activations, their shapes are
            shape.
        scalars_are_flags: Whether a scalar feed that is no model input is a flag. False when the model has inputs
            that were not found among the feeds: then any feed but a bool may be one of them.
        python_code: Of each Python function that the graph calls, by its token, whether it may find anything outside of
            its arguments, whether it may keep anything there, and the names of the variables that it may use. One that
            is not known may do both.

    Returns:
        The flow of the whole graph.
    """
    feeds = {row: _feed(graph, row, row in model_inputs, scalars_are_flags) for row in _rows_of_kind(graph, Kind.FEED)}
    solver = FixpointSolver(graph, feeds, _Summaries(graph, python_code or {}))
    solver.run()
    stores, later = solver.state.activations_stored(), solver.state.activations_stored(for_next_call=True)
    return Flow(
        values=solver.values,
        shapes=solver.shapes,
        slots=solver.slots,
        pivots=solver.pivots(),
        stores=tuple(stores),
        stores_for_next_call=tuple(later),
        stored_in={**later, **stores},
        runs_code=solver.runs_code(),
        touches=solver.state.touches(),
    )


def _rows_of_kind(graph: OpGraph, kind: Kind) -> Iterable[int]:
    table = op_specs()
    wanted = {op_type for op_type in set(graph.types) if table.get(op_type, UNKNOWN).kind is kind}
    return [row for row, op_type in enumerate(graph.types) if op_type in wanted] if wanted else []


def _feed(graph: OpGraph, row: int, is_model_input: bool, scalars_are_flags: bool) -> Dependencies:
    if is_model_input:
        return DATA
    dtype = dtype_of(graph.node_defs[row])
    if dtype == DT_RESOURCE:
        return HANDLE, 0
    if is_scalar(graph, row) and (scalars_are_flags or dtype == DT_BOOL):
        return FLAG, 0
    return DATA


def is_scalar(graph: OpGraph, row: int) -> bool:
    """Whether the graph records that the feed in this row has rank 0. An unknown rank is no rank 0.

    Up to producer 21 (TensorFlow 1.0) a ``Placeholder`` without dimensions has any shape (the shape function of
    ``Placeholder`` in TensorFlow's ``core/ops/array_ops.cc``). Of those only Keras's own flag is known to be a scalar.
    """
    attributes = graph.node_defs[row].attr
    if "shape" in attributes:
        unrecorded = not attributes["shape"].shape.dim and graph.types[row] == "Placeholder"
        if unrecorded and 0 < graph.producer <= _LAST_WITHOUT_RANKS:
            return dtype_of(graph.node_defs[row]) == DT_BOOL and LEARNING_PHASE.fullmatch(graph.names[row]) is not None
        shape = attributes["shape"].shape
        return not shape.unknown_rank and not shape.dim
    if "_output_shapes" in attributes:
        shapes = attributes["_output_shapes"].list.shape
        return len(shapes) == 1 and not shapes[0].unknown_rank and not shapes[0].dim
    return False


# --- one graph -------------------------------------------------------------------------------------------------------


class FixpointSolver:
    """The sets of one graph, top level or function body, brought to their fixed point.

    Attributes:
        graph: The op graph.
        in_function: Whether it is a function body.
        op_specs: The rule of each row.
        order: Rows in an order of evaluation.
        position: Place of each row in that order.
        depths: How many TF 1 loops are around a row, for rows inside of one.
        source: As in the graph, as a list; so are `output` and `first`, the offsets of each row's edges.
        values: What the values of each row's output depend on.
        shapes: What its shape depends on.
        slots: The sets of each output of a call.
        given: For rows that write to a state, the sets of what they are given to store.
        feeds: The sets of each feed.
        contents: What was behind the handles in a function's arguments before it was called.
        named_elsewhere: Names of states that library functions use without being given a handle.
        callees: Names of the functions that a row calls.
        opaque: Rows that run a function of which nothing is known, or that take what the graph lacks.
        state: What is stored.
    """

    def __init__(
        self,
        graph: OpGraph,
        feeds: Mapping[int, Dependencies],
        summaries: _Summaries,
        body: FunctionBody | None = None,
        contents: Mapping[Key, Dependencies] | None = None,
    ) -> None:
        size = len(graph)
        self.graph = graph
        self.in_function = body is not None
        self.feeds = feeds
        self.contents: Mapping[Key, Dependencies] = contents or {}
        self.summaries = summaries
        self.named_elsewhere = summaries.names
        self.callees: dict[int, Sequence[str]] = {}
        self.opaque: set[int] = set()
        self._of_unknown_code: set[int] = set()
        self.op_specs = self._find_specs(body)
        self.order = evaluation_order(graph)
        self.position: Sequence[int] = self.order
        if not isinstance(self.order, range):
            self.position = [0] * size
            for place, row in enumerate(self.order):
                self.position[row] = place
        self.depths = loop_depths(graph, self.op_specs, self.order)
        self.values = [0] * size
        self.shapes = [0] * size
        self.slots: dict[int, list[Dependencies]] = {}
        self.given: dict[int, Dependencies] = {}
        self.source: list[int] = graph.source.tolist()
        self.output: list[int] = graph.output.tolist()
        self.first: list[int] = graph.in_edges.tolist()
        self._onward: tuple[list[int], list[int]] | None = None
        self.state = State(self)
        self._liveness = find_liveness(graph, self.op_specs, self.order)
        self._decisions: dict[int, int] = {}
        self._decides: dict[int, list[int]] = {}
        for row, conditions in self._liveness.choices.items():
            for origin, _, _ in conditions:
                self._decides.setdefault(origin, []).append(row)

    def _find_specs(self, body: FunctionBody | None) -> list[OpSpec]:
        """The rule of each row: that of its type, unless it calls a function, or is not all there."""
        graph, table, functions = self.graph, op_specs(), self.summaries
        by_type = {op_type: table.get(op_type, UNKNOWN) for op_type in set(graph.types)}
        found = [by_type[op_type] for op_type in graph.types]
        special = {
            op_type
            for op_type, spec in by_type.items()
            if spec.kind in CALLING or spec.kind is Kind.UNKNOWN or functions.has(op_type)
        }
        for row, op_type in enumerate(graph.types) if special else ():
            if op_type not in special:
                continue
            names = functions.called(graph, row, found[row].kind, body)
            if names is not None and all(name in functions.bodies for name in names):
                self.callees[row] = names
                if found[row].kind not in CALLING:
                    found[row] = _CALLS
            elif names is not None:
                # It runs a function that is not in the library, or in a way that is not known.
                found[row] = _MISSING
                self.opaque.add(row)
                self._of_unknown_code.add(row)
            elif found[row].kind is Kind.UNKNOWN:
                self._of_unknown_code.add(row)
        for row, text in graph.dangling:
            if not text.startswith("^"):
                found[row] = UNKNOWN
                self.callees.pop(row, None)
                self.opaque.add(row)
        for row, op_type in enumerate(graph.types) if by_type.keys() & _TOUCHES_BY_ATTRIBUTES else ():
            if op_type == "PrintV2" and prints_to_a_file(graph, row):
                found[row] = _PRINTS_TO_A_FILE
            elif op_type in _TOUCHES_BY_ATTRIBUTES and op_type != "PrintV2":
                reads, writes, _ = self.summaries.python_code.get(token_of(graph, row), (True, True, ()))
                found[row] = _PYTHON[reads, writes]
        return found

    def run(self) -> None:
        """Bring everything to its fixed point."""
        self._sweep()
        writers = self.state.all_writers()
        conditional = {row for row in writers if row in self._liveness.alive}
        changed = writers
        while True:
            fresh = self.state.update(changed)
            if not fresh:
                return
            changed = (self._propagate(fresh) & writers) | conditional

    def pivots(self) -> dict[int, int]:
        """What decides about rows that do not always run, and about what comes out of a ``Switch``."""
        found = {row: self._classes(conditions) for row, conditions in self._liveness.alive.items()}
        for row in _rows_of_kind(self.graph, Kind.SWITCHES):
            inputs = self.data_edges(row)
            predicate = self.at(self.source[inputs[1]], self.output[inputs[1]])[0] if len(inputs) > 1 else ANYTHING[0]
            found[row] = found.get(row, 0) | predicate
        return {row: classes for row, classes in found.items() if classes}

    def rows_with_python(self) -> Collection[int]:
        """Rows that may call Python functions, themselves or in a function's body."""
        types = _PYTHON_TYPES & set(self.graph.types)
        found = [row for row, op_type in enumerate(self.graph.types) if op_type in types] if types else []
        return [*found, *self.callees]

    def tokens(self, row: int) -> Collection[str]:
        """Tokens of the Python functions that a row calls, itself or in a function's body."""
        if row in self.callees:
            return {token for name in self.callees[row] for token in self.summaries.tokens(name)}
        token = token_of(self.graph, row) if self.graph.types[row] in _PYTHON_TYPES else ""
        return (token,) if token else ()

    def runs_code(self) -> frozenset[int]:
        """Rows that may run code outside of the graph: Python's, that of an unknown op, or of a function with such."""
        found = {row for row, names in self.callees.items() if any(self.summaries.runs_code(name) for name in names)}
        python = {spec for spec in set(self.op_specs) if spec.outside is Outside.BOTH}
        if python:
            found.update(row for row, spec in enumerate(self.op_specs) if spec in python)
        return frozenset(found | self._of_unknown_code)

    def decided_by(self, row: int) -> int:
        """What decides whether a row runs."""
        conditions = self._liveness.alive.get(row)
        return self._classes(conditions) if conditions else 0

    def _classes(self, conditions: Conditions) -> int:
        found = 0
        for row, slot, branch in conditions:
            if row == NO_ROW:
                found |= ANYTHING[0]
            elif branch == DECIDED:
                found |= self._decisions.get(row, 0)
            else:
                found |= self.at(row, slot)[0]
        return found

    def data_edges(self, row: int) -> list[int]:
        """The edges that bring a row tensors."""
        return [edge for edge in range(self.first[row], self.first[row + 1]) if self.output[edge] != CONTROL]

    def at(self, row: int, slot: int) -> Dependencies:
        """The sets of one output."""
        per_slot = self.slots.get(row)
        if per_slot is not None and slot < len(per_slot):
            return per_slot[slot]
        return self.values[row], self.shapes[row]

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
            for origin, dependent in self._decides.items()
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
        for row in (*self.state.reads, *self._liveness.choices, *self.opaque):
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
                for target in self._decides.get(row, ()):
                    waiting[position[target]] = 1
            place = waiting.find(1, place + 1)
            if place < 0:
                # Back to what a loop's end has changed at its beginning.
                place = waiting.find(1)
        return changed

    def targets(self, row: int) -> Sequence[int]:
        """The rows that take something from a row."""
        if self._onward is None:
            order, offsets = self.graph.by_source
            self._onward = self.graph.target[order].tolist(), offsets.tolist()
        rows, begin = self._onward
        return rows[begin[row] : begin[row + 1]]

    def _evaluate(self, row: int) -> bool:
        """Compute one row's sets anew; whether anything about it grew."""
        spec = self.op_specs[row]
        inputs = [self.at(self.source[edge], self.output[edge]) for edge in self.data_edges(row)]
        grew = False
        if row in self.callees:
            before = self.state.times_grown
            results = self.summaries.call(self, row, inputs)
            grew = results != self.slots.get(row) or self.state.times_grown != before
            self.slots[row] = results
            value = shape = 0
            for result_value, result_shape in results:
                value |= result_value
                shape |= result_shape
        else:
            behind: list[Dependencies] = []
            read: list[Dependencies] = []
            for key, position in self.state.reads.get(row, ()):
                found = self.state.content(row, key)
                if 0 <= position < len(inputs):
                    inputs[position] = _both(inputs[position], found)
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
        if row in self._liveness.choices:
            decision = self._classes(self._liveness.choices[row])
            grew = grew or decision != self._decisions.get(row, 0)
            self._decisions[row] = decision
            value |= decision
            shape |= decision
        grew = grew or value | self.values[row] != self.values[row] or shape | self.shapes[row] != self.shapes[row]
        self.values[row] |= value
        self.shapes[row] |= shape
        return grew


# --- functions -------------------------------------------------------------------------------------------------------

# Beyond the classes, the bits in a function body stand for what lies outside of the graph and then for its arguments,
# four a piece: an argument's values, its shape, and the values and the shapes of what is behind it if it is a handle.
_BITS = 4
_UNCLEAR, _FROM_OUTSIDE = -2, -1
"""In the place of an argument's position: any handle; and what lies outside of the graph."""
_FUNCTIONS = {
    Kind.CALLS: ("f",),
    Kind.BRANCHES: ("then_branch", "else_branch", "branches"),
    Kind.LOOPS: ("cond", "body"),
}
"""Attributes that name the functions which an op calls."""
_GRAPH_PREFIX = re.compile(r"graph_[0-9]+_")


@dataclass(frozen=True)
class _Summary:
    """What a function's results depend on.

    Attributes:
        results: ``(values, shape)`` of each result.
        unchanged: Positions at which the function gives back its argument as it is.
        handles: Positions of arguments that are handles.
        reads: Positions of those behind which it looks.
        takes: Positions of those that are looked at as queues, tables and the like are, not as variables.
        fills: Positions of those into which it puts something.
        writes: What it stores behind the handle at a position.
        runs_code: Whether it may run code outside of the graph.
        tokens: Tokens of the Python functions that it calls.
    """

    results: Sequence[Dependencies] = ()
    unchanged: frozenset[int] = frozenset()
    handles: frozenset[int] = frozenset()
    reads: frozenset[int] = frozenset()
    takes: frozenset[int] = frozenset()
    fills: frozenset[int] = frozenset()
    writes: Mapping[int, Dependencies] = field(default_factory=dict)
    runs_code: bool = False
    tokens: frozenset[str] = frozenset()


class _Summaries:
    """The summaries of the library functions that a graph runs.

    Attributes:
        python_code: Whether each Python function finds anything outside of its arguments, and keeps anything there.
        bodies: The function library.
        names: Names of the states that functions use without being given a handle.
    """

    def __init__(self, graph: OpGraph, python_code: Mapping[str, tuple[bool, bool, Sequence[str]]]) -> None:
        self.python_code = python_code
        self.bodies = graph.functions
        self.names = {name for body in self.bodies.values() for name in names_of_states(body.graph)}
        self._plain_names = {_GRAPH_PREFIX.sub("", name) for name in self.bodies} | self.bodies.keys()
        self._summaries: dict[str, _Summary] = {}
        called, recursive = self._called_from(graph)
        growing = True
        while growing:
            growing = False
            for name in called:
                summary = self._summarize(self.bodies[name])
                growing = growing or (recursive and summary != self._summaries.get(name))
                self._summaries[name] = summary

    def runs_code(self, name: str) -> bool:
        """Whether a function may run code outside of the graph."""
        return self._summaries.get(name, _Summary()).runs_code

    def tokens(self, name: str) -> frozenset[str]:
        """Tokens of the Python functions that a function calls."""
        return self._summaries.get(name, _Summary()).tokens

    def has(self, op_type: str) -> bool:
        """Whether an op type is a function's name, as TF 1 called functions."""
        return op_type in self._plain_names

    def called(self, graph: OpGraph, row: int, kind: Kind, body: FunctionBody | None) -> Sequence[str] | None:
        """Names of the functions that an op calls, as the library has them.

        ``None`` when it calls none. A name that the library lacks stands for a function that nothing is known of.
        """
        node = graph.node_defs[row]
        if self.has(graph.types[row]):
            names = [graph.types[row]]
        elif kind in CALLING:
            names = list(functions_of(node, *_FUNCTIONS[kind]))
            if len(names) < len(_FUNCTIONS[kind]) - (kind is Kind.BRANCHES):
                names = [*names, ""]
        elif next(functions_of(node), None) is not None:
            return [""]
        else:
            return None
        if body is None:
            # Graphs merged from several have prefixes: "graph_1/" on ops, "graph_1_" on functions.
            name = graph.names[row]
            prefix = name[: len(name) - len(graph.node_defs[row].name)].replace("/", "_")
        else:
            match = _GRAPH_PREFIX.match(body.name)
            prefix = match[0] if match else ""
        return [name if name in self.bodies else prefix + name for name in names]

    def _called_from(self, graph: OpGraph) -> tuple[Sequence[str], bool]:
        """The functions that a graph calls, those that are called by others first; and whether any calls itself."""
        found: list[str] = []
        recursive = False
        open_: set[str] = set()
        stack = [("", iter(self._callees(graph, None)))]
        done: set[str] = set()
        while stack:
            name, callees = stack[-1]
            callee = next(callees, None)
            if callee is None:
                stack.pop()
                open_.discard(name)
                done.add(name)
                found.append(name)
            elif callee in open_:
                recursive = True
            elif callee not in done:
                open_.add(callee)
                body = self.bodies[callee]
                stack.append((callee, iter(self._callees(body.graph, body))))
        return found[:-1], recursive

    def _callees(self, graph: OpGraph, body: FunctionBody | None) -> Iterable[str]:
        table = op_specs()
        found: dict[str, None] = {}
        kinds = {op_type: table.get(op_type, UNKNOWN).kind for op_type in set(graph.types)}
        calling = {op_type for op_type, kind in kinds.items() if kind in CALLING or self.has(op_type)}
        for row, op_type in enumerate(graph.types) if calling else ():
            if op_type in calling:
                names = self.called(graph, row, kinds[op_type], body) or ()
                found.update(dict.fromkeys(name for name in names if name in self.bodies))
        return found

    def _summarize(self, body: FunctionBody) -> _Summary:
        graph = body.graph
        feeds: dict[int, Dependencies] = dict.fromkeys(_rows_of_kind(graph, Kind.FEED), DATA)
        _, _, content, content_shape = _bits_of(_FROM_OUTSIDE)
        contents: dict[Key, Dependencies] = {OUTSIDE: (content | content_shape, content_shape)}
        positions: dict[Key, int] = {OUTSIDE: _FROM_OUTSIDE}
        for position, row in enumerate(body.arguments):
            values, shape, content, content_shape = _bits_of(position)
            feeds[row] = values | shape, shape
            if dtype_of(graph.node_defs[row]) == DT_RESOURCE:
                feeds[row] = values | shape | HANDLE, shape
                contents[row] = content | content_shape, content_shape
                positions[row] = position
        solver = FixpointSolver(graph, feeds, self, body, contents)
        solver.run()
        pivots = solver.pivots()
        results = []
        for row, slot in body.results:
            value, shape = solver.at(row, slot) if row >= 0 else ANYTHING
            results.append((value | pivots.get(row, 0), shape | pivots.get(row, 0)))
        positions[ANYWHERE] = _UNCLEAR
        writes = {
            position: solver.state.stored_behind(key)
            for key, position in positions.items()
            if key in solver.state.writers or (ANYWHERE in solver.state.writers and key != OUTSIDE)
        }
        used = 0
        for value, shape in (*results, *writes.values()):
            used |= value | shape
        return _Summary(
            results=results,
            unchanged=frozenset(
                position
                for position, (row, _) in enumerate(body.results[: len(body.arguments)])
                if row >= 0 and _plain(graph, row) == body.arguments[position]
            ),
            handles=frozenset(positions[key] for key in contents),
            reads=frozenset(
                positions[key]
                for key, sets in contents.items()
                if used & (sets[0] | sets[1]) or (key == OUTSIDE and solver.state.reads_outside)
            ),
            takes=frozenset(positions[key] for key in solver.state.taken),
            fills=frozenset(positions[key] for key in positions.keys() & solver.state.filled),
            writes=writes,
            runs_code=bool(solver.runs_code()),
            tokens=frozenset(token for row in solver.rows_with_python() for token in solver.tokens(row)),
        )

    def call(self, solver: FixpointSolver, row: int, inputs: Sequence[Dependencies]) -> list[Dependencies]:
        """Results of a call, slot by slot."""
        kind, names = solver.op_specs[row].kind, solver.callees[row]
        if kind is Kind.LOOPS:
            return self._loop(solver, row, names[0], names[1], inputs)
        offset = 1 if kind is Kind.BRANCHES else 0
        predicate = inputs[0][0] if offset and inputs else 0
        results: list[Dependencies] = []
        for name in names:
            results = _join(results, self._apply(solver, row, name, inputs[offset:], offset, predicate, {}))
        return [(value | predicate, shape | predicate) for value, shape in results]

    def _loop(
        self, solver: FixpointSolver, row: int, condition: str, body: str, inputs: Sequence[Dependencies]
    ) -> list[Dependencies]:
        unchanged = self._summaries.get(body, _Summary()).unchanged
        carried = list(inputs)
        behind: dict[int, Dependencies] = {}
        decision = 0
        while True:
            before = dict(behind), decision
            decides = self._apply(solver, row, condition, carried, 0, decision, behind, again=True)
            decision |= decides[0][0] if decides else 0
            after = self._apply(solver, row, body, carried, 0, decision, behind, again=True)
            grown = [
                (value, shape)
                if position in unchanged or position >= len(after)
                else (value | after[position][0] | decision, shape | after[position][1] | decision)
                for position, (value, shape) in enumerate(carried)
            ]
            if grown == carried and before == (behind, decision):
                return carried
            carried = grown

    def _apply(
        self,
        solver: FixpointSolver,
        row: int,
        name: str,
        arguments: Sequence[Dependencies],
        offset: int,
        decision: int,
        behind: dict[int, Dependencies],
        again: bool = False,
    ) -> list[Dependencies]:
        """A summary with the caller's sets in the place of the arguments' bits.

        Args:
            solver: The caller.
            row: The row that calls.
            name: The function.
            arguments: What it is called with.
            offset: How many inputs of the row come before the arguments.
            decision: What decides whether it is called.
            behind: What is behind its handles; completed here.
            again: Whether it is called over and over, so that it finds what it wrote itself.

        Returns:
            The sets of the results.
        """
        summary = self._summaries.get(name, _Summary())
        edges = solver.data_edges(row)[offset:]
        keys = {
            position: solver.state.origin(solver.source[edges[position]]) if position < len(edges) else None
            for position in summary.handles
            if position >= 0
        }
        keys[_FROM_OUTSIDE] = solver.state.outside(row)
        for position in sorted(summary.reads):
            found = solver.state.read_by_call(row, keys[position], position + offset, position in summary.takes)
            behind[position] = _both(behind.get(position, (0, 0)), found)
        bits = [0] * (_BITS * (len(arguments) + 1))
        for position, (value, shape) in enumerate(arguments):
            place = _place(position)
            bits[place] = value & ~HANDLE if position in summary.handles else value
            bits[place + 1] = shape
        growing = True
        while growing:
            growing = False
            for position, (value, shape) in behind.items():
                if position < len(arguments):
                    place = _place(position)
                    bits[place + 2], bits[place + 3] = value, shape
            put_in = _Substitution(bits)
            for place, sets in summary.writes.items():
                key = keys.get(place)
                written = put_in(sets[0]) | decision, put_in(sets[1]) | decision
                solver.state.store(row, key, written, fills=place in summary.fills)
                if place == _FROM_OUTSIDE:
                    for variable in solver.state.written_by_python(row):
                        solver.state.store(row, variable, written, fills=True)
                for position in summary.reads:
                    # Two handles may lead to the same state.
                    same = key is None or keys[position] is None or keys[position] == key
                    if same and (again or position != place):
                        joined = _both(behind[position], written)
                        growing = growing or joined != behind[position]
                        behind[position] = joined
        return [(put_in(value), put_in(shape)) for value, shape in summary.results]


def _place(position: int) -> int:
    """The first of the bits that stand for an argument, counted behind the classes."""
    return _BITS * (position - _FROM_OUTSIDE)


def _bits_of(position: int) -> Sequence[int]:
    return [1 << (CLASS_BITS + _place(position) + bit) for bit in range(_BITS)]


class _Substitution:
    """Puts a caller's sets in the place of the bits that stand for arguments."""

    def __init__(self, bits: Sequence[int]) -> None:
        self._bits = bits
        self._known: dict[int, int] = {}

    def __call__(self, sets: int) -> int:
        if sets not in self._known:
            result = sets & ALL_CLASSES
            rest = sets >> CLASS_BITS
            while rest:
                lowest = rest & -rest
                place = lowest.bit_length() - 1
                # An argument that the call does not give may be anything.
                result |= self._bits[place] if place < len(self._bits) else ANYTHING[0]
                rest ^= lowest
            self._known[sets] = result
        return self._known[sets]


def _both(left: Dependencies, right: Dependencies) -> Dependencies:
    return left[0] | right[0], left[1] | right[1]


def _join(left: list[Dependencies], right: list[Dependencies]) -> list[Dependencies]:
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return [_both(sets, shorter[slot]) if slot < len(shorter) else sets for slot, sets in enumerate(longer)]


def _plain(graph: OpGraph, row: int) -> int:
    """The row whose output this row passes on unchanged; in a cycle of identities, one of them."""
    seen = set()
    while graph.types[row] == "Identity" and row not in seen:
        seen.add(row)
        edge = int(graph.in_edges[row])
        if edge == int(graph.in_edges[row + 1]) or graph.output[edge] == CONTROL:
            break
        row = int(graph.source[edge])
    return row
