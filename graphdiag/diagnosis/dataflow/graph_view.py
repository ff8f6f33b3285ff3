"""One graph under analysis: its edges as lists, the spec of each op, and what is known so far of each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableSequence, Sequence
from functools import cached_property
from typing import NewType, Protocol, cast

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ANYTHING, HANDLE, Dependencies
from graphdiag.diagnosis.dataflow.inputs import TensorInputs
from graphdiag.diagnosis.dataflow.liveness import (
    DECIDED,
    NO_ROW,
    Conditions,
    evaluation_order,
    find_liveness,
    loop_depths,
)
from graphdiag.diagnosis.dataflow.op_specs import CALLING, UNKNOWN, Kind, OpSpec, Outside, op_specs
from graphdiag.graphs.node_attributes import text_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

Key = int | tuple[str, str]
"""What a state is known by: the row of an op; or a name, after the prefix of the graph it is in."""
StateNumber = NewType("StateNumber", int)
"""In the place of a row: a state that no op of the graph makes."""
ANYWHERE: Key = StateNumber(-1)
"""A handle whose origin is unclear: it may be any."""
OUTSIDE = StateNumber(-2)
"""What lies outside of the graph: files, and whatever Python code keeps. Of graphs that were merged from several, and
did not run together, each has a key of its own, from here on downward."""

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


class Functions(Protocol):
    """What a graph has to know of the library functions that it calls."""

    @property
    def python_code(self) -> Mapping[str, tuple[bool, bool, Sequence[str]]]:
        """What each Python function does beyond its arguments, by its token.

        Whether it finds anything there, whether it keeps anything there, and the variables that it may use.
        """

    @property
    def bodies(self) -> Mapping[str, FunctionBody]:
        """The function library."""

    @property
    def names(self) -> Collection[str]:
        """Names of the states that functions use without being given a handle."""

    def has(self, op_type: str) -> bool:
        """Whether an op type is the name of a function."""

    def called(self, graph: OpGraph, row: int, kind: Kind, body: FunctionBody | None) -> Sequence[str] | None:
        """Names of the functions that an op calls; ``None`` when it calls none."""

    def runs_code(self, name: str) -> bool:
        """Whether a function may run code outside of the graph."""

    def tokens(self, name: str) -> frozenset[str]:
        """Tokens of the Python functions that a function calls."""


class GraphView:
    """One graph under analysis, top level or function body: its edges as lists, and what is known so far of each row.

    Attributes:
        graph: The op graph.
        in_function: Whether it is a function body.
        op_specs: The spec of each row.
        specs: The different ones, of which some row may have each.
        spec_numbers: The place of each row's spec among these; int32.
        order: Rows in an order of evaluation.
        position: Place of each row in that order.
        positions: The same as an array; int64.
        depths: How many TF 1 loops are around a row, for rows inside of one.
        source: As in the graph, to be asked for single edges; so are `output` and `first`, the offsets of each row's
            edges.
        inputs: The tensors that rows take, to be asked for many rows.
        values: What the values of each row's output depend on, and those of one row more, on which nothing depends:
            control dependencies come from there. Outside of function bodies a set of classes is a byte.
        shapes: What its shape depends on.
        slots: The sets of each output of a call.
        given_apart: The sets of what rows that write to a state are given to store, where that is not just what all
            their inputs but the first have.
        feeds: The sets of each feed.
        contents: What was behind the handles in a function's arguments before it was called.
        named_elsewhere: Names of states that library functions use without being given a handle.
        callees: Names of the functions that a row calls.
        opaque: Rows that run a function of which nothing is known, or that take what the graph lacks.
        functions: What is known of the library functions that it calls.
        liveness: Under which conditions rows run.
        decisions: What is known so far of what decides at a ``Merge`` and the like.
        decides: For each row whose value decides somewhere, the rows where it does.
    """

    def __init__(
        self,
        graph: OpGraph,
        feeds: Mapping[int, Dependencies],
        functions: Functions,
        body: FunctionBody | None = None,
        contents: Mapping[Key, Dependencies] | None = None,
    ) -> None:
        size = len(graph)
        self.graph = graph
        self.in_function = body is not None
        self.feeds = feeds
        self.contents: Mapping[Key, Dependencies] = contents or {}
        self.functions = functions
        self.named_elsewhere = functions.names
        self.callees: dict[int, Sequence[str]] = {}
        self.opaque: set[int] = set()
        self._of_unknown_code: set[int] = set()
        table = op_specs()
        by_type = [table.get(op_type, UNKNOWN) for op_type in graph.type_names]
        special = self._special_specs(dict(zip(graph.type_names, by_type, strict=True)), body)
        self.specs = list(dict.fromkeys((*by_type, *special.values())))
        numbers = {spec: number for number, spec in enumerate(self.specs)}
        self.spec_numbers = np.array([numbers[spec] for spec in by_type], dtype=np.int32)[graph.type_numbers]
        self.spec_numbers[list(special)] = [numbers[spec] for spec in special.values()]
        self.op_specs: list[OpSpec] = np.array(self.specs, dtype=object)[self.spec_numbers].tolist()
        self.order = evaluation_order(graph)
        self.positions = np.arange(size)
        self.position: Sequence[int] = self.order
        if not isinstance(self.order, range):
            self.positions[np.asarray(self.order)] = np.arange(size)
            self.position = self.positions.data
        self.depths = loop_depths(graph, self.op_specs, self.order)
        self.values: MutableSequence[int] = [0] * (size + 1) if self.in_function else bytearray(size + 1)
        self.shapes: MutableSequence[int] = [0] * (size + 1) if self.in_function else bytearray(size + 1)
        self.slots: dict[int, list[Dependencies]] = {}
        self.given_apart: dict[int, Dependencies] = {}
        # Looked at in place: most rows are evaluated in whole arrays, and lists of all would cost more than they save.
        self.source: Sequence[int] = graph.source.data
        self.output: Sequence[int] = graph.output.data
        self.first: Sequence[int] = graph.in_edges.data
        self.inputs = TensorInputs(graph)
        self.liveness = find_liveness(self)
        self.decisions: dict[int, int] = {}
        self.decides: dict[int, list[int]] = {}
        for row, conditions in self.liveness.choices.items():
            for origin, _, _ in conditions:
                self.decides.setdefault(origin, []).append(row)

    def _special_specs(self, by_type: Mapping[str, OpSpec], body: FunctionBody | None) -> dict[int, OpSpec]:
        """The rules of rows that have another one than their types: they call a function, or are not all there."""
        graph, functions = self.graph, self.functions
        found: dict[int, OpSpec] = {}
        special = {
            op_type
            for op_type, spec in by_type.items()
            if spec.kind in CALLING or spec.kind is Kind.UNKNOWN or functions.has(op_type)
        }
        for row in graph.rows_of_types(special.__contains__):
            op_type = graph.types[row]
            kind = by_type[op_type].kind
            names = functions.called(graph, row, kind, body)
            if names is not None and all(name in functions.bodies for name in names):
                self.callees[row] = names
                if kind not in CALLING or functions.has(op_type):
                    found[row] = _CALLS
            elif names is not None:
                # It runs a function that is not in the library, or in a way that is not known.
                found[row] = _MISSING
                self.opaque.add(row)
                self._of_unknown_code.add(row)
            elif kind is Kind.UNKNOWN:
                self._of_unknown_code.add(row)
        for row, text in graph.dangling:
            if not text.startswith("^"):
                found[row] = UNKNOWN
                self.callees.pop(row, None)
                self.opaque.add(row)
        for row in graph.rows_of_types(_TOUCHES_BY_ATTRIBUTES.__contains__):
            if graph.types[row] != "PrintV2":
                reads, writes, _ = self.functions.python_code.get(token_of(graph, row), (True, True, ()))
                found[row] = _PYTHON[reads, writes]
            elif prints_to_a_file(graph, row):
                found[row] = _PRINTS_TO_A_FILE
        return found

    def in_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """`values` and `shapes` as arrays: the same bytes, uint8. Only outside of function bodies."""
        values, shapes = cast(bytearray, self.values), cast(bytearray, self.shapes)
        return np.frombuffer(values, dtype=np.uint8), np.frombuffer(shapes, dtype=np.uint8)

    def rows_with(self, fits: Callable[[OpSpec], object]) -> list[int]:
        """The rows whose specs are of some sort, in order; each spec is looked at once."""
        if not any(map(fits, self.specs)):
            return []
        rows: list[int] = np.flatnonzero(self.are(fits)).tolist()
        return rows

    def are(self, fits: Callable[[OpSpec], object]) -> np.ndarray:
        """Which rows have specs of some sort, each spec being looked at once: a boolean for each row."""
        chosen = np.array([bool(fits(spec)) for spec in self.specs], dtype=bool)
        found: np.ndarray = chosen[self.spec_numbers]
        return found

    def pivots(self) -> dict[int, int]:
        """What decides about rows that do not always run, and about what comes out of a ``Switch``."""
        known = {conditions: self._classes(conditions) for conditions in {*self.liveness.alive.values()}}
        found = {row: known[conditions] for row, conditions in self.liveness.alive.items()}
        switches = rows_of_kind(self.graph, Kind.SWITCHES)
        by = self.inputs.edges(np.array(switches, dtype=np.int64), 1).tolist()
        for row, edge in zip(switches, by, strict=True):
            predicate = self.at(self.source[edge], self.output[edge])[0] if edge >= 0 else ANYTHING[0]
            found[row] = found.get(row, 0) | predicate
        return {row: classes for row, classes in found.items() if classes}

    def rows_with_python(self) -> Collection[int]:
        """Rows that may call Python functions, themselves or in a function's body."""
        return [*self.graph.rows_of_types(_PYTHON_TYPES.__contains__), *self.callees]

    def tokens(self, row: int) -> Collection[str]:
        """Tokens of the Python functions that a row calls, itself or in a function's body."""
        if row in self.callees:
            return {token for name in self.callees[row] for token in self.functions.tokens(name)}
        token = token_of(self.graph, row) if self.graph.types[row] in _PYTHON_TYPES else ""
        return (token,) if token else ()

    def runs_code(self) -> frozenset[int]:
        """Rows that may run code outside of the graph: Python's, that of an unknown op, or of a function with such."""
        found = {row for row, names in self.callees.items() if any(self.functions.runs_code(name) for name in names)}
        found.update(self.rows_with(lambda spec: spec.outside is Outside.BOTH))
        return frozenset(found | self._of_unknown_code)

    def decided_by(self, row: int) -> int:
        """What decides whether a row runs."""
        conditions = self.liveness.alive.get(row)
        return self._classes(conditions) if conditions else 0

    def _classes(self, conditions: Conditions) -> int:
        found = 0
        for row, slot, branch in conditions:
            if row == NO_ROW:
                found |= ANYTHING[0]
            elif branch == DECIDED:
                found |= self.decisions.get(row, 0)
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

    def given(self, row: int) -> Dependencies:
        """The sets of what a row that writes to a state is given to store."""
        apart = self.given_apart.get(row)
        if apart is not None:
            return apart
        value = shape = 0
        for edge in range(self.first[row] + 1, self.first[row + 1]):
            if self.output[edge] != CONTROL:
                value |= self.values[self.source[edge]]
                shape |= self.shapes[self.source[edge]]
        return value & ~HANDLE, shape & ~HANDLE

    def targets(self, row: int) -> Sequence[int]:
        """The rows that take something from a row."""
        begin = self._begin
        return self._onward[begin[row] : begin[row + 1]]

    def edges_from(self, row: int) -> Sequence[int]:
        """The edges by which a row gives something."""
        begin = self._begin
        return self._by_source[begin[row] : begin[row + 1]]

    @cached_property
    def target(self) -> Sequence[int]:
        """The rows that edges enter; as in the graph, to be asked for single edges."""
        return self.graph.target.data

    @cached_property
    def _by_source(self) -> Sequence[int]:
        return self.graph.by_source[0].data

    @cached_property
    def _begin(self) -> Sequence[int]:
        return self.graph.by_source[1].data

    @cached_property
    def _onward(self) -> Sequence[int]:
        return self.graph.onward.data


def rows_of_kind(graph: OpGraph, kind: Kind) -> Sequence[int]:
    """The rows whose op types are of a kind."""
    table = op_specs()
    return graph.rows_of_types(lambda op_type: table.get(op_type, UNKNOWN).kind is kind)


def token_of(graph: OpGraph, row: int) -> str:
    """The token under which TensorFlow knows the Python function that an op calls."""
    return text_of(graph.node_defs[row], "token").decode(errors="replace")


def prints_to_a_file(graph: OpGraph, row: int) -> bool:
    """Whether a ``PrintV2`` writes to a file, which others can read."""
    return text_of(graph.node_defs[row], "output_stream").startswith(b"file://")
