"""Library functions: one summary for each, which says on which arguments each result and each write depends.

A call is then as cheap as any other op. Functions that call themselves are brought to a fixed point over the summaries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

from graphdiag.diagnosis.dataflow.classes import ALL_CLASSES, ANYTHING, CLASS_BITS, DATA, HANDLE, Dependencies
from graphdiag.diagnosis.dataflow.graph_view import ANYWHERE, OUTSIDE, GraphView, Key, rows_of_kind
from graphdiag.diagnosis.dataflow.op_specs import CALLING, UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.dataflow.states import States, names_of_states
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of, functions_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

Solve = Callable[
    ["FunctionSummaries", FunctionBody, Mapping[int, Dependencies], Mapping[Key, Dependencies]],
    tuple[GraphView, States],
]
"""Brings a function body to its fixed point, given what its feeds carry and what lies behind its handles."""

# Beyond the classes, the bits in a function body stand for what lies outside of the graph and then for its arguments,
# four a piece: an argument's values, its shape, and the values and the shapes of what is behind it if it is a handle.
_BITS = 4
ArgumentPosition = NewType("ArgumentPosition", int)
"""Which argument of a function; or one of the two that follow."""
_UNCLEAR, _FROM_OUTSIDE = ArgumentPosition(-2), ArgumentPosition(-1)
"""In the place of an argument's position: any handle; and what lies outside of the graph."""
_FUNCTIONS = {
    Kind.CALLS: ("f",),
    Kind.BRANCHES: ("then_branch", "else_branch", "branches"),
    Kind.LOOPS: ("cond", "body"),
}
"""Attributes that name the functions which an op calls."""
_GRAPH_PREFIX = re.compile(r"graph_[0-9]+_")


@dataclass(frozen=True)
class FunctionSummary:
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


class FunctionSummaries:
    """The summaries of the library functions that a graph runs.

    Attributes:
        python_code: Whether each Python function finds anything outside of its arguments, and keeps anything there.
        bodies: The function library.
        names: Names of the states that functions use without being given a handle.
    """

    def __init__(
        self, graph: OpGraph, python_code: Mapping[str, tuple[bool, bool, Sequence[str]]], solve: Solve
    ) -> None:
        self.python_code = python_code
        self._solve = solve
        self.bodies = graph.functions
        self.names = {name for body in self.bodies.values() for name in names_of_states(body.graph)}
        self._plain_names = {_GRAPH_PREFIX.sub("", name) for name in self.bodies} | self.bodies.keys()
        self._summaries: dict[str, FunctionSummary] = {}
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
        return self._summaries.get(name, FunctionSummary()).runs_code

    def tokens(self, name: str) -> frozenset[str]:
        """Tokens of the Python functions that a function calls."""
        return self._summaries.get(name, FunctionSummary()).tokens

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
            names += [""] * (len(_FUNCTIONS[kind]) - (kind is Kind.BRANCHES) - len(names))
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
        kinds = {op_type: table.get(op_type, UNKNOWN).kind for op_type in graph.type_names}
        calling = {op_type for op_type, kind in kinds.items() if kind in CALLING or self.has(op_type)}
        for row in graph.rows_of_types(calling.__contains__) if calling else ():
            names = self.called(graph, row, kinds[graph.types[row]], body) or ()
            found.update(dict.fromkeys(name for name in names if name in self.bodies))
        return found

    def _summarize(self, body: FunctionBody) -> FunctionSummary:
        graph = body.graph
        feeds: dict[int, Dependencies] = dict.fromkeys(rows_of_kind(graph, Kind.FEED), DATA)
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
        view, states = self._solve(self, body, feeds, contents)
        pivots = view.pivots()
        results = []
        for row, slot in body.results:
            value, shape = view.at(row, slot) if row >= 0 else ANYTHING
            results.append((value | pivots.get(row, 0), shape | pivots.get(row, 0)))
        positions[ANYWHERE] = _UNCLEAR
        writes = {
            position: states.stored_behind(key)
            for key, position in positions.items()
            if key in states.writers or (ANYWHERE in states.writers and key != OUTSIDE)
        }
        used = 0
        for value, shape in (*results, *writes.values()):
            used |= value | shape
        return FunctionSummary(
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
                if used & (sets[0] | sets[1]) or (key == OUTSIDE and states.reads_outside)
            ),
            takes=frozenset(positions[key] for key in states.taken),
            fills=frozenset(positions[key] for key in positions.keys() & states.filled),
            writes=writes,
            runs_code=bool(view.runs_code()),
            tokens=frozenset(token for row in view.rows_with_python() for token in view.tokens(row)),
        )

    def call(self, view: GraphView, states: States, row: int, inputs: Sequence[Dependencies]) -> list[Dependencies]:
        """Results of a call, slot by slot."""
        kind, names = view.op_specs[row].kind, view.callees[row]
        if kind is Kind.LOOPS:
            return self._loop(view, states, row, names[0], names[1], inputs)
        offset = 1 if kind is Kind.BRANCHES else 0
        predicate = inputs[0][0] if offset and inputs else 0
        results: list[Dependencies] = []
        for name in names:
            results = _join(results, self._apply(view, states, row, name, inputs[offset:], offset, predicate, {}))
        return [(value | predicate, shape | predicate) for value, shape in results]

    def _loop(
        self, view: GraphView, states: States, row: int, condition: str, body: str, inputs: Sequence[Dependencies]
    ) -> list[Dependencies]:
        unchanged = self._summaries.get(body, FunctionSummary()).unchanged
        carried = list(inputs)
        behind: dict[int, Dependencies] = {}
        decision = 0
        while True:
            before = dict(behind), decision
            decides = self._apply(view, states, row, condition, carried, 0, decision, behind, again=True)
            decision |= decides[0][0] if decides else 0
            after = self._apply(view, states, row, body, carried, 0, decision, behind, again=True)
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
        view: GraphView,
        states: States,
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
            view: The caller.
            states: What is stored in it.
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
        summary = self._summaries.get(name, FunctionSummary())
        edges = view.data_edges(row)[offset:]
        keys = {
            position: states.origin(view.source[edges[position]]) if position < len(edges) else None
            for position in summary.handles
            if position >= 0
        }
        keys[_FROM_OUTSIDE] = states.outside(row)
        for position in sorted(summary.reads):
            found = states.read_by_call(row, keys[position], position + offset, position in summary.takes)
            behind[position] = either(behind.get(position, (0, 0)), found)
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
                states.store(row, key, written, fills=place in summary.fills)
                if place == _FROM_OUTSIDE:
                    for variable in states.written_by_python(row):
                        states.store(row, variable, written, fills=True)
                for position in summary.reads:
                    # Two handles may lead to the same state.
                    same = key is None or keys[position] is None or keys[position] == key
                    if same and (again or position != place):
                        joined = either(behind[position], written)
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


def either(left: Dependencies, right: Dependencies) -> Dependencies:
    """What depends on either of two, depends on."""
    return left[0] | right[0], left[1] | right[1]


def _join(left: list[Dependencies], right: list[Dependencies]) -> list[Dependencies]:
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return [either(sets, shorter[slot]) if slot < len(shorter) else sets for slot, sets in enumerate(longer)]


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
